import type { CanonicalEvent, FinishReason, ProviderFault } from '#wire/canonical.ts';
import { mergeUsage, type Usage } from '#wire/usage.ts';

export interface SnapshotTool {
  readonly id: string;
  readonly name: string;
  /** The argument text so far: whole JSON only once the block is over. */
  readonly arguments: string;
  /** A tool whose argument is free text. */
  readonly custom: boolean;
}

/** A choice so far: blocks of one kind are joined in their order. */
export interface SnapshotChoice {
  readonly index: number;
  readonly text: string;
  readonly reasoning: string;
  readonly refusal: string;
  readonly tools: readonly SnapshotTool[];
  readonly finish: FinishReason | null;
}

/** An answer so far. */
export interface SnapshotState {
  readonly id: string | null;
  readonly model: string | null;
  readonly choices: readonly SnapshotChoice[];
  readonly usage: Usage | null;
  /** The answer said that it failed. */
  readonly error: ProviderFault | null;
}

type Kind = Extract<CanonicalEvent, { readonly type: 'block_start' }>['kind'];

interface Block {
  readonly kind: Kind;
  readonly tool: Omit<SnapshotTool, 'arguments'>;
  text: string;
}

interface Choice {
  readonly blocks: Map<number, Block>;
  finish: FinishReason | null;
}

/** Folds the steps of an answer into what it is so far. */
export class Snapshot {
  readonly #choices = new Map<number, Choice>();
  #start: { readonly id: string; readonly model: string } | null = null;
  #usage: Usage | null = null;
  #error: ProviderFault | null = null;

  take(event: CanonicalEvent): void {
    switch (event.type) {
      case 'start':
        this.#start ??= event;
        break;
      case 'block_start': {
        const { kind, id = '', name = '', custom = false } = event;
        this.#choice(event.choice).blocks.set(event.block, { kind, tool: { id, name, custom }, text: '' });
        break;
      }
      case 'delta': {
        const block = this.#choice(event.choice).blocks.get(event.block);
        if (block) block.text += event.text;
        break;
      }
      case 'finish':
        this.#choice(event.choice).finish = event.reason;
        break;
      case 'usage':
        this.#usage = mergeUsage(this.#usage, event.usage);
        break;
      case 'error':
        this.#error = event.error;
        break;
      default:
    }
  }

  get(): SnapshotState {
    const { id = null, model = null } = this.#start ?? {};
    const choices = [...this.#choices].toSorted(([a], [b]) => a - b).map(([index, choice]) => choiceOf(index, choice));
    return { id, model, choices, usage: this.#usage, error: this.#error };
  }

  #choice(index: number): Choice {
    const known = this.#choices.get(index);
    if (known) return known;
    const made: Choice = { blocks: new Map(), finish: null };
    this.#choices.set(index, made);
    return made;
  }
}

function choiceOf(index: number, { blocks, finish }: Choice): SnapshotChoice {
  const inOrder = [...blocks].toSorted(([a], [b]) => a - b).map(([, block]) => block);
  const joined = (kind: Kind): string =>
    inOrder.reduce((text, block) => (block.kind === kind ? text + block.text : text), '');
  const tools = inOrder
    .filter(({ kind }) => kind === 'tool_call')
    .map(({ tool, text }) => ({ id: tool.id, name: tool.name, arguments: text, custom: tool.custom }));
  const [text, reasoning, refusal] = [joined('text'), joined('reasoning'), joined('refusal')];
  return { index, text, reasoning, refusal, tools, finish };
}

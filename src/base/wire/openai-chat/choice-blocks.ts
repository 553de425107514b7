import type { CanonicalEvent } from '#wire/canonical.ts';
import { extraSignature } from '#wire/google-generate/signature.ts';
import { countOf, isObject, isUnset, objectOf, textOf, type JsonObject } from '#wire/json/read.ts';

type TextKind = 'text' | 'reasoning' | 'refusal';

interface ToolBlock {
  readonly block: number;
  readonly id: string;
}

/**
 * The blocks of one choice, found from its deltas. A block of text ends where another block begins. Tool calls stay open
 * until the choice ends: pieces of parallel calls may alternate, and each must reach its own block.
 */
export class ChoiceBlocks {
  readonly choice: number;
  #next = 0;
  #open: { readonly kind: TextKind; readonly block: number } | null = null;
  /** Null: it has called none so far. */
  #tools: Map<number | string, ToolBlock> | null = null;
  #lastTool: number | string = 0;

  constructor(choice: number) {
    this.choice = choice;
  }

  text(kind: TextKind, piece: string, logprobs: unknown): CanonicalEvent[] {
    const scored = isUnset(logprobs) ? {} : { logprobs };
    // Log probabilities may come beside an empty text; they belong to the text that is open.
    if (piece === '' && (isUnset(logprobs) || this.#open?.kind !== kind)) return [];
    const { started, block } = this.#openText(kind);
    return [...started, { type: 'delta', choice: this.choice, block, text: piece, ...scored }];
  }

  annotation(value: unknown): CanonicalEvent[] {
    const { started, block } = this.#openText('text');
    return [...started, { type: 'annotation', choice: this.choice, block, value }];
  }

  signature(detail: JsonObject): CanonicalEvent[] {
    const [signature, encrypted] = [textOf(detail['signature']), textOf(detail['data'])];
    if (signature === null && encrypted === null) return [];
    const { started, block } = this.#openText('reasoning');
    const signed = { ...(signature !== null && { signature }), ...(encrypted !== null && { encrypted }) };
    return [...started, { type: 'signature', choice: this.choice, block, ...signed }];
  }

  tool(call: JsonObject): CanonicalEvent[] {
    const tools = (this.#tools ??= new Map<number | string, ToolBlock>());
    const key = toolKey(call, tools, this.#lastTool);
    this.#lastTool = key;
    const started = tools.has(key) ? [] : this.#openTool(tools, key, call);
    const piece = argumentText(call);
    const { block } = tools.get(key)!;
    return piece === '' ? started : [...started, { type: 'delta', choice: this.choice, block, text: piece }];
  }

  stopAll(): CanonicalEvent[] {
    const stops = [...(this.#tools?.values() ?? [])].map(({ block }): CanonicalEvent => ({
      type: 'block_stop',
      choice: this.choice,
      block,
    }));
    this.#tools = null;
    return [...this.#closeText(), ...stops];
  }

  #closeText(): CanonicalEvent[] {
    if (!this.#open) return [];
    const { block } = this.#open;
    this.#open = null;
    return [{ type: 'block_stop', choice: this.choice, block }];
  }

  #openText(kind: TextKind): { readonly started: CanonicalEvent[]; readonly block: number } {
    if (this.#open?.kind === kind) return { started: [], block: this.#open.block };
    const closed = this.#closeText();
    const block = this.#next++;
    this.#open = { kind, block };
    return { started: [...closed, { type: 'block_start', choice: this.choice, block, kind }], block };
  }

  #signedThought(signature: string | null): CanonicalEvent[] {
    if (signature === null) return [];
    const at = { choice: this.choice, block: this.#next++ };
    return [
      { type: 'block_start', ...at, kind: 'reasoning' },
      { type: 'signature', ...at, signature },
      { type: 'block_stop', ...at },
    ];
  }

  #openTool(tools: Map<number | string, ToolBlock>, key: number | string, call: JsonObject): CanonicalEvent[] {
    const custom = isObject(call['custom']);
    const id = textOf(call['id']) ?? '';
    const name = textOf(objectOf(call[custom ? 'custom' : 'function'])['name']) ?? '';
    const closed = [...this.#closeText(), ...this.#signedThought(extraSignature(call))];
    const block = this.#next++;
    tools.set(key, { block, id });
    return [...closed, { type: 'block_start', choice: this.choice, block, kind: 'tool_call', id, name, custom }];
  }
}

/**
 * Which call a piece belongs to. Google's endpoint gives every parallel call index 0, told apart by id alone, and
 * some servers leave the index out.
 */
function toolKey(
  call: JsonObject,
  tools: ReadonlyMap<number | string, ToolBlock>,
  last: number | string,
): number | string {
  const index = countOf(call['index']);
  const id = textOf(call['id']);
  const held = index === null ? undefined : tools.get(index);
  if (held && id && held.id !== '' && held.id !== id) return `id:${id}`;
  if (index === null) return id ? `id:${id}` : last;
  // Pieces without an id, after a call that had to be told apart by id, belong to that one.
  return !id && typeof last === 'string' && tools.has(last) ? last : index;
}

function argumentText(call: JsonObject): string {
  const args = objectOf(call['function'])['arguments'] ?? objectOf(call['custom'])['input'];
  if (typeof args === 'string') return args;
  return isObject(args) ? JSON.stringify(args) : '';
}

/** The text of an answer as it goes by, for rules and judges: up to a bound, and no longer than they take. Pure. */
import type { CanonicalEvent, CanonicalWhole } from '#wire/canonical.ts';

/** A call of a tool as the model wrote it. */
export interface SaidCall {
  readonly id: string;
  readonly name: string;
  /** JSON unless `custom`. */
  readonly args: string;
  readonly custom: boolean;
}

export interface SaidChoice {
  readonly text: string;
  readonly refusal: string;
  readonly calls: readonly SaidCall[];
}

/** `too_long`: beyond the bound, of which nothing is said. `unread`: no answer went by, or it could not be read. */
export type SaidAnswer = { readonly choices: readonly SaidChoice[] } | { readonly not: 'too_long' | 'unread' };

interface Block {
  readonly choice: number;
  readonly kind: 'text' | 'reasoning' | 'tool_call' | 'refusal';
  readonly id: string;
  readonly name: string;
  readonly custom: boolean;
  readonly pieces: string[];
}

export class AnswerReading {
  readonly #mostBytes: number;
  #blocks = new Map<string, Block>();
  #bytes = 0;
  #isUnread = true;

  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes;
  }

  /** What an earlier attempt left is nothing. */
  begin(): void {
    this.#blocks.clear();
    this.#bytes = 0;
    this.#isUnread = false;
  }

  /** More would change nothing. */
  get isFull(): boolean {
    return this.#bytes > this.#mostBytes;
  }

  /** A step of a stream. */
  push(step: CanonicalEvent): void {
    if (this.isFull) return;
    if (step.type === 'block_start') this.#open(step);
    else if (step.type === 'delta') this.#add(this.#blockOf(step.choice, step.block), step.text);
  }

  /** A whole answer. */
  take(answer: CanonicalWhole): void {
    this.begin();
    if (answer.kind !== 'generate') return this.spoil();
    for (const [choice, { parts }] of answer.choices.entries())
      for (const [block, part] of parts.entries()) {
        if (part.type === 'tool_call') this.#open({ choice, block, ...part, kind: 'tool_call' });
        else if (part.type === 'text' || part.type === 'refusal') this.#open({ choice, block, kind: part.type });
        else continue;
        this.#add(this.#blockOf(choice, block), part.type === 'tool_call' ? part.args : part.text);
      }
  }

  /** It was read wrongly, or not at all. */
  spoil(): void {
    this.#blocks.clear();
    this.#isUnread = true;
  }

  said(): SaidAnswer {
    if (this.isFull) return { not: 'too_long' };
    if (this.#isUnread) return { not: 'unread' };
    const choices = Map.groupBy(this.#blocks.values(), ({ choice }) => choice);
    return { choices: [...choices.values()].map(choiceOf) };
  }

  #open({ choice, block, kind, id = '', name = '', custom = false }: Opening): void {
    this.#blocks.set(`${choice} ${block}`, { choice, kind, id, name, custom, pieces: [] });
    this.#bytes += id.length + name.length;
  }

  #blockOf(choice: number, block: number): Block {
    const found = this.#blocks.get(`${choice} ${block}`);
    if (found) return found;
    this.#open({ choice, block, kind: 'text' });
    return this.#blocks.get(`${choice} ${block}`)!;
  }

  #add({ kind, pieces }: Block, text: string): void {
    if (kind === 'reasoning') return;
    this.#bytes += Buffer.byteLength(text);
    if (this.isFull) this.#blocks.clear();
    else pieces.push(text);
  }
}

interface Opening {
  readonly choice: number;
  readonly block: number;
  readonly kind: Block['kind'];
  readonly id?: string;
  readonly name?: string;
  readonly custom?: boolean;
}

function choiceOf(blocks: readonly Block[]): SaidChoice {
  const text = (wanted: Block['kind']): string =>
    blocks
      .filter(({ kind }) => kind === wanted)
      .map(({ pieces }) => pieces.join(''))
      .join('');
  const calls = blocks
    .filter(({ kind }) => kind === 'tool_call')
    .map(({ id, name, custom, pieces }) => ({ id, name, custom, args: pieces.join('') }));
  return { text: text('text'), refusal: text('refusal'), calls };
}

import type { CanonicalEvent } from '#wire/canonical.ts';
import type { Dialect } from '#wire/dialect.ts';
import { sseSplitter } from '#wire/sse/splitter.ts';

/** A block of a streamed answer, put together again. */
export interface Block {
  readonly kind: string;
  readonly name: string | null;
  text: string;
}

export interface Assembled {
  readonly blocks: readonly Block[];
  readonly finish: string | null;
  /** An error that came within the stream. */
  readonly error: string | null;
  /** The dialect's own end came. */
  readonly complete: boolean;
}

/**
 * The text of a stream: what came in pieces is one text again, so that a secret cut between two events is found, as it
 * could not be in the events themselves. Events that say nothing are left out. Never throws on odd bytes.
 */
export function assemble(bytes: Uint8Array, dialect: Dialect): Assembled {
  const decoder = dialect.streamDecoder();
  const state = new Assembly();
  try {
    for (const event of sseSplitter().push(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)))
      for (const canonical of decoder.push(event)) state.take(canonical);
  } catch {
    state.error ??= 'the stream could not be read to its end';
  }
  return state;
}

class Assembly implements Assembled {
  readonly #open = new Map<string, Block>();
  readonly blocks: Block[] = [];
  finish: string | null = null;
  error: string | null = null;
  complete = false;

  take(event: CanonicalEvent): void {
    if (event.type === 'block_start') this.#block(event.choice, event.block, event.kind, event.name ?? null);
    else if (event.type === 'delta') this.#block(event.choice, event.block, 'text', null).text += event.text;
    else if (event.type === 'finish') this.finish = event.reason;
    else if (event.type === 'end') this.complete = true;
    else if (event.type === 'error') this.error = event.error.message;
  }

  #block(choice: number, block: number, kind: string, name: string | null): Block {
    const key = `${choice} ${block}`;
    let found = this.#open.get(key);
    if (!found) {
      this.#open.set(key, (found = { kind, name, text: '' }));
      this.blocks.push(found);
    }
    return found;
  }
}

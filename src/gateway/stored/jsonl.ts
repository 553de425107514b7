import { HeadgateError } from '#kernel/errors.ts';

const LINE_BREAK = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/** One line with its number, from 1. */
export interface NumberedLine {
  readonly n: number;
  readonly bytes: Buffer;
}

/** Lines of a JSONL body that are not blank, each whole in memory and no more than that. A longer line throws. */
export async function* linesOf(body: AsyncIterable<Buffer>, maxLineBytes: number): AsyncGenerator<NumberedLine> {
  let parts: Buffer[] = [];
  let length = 0;
  let n = 0;
  const add = (piece: Buffer): void => {
    length += piece.length;
    if (length > maxLineBytes)
      throw new HeadgateError('body_too_large', { message: `Line ${n + 1} is longer than ${maxLineBytes} bytes.` });
    parts.push(piece);
  };
  const take = (): NumberedLine | null => {
    const whole = parts.length === 1 ? parts[0]! : Buffer.concat(parts);
    [parts, length] = [[], 0];
    n++;
    const bytes = whole.at(-1) === CARRIAGE_RETURN ? whole.subarray(0, -1) : whole;
    return isBlank(bytes) ? null : { n, bytes };
  };
  for await (const chunk of body) {
    let from = 0;
    for (let at = chunk.indexOf(LINE_BREAK); at >= 0; at = chunk.indexOf(LINE_BREAK, from)) {
      add(chunk.subarray(from, at));
      from = at + 1;
      const line = take();
      if (line) yield line;
    }
    if (from < chunk.length) add(chunk.subarray(from));
  }
  if (length > 0) {
    const line = take();
    if (line) yield line;
  }
}

const isBlank = (bytes: Buffer): boolean => bytes.every((byte) => byte <= 0x20);

/** Lets other calls be served: after every so many milliseconds of work in one turn of the loop. */
export class Turn {
  readonly #mono: () => number;
  readonly #limitMs: number;
  #since: number;

  constructor(mono: () => number, limitMs = 2) {
    this.#mono = mono;
    this.#limitMs = limitMs;
    this.#since = mono();
  }

  /** Null: there is time left. */
  pause(): Promise<void> | null {
    if (this.#mono() - this.#since < this.#limitMs) return null;
    return new Promise<void>((resolve) => setImmediate(resolve)).then(() => void (this.#since = this.#mono()));
  }
}

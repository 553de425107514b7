import { isAscii } from 'node:buffer';
import type { CanonicalEvent } from '#wire/canonical.ts';
import type { StreamDecoder } from '#wire/dialect.ts';
import { SameButText } from './core/same-but-text.ts';
import { sseSplitter, type SseSplitter } from '#wire/sse/splitter.ts';

const NONE: readonly CanonicalEvent[] = Object.freeze([]);

/** Reads a log's events as steps of an answer: one after the other, from the first on. */
export class Decoding {
  readonly #decoder: StreamDecoder;
  /** Of events that are not plain: most streams have none. */
  #splitter: SseSplitter | null = null;
  readonly #like = new SameButText();

  constructor(decoder: StreamDecoder) {
    this.#decoder = decoder;
  }

  /** What one event of the log says, given with its text in Latin-1. Whatever cannot be read says nothing. */
  push(event: Buffer, latin1 = event.toString('latin1')): readonly CanonicalEvent[] {
    try {
      const text = isAscii(event) ? latin1 : event.toString();
      const known = this.#like.read(text);
      if (known !== null) return [known];
      const steps = this.#decoded(event, text);
      this.#like.learn(text, steps);
      return steps;
    } catch {
      return NONE;
    }
  }

  #decoded(event: Buffer, text: string): readonly CanonicalEvent[] {
    if (isPlain(text)) return this.#decoder.push({ raw: event, name: '', data: text.slice(6, -2) });
    this.#splitter ??= sseSplitter();
    return this.#splitter.push(event).flatMap((each) => this.#decoder.push(each));
  }

  /** What a proper end says that no event does. */
  end(): readonly CanonicalEvent[] {
    return this.#decoder.end?.() ?? NONE;
  }
}

/** The form of nearly every event: one line of data. It is read without a splitter. */
const isPlain = (text: string): boolean =>
  text.startsWith('data: ') && text.endsWith('\n\n') && text.indexOf('\n') === text.length - 2 && !text.includes('\r');

import { createBrotliDecompress, createGunzip, createInflate, createZstdDecompress } from 'node:zlib';
import { sseSplitter } from '#wire/sse/splitter.ts';
import type { Arrival } from './core/sample.ts';

/** The largest event of the echo and more than it. */
const MAX_EVENT_BYTES = 256 * 1024;

/** What the echo said by server-sent events so far, out of the bytes as they come. */
export class SseEvents {
  readonly events: Arrival[] = [];
  readonly beats: Arrival[] = [];
  /** Its own last event has come. */
  isDone = false;
  readonly #splitter = sseSplitter(MAX_EVENT_BYTES);

  /** False: something else answers. */
  push(chunk: Buffer, gotMs: number): boolean {
    try {
      for (const { name, data, raw } of this.#splitter.push(chunk)) this.#event({ name, data, raw }, gotMs);
      return true;
    } catch {
      // Larger than any event of the echo.
      return false;
    }
  }

  #event({ name, data, raw }: { name: string; data: string | null; raw: Buffer }, gotMs: number): void {
    if (data === null) {
      const beat = /^: beat ([\d.]+)/.exec(raw.toString('utf8'));
      if (beat) this.beats.push({ sentMs: Number(beat[1]), gotMs });
      return;
    }
    const sentMs = sentOf(data);
    if (name === 'done') this.isDone = true;
    // What is not the echo's own says nothing of the way.
    else if (Number.isFinite(sentMs)) this.events.push({ sentMs, gotMs });
  }
}

/** Null: the body is what it is. What cannot be read is left as it came, and no event is found in it. */
export function decoderOf(encoding: string | null) {
  if (encoding === 'gzip') return createGunzip();
  if (encoding === 'deflate') return createInflate();
  if (encoding === 'br') return createBrotliDecompress();
  return encoding === 'zstd' ? createZstdDecompress() : null;
}

function sentOf(data: string): number {
  try {
    const { at } = JSON.parse(data) as { at?: unknown };
    return typeof at === 'number' ? at : NaN;
  } catch {
    return NaN;
  }
}

import type { ServerResponse } from 'node:http';
import { positionText, type LiveStream, type StreamEnd, type StreamReader } from '#capabilities/streams/index.ts';

/** Unsent bytes from which on a reader is too slow. Below it the kernel's buffers take 19,000 tokens anyway (research, streams 3). */
const MOST_UNSENT_BYTES = 1024 * 1024;
/** A reader that took nothing for so long is too slow, however little waits for it. */
const LONGEST_UNSENT_MS = 30_000;

/**
 * A connection that reads a stream as server-sent events, each with the id by which to go on. Whoever is too slow is
 * let go: the log has the rest.
 */
export class ResponseReader implements StreamReader {
  readonly #response: ServerResponse;
  readonly #epoch: string;
  readonly #heartbeat: string;
  #unsentSince: number | null = null;
  bytesOut = 0;

  constructor(response: ServerResponse, stream: LiveStream, heartbeat: string) {
    this.#response = response;
    this.#epoch = stream.epoch;
    this.#heartbeat = heartbeat;
    response.on('drain', () => (this.#unsentSince = null));
    response.once('close', () => stream.detach(this));
  }

  event(event: Buffer, seq: number): boolean {
    return this.#write(Buffer.concat([Buffer.from(`id: ${positionText(this.#epoch, seq)}\n`), event]));
  }

  ping(): void {
    if (!this.#response.destroyed && !this.#response.writableNeedDrain) this.#response.write(this.#heartbeat);
  }

  /** A whole stream ends cleanly; any other breaks, so that no client takes it for a whole answer. */
  end({ status, events }: StreamEnd): void {
    const { destroyed } = this.#response;
    if (destroyed) return;
    const last = `: headgate-end ${JSON.stringify({ status, events })}\n\n`;
    if (status === 'ok') this.#response.end(last);
    else this.#response.write(last, () => this.#response.destroy());
  }

  #write(bytes: Buffer): boolean {
    if (this.#response.destroyed) return false;
    this.bytesOut += bytes.length;
    if (this.#response.write(bytes)) return true;
    const now = performance.now();
    this.#unsentSince ??= now;
    if (this.#response.writableLength <= MOST_UNSENT_BYTES && now - this.#unsentSince <= LONGEST_UNSENT_MS) return true;
    this.#response.destroy();
    return false;
  }
}

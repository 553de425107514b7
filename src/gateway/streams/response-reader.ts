import type { LiveStream, StreamEnd, StreamReader } from '#capabilities/streams/index.ts';
import type { ClientResponse } from '../client.ts';
import type { Heartbeat } from './heartbeat.ts';
import { endComment, endEvent } from './end-event.ts';
import { readsFromLog } from '../peers/watch.ts';
import { Outflow, type SlowBounds } from './outflow.ts';

export interface ReaderOptions {
  readonly heartbeat: Heartbeat;
  /** The end as an event that browsers deliver; else as a comment, which no client of a provider's dialect minds. */
  readonly endAsEvent: boolean;
  /** The client's parser knows `data` alone: it gets neither ids nor the end. */
  readonly dataAlone: boolean;
  readonly slow: SlowBounds;
}

/**
 * A connection that reads a stream as server-sent events, each with the id by which to go on. Whoever is slow reads
 * from the log at its own pace; whoever takes nothing is let go, and comes back with its last id.
 */
export class ResponseReader implements StreamReader {
  readonly #response: ClientResponse;
  readonly #stream: LiveStream;
  readonly #options: ReaderOptions;
  readonly #outflow: Outflow;
  /** Something was written: the head went before it. */
  #begun = false;

  constructor(response: ClientResponse, stream: LiveStream, options: ReaderOptions) {
    this.#response = response;
    this.#stream = stream;
    this.#options = options;
    this.#outflow = new Outflow(
      response,
      () => options.slow,
      () => {
        stream.letGo();
        response.destroy();
      },
    );
    const over = response.socket ? readsFromLog(response.socket) : null;
    response.once('close', () => {
      over?.();
      stream.detach(this);
    });
  }

  event(event: Buffer, seq: number, _steps: unknown, latin1: string): boolean {
    this.#options.heartbeat.sent(event);
    if (this.#options.dataAlone) return this.#write(latin1);
    // One text, a character a byte: the socket takes it in one piece, where a buffer between texts costs twice as much.
    return this.#write(`id: ${this.#stream.positionAt(seq)}\n${latin1}`);
  }

  hasRoom(ready: () => void): boolean {
    return this.#outflow.hasRoom(ready);
  }

  get full(): boolean {
    return this.#outflow.full;
  }

  ping(): void {
    if (!this.#response.destroyed && !this.#response.writableNeedDrain)
      this.#response.write(this.#options.heartbeat.text);
  }

  /** A whole stream ends cleanly; any other breaks, so that no client takes it for a whole answer. */
  end(end: StreamEnd): void {
    if (this.#response.destroyed) return;
    const last = this.#last(end);
    if (end.status === 'ok') this.#response.end(last);
    else this.#response.write(last, () => this.#response.destroy());
  }

  #last(end: StreamEnd): string {
    if (this.#options.dataAlone) return '';
    return (this.#options.endAsEvent ? endEvent : endComment)(this.#stream, end);
  }

  lost(): void {
    this.#response.destroy();
  }

  #write(latin1: string): boolean {
    if (this.#response.destroyed) return false;
    if (!this.#chunk(latin1)) this.#response.write(latin1, 'latin1');
    this.#outflow.wrote(latin1.length);
    return true;
  }

  /**
   * Straight into the socket, a chunk in one piece: `write` hands over four, in the next tick, for half as much again.
   * Only where the head is out, the connection is this answer's, and nothing waits, so that nothing is overtaken.
   */
  #chunk(latin1: string): boolean {
    const { socket, chunkedEncoding, writableLength } = this.#response;
    if (!this.#begun || !chunkedEncoding || !socket || writableLength > 0) return this.#begin();
    socket.write(`${latin1.length.toString(16)}\r\n${latin1}\r\n`, 'latin1');
    return true;
  }

  #begin(): false {
    this.#begun = true;
    return false;
  }
}

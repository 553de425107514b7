import { StreamFrames, type FrameForm } from '#wire/ws/index.ts';
import type { CanonicalEvent } from '#wire/canonical.ts';
import {
  positionText,
  type LiveStream,
  type SnapshotState,
  type StreamEnd,
  type StreamReader,
} from '#capabilities/streams/index.ts';
import type { Line } from './line.ts';
import type { SocketLimits } from './limits.ts';
import { Unacked } from './unacked.ts';

export interface FrameReaderParts {
  readonly line: Line;
  readonly limits: () => SocketLimits;
  readonly stream: LiveStream;
  /** The client's name for it. */
  readonly name: string;
  readonly form: FrameForm;
  /** First event to send; those before it are read alone. */
  readonly from: number;
  /** Nothing more goes out of this stream here. */
  readonly done: () => void;
}

/** A stream that is read as frames on a socket. Whoever is too slow is told where to go on, and let go. */
export class FrameReader implements StreamReader {
  readonly decodes?: true;
  readonly #parts: FrameReaderParts;
  readonly #frames: StreamFrames;
  readonly #unacked = new Unacked();

  constructor(parts: FrameReaderParts) {
    const { form, name } = parts;
    this.#parts = parts;
    this.#frames = new StreamFrames({ form, stream: name });
    if (form === 'frames') this.decodes = true;
  }

  /** Goes behind what the client has: what each event is said to belong to may have been said before. */
  attach(): void {
    const { stream, form, from } = this.#parts;
    stream.attach(this, form === 'frames' ? 0 : from);
  }

  event(event: Buffer, seq: number, steps: readonly CanonicalEvent[]): boolean {
    if (seq < this.#parts.from) {
      this.#frames.pass(steps);
      return true;
    }
    const frame = this.#frames.frame(event, seq, steps);
    if (frame === null) return true;
    if (this.#parts.line.send(frame) && !this.#tooLate(seq, frame.length)) return true;
    if (this.#parts.line.open) this.#parts.stream.letGo();
    this.#lag(seq);
    return false;
  }

  hasRoom(ready: () => void): boolean {
    return this.#parts.line.hasRoom(ready);
  }

  ping(): void {
    this.#parts.line.send(JSON.stringify({ type: 'ping', stream: this.#parts.name }));
  }

  ack(seq: number): void {
    this.#unacked.acked(seq);
  }

  snapshot(said: SnapshotState): void {
    const { line, name, from } = this.#parts;
    line.send(JSON.stringify({ type: 'snapshot', stream: name, seq: from - 1, said }));
  }

  end({ status, events, finish, usage, textSha256 }: StreamEnd): void {
    const { line, name, stream, done } = this.#parts;
    const facts = { status, lastSeq: events - 1, finish, usage, textSha256 };
    line.send(JSON.stringify({ type: 'end', stream: name, id: stream.id, ...facts }));
    done();
  }

  lost(): void {
    this.#lag(this.#parts.from - 1);
  }

  /** Of a client that acknowledges. */
  #tooLate(seq: number, bytes: number): boolean {
    if (!this.#unacked.counts) return false;
    const { slowReader } = this.#parts.limits();
    const now = performance.now();
    this.#unacked.sent(seq, bytes, now);
    return this.#unacked.exceeds(slowReader.bytes, now - slowReader.age);
  }

  #lag(seq: number): void {
    const { line, name, stream, done } = this.#parts;
    const position = seq < 0 ? null : positionText(stream.epoch, seq);
    line.send(JSON.stringify({ type: 'lagging', stream: name, id: stream.id, position, resumable: stream.resumable }));
    done();
  }
}

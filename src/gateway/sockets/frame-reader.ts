import { StreamFrames, type FrameForm } from '#wire/ws/index.ts';
import type { CanonicalEvent } from '#wire/canonical.ts';
import type { LiveStream, SnapshotState, StreamEnd, StreamReader } from '#capabilities/streams/index.ts';
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
  /** Of the positions that the client makes of what comes. */
  #epoch: string;

  constructor(parts: FrameReaderParts) {
    const { form, name, stream, from } = parts;
    this.#parts = parts;
    this.#epoch = stream.epochs.at(from);
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
    this.#redriven(seq);
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

  /** From here on another gate made it, and positions have another epoch. */
  #redriven(seq: number): void {
    const { line, name, stream } = this.#parts;
    const epoch = stream.epochs.at(seq);
    if (epoch === this.#epoch) return;
    this.#epoch = epoch;
    line.send(JSON.stringify({ type: 'redriven', stream: name, epoch, after: seq - 1 }));
  }

  end({ events, ...end }: StreamEnd): void {
    const { line, name, stream, done } = this.#parts;
    const { status, finish, usage, textSha256, ...more } = end;
    const facts = { status, lastSeq: events - 1, finish, usage, textSha256, ...more };
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
    const position = seq < 0 ? null : stream.positionAt(seq);
    line.send(JSON.stringify({ type: 'lagging', stream: name, id: stream.id, position, resumable: stream.resumable }));
    done();
  }
}

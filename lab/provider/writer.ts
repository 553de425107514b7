import type { ServerResponse } from 'node:http';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import type { Frame } from './answer.ts';
import { type Fault, faultNamed, numberOf } from './faults.ts';
import type { Framing } from './framing.ts';
import type { LogEntry } from './journal.ts';

const DEFAULT_SPLIT_BYTES = 7;

/** Hands bytes to the socket and records what was really handed over. */
export class Writer {
  readonly #response: ServerResponse;
  readonly #entry: LogEntry;
  readonly #faults: readonly Fault[];
  readonly #startMs = performance.now();
  readonly #errorFrame: () => Frame;
  readonly #framing: Framing;
  #queue: Promise<void> = Promise.resolve();
  #over = false;
  #events = 0;

  constructor(options: {
    response: ServerResponse;
    entry: LogEntry;
    faults: readonly Fault[];
    errorFrame: () => Frame;
    framing: Framing;
  }) {
    this.#response = options.response;
    this.#entry = options.entry;
    this.#faults = options.faults;
    this.#errorFrame = options.errorFrame;
    this.#framing = options.framing;
  }

  /** No more can be written: the fault ended it, or the client left. */
  get over(): boolean {
    return this.#over || this.#response.destroyed || this.#response.writableEnded;
  }

  /** Queues the events of one generated token (or of none: head and tail). Order is kept whatever the faults delay. */
  frames(frames: readonly Frame[], tokens: 0 | 1): void {
    const work = (): Promise<void> | void => this.#writeAll(frames, tokens);
    this.#queue = this.#queue.then(work);
  }

  /** Ends the answer properly once everything queued is written. Resolves then, or when nothing more can be written. */
  end(): Promise<void> {
    this.#queue = this.#queue.then(async () => {
      // A cut after the very last event: the answer is whole, the connection is not.
      if (!this.over && this.#events > 0 && this.#at('cut', this.#events)) await this.destroy();
      if (this.over) return;
      this.#over = true;
      this.#entry.complete ||= !this.#entry.stream;
      this.#response.end();
    });
    return this.#queue;
  }

  async #writeAll(frames: readonly Frame[], tokens: 0 | 1): Promise<void> {
    for (const frame of frames) {
      if (this.over) return;
      await this.#one(frame);
    }
    if (!this.over) this.#entry.outputTokensSent += tokens;
  }

  async #one(frame: Frame): Promise<void> {
    await this.#before(frame);
    if (this.over) return;
    const n = this.#events + 1;
    const broken = this.#at('malformed', n)
      ? { ...frame, data: frame.data.slice(0, Math.ceil(frame.data.length / 2)) }
      : frame;
    const bytes = this.#framing.write(broken);
    await this.bytes(this.#at('dup', n) ? Buffer.concat([bytes, bytes]) : bytes);
    this.#written(frame, n);
  }

  /** Faults that act between event n and event n + 1. */
  async #before(frame: Frame): Promise<void> {
    const n = this.#events;
    if (this.#at('cut', n)) return this.destroy();
    if (this.#at('half-event', n)) return this.#half(frame);
    if (this.#at('clean-end', n)) return this.#finish();
    if (this.#at('error-event', n)) return this.#error();
    if (this.#at('stall', n)) return this.#silence();
    const pause = faultNamed(this.#faults, 'pause');
    const [after, ms] = (pause?.value ?? '').split(':').map(Number);
    if (pause && after === n) await sleep(ms ?? 0);
  }

  #at(name: string, n: number): boolean {
    const fault = faultNamed(this.#faults, name);
    return fault !== null && numberOf(fault, 1) === n;
  }

  #written(frame: Frame, n: number): void {
    this.#events = n;
    this.#entry.eventsSent += 1;
    if (frame.usage) this.#entry.usageSent = frame.usage;
    if (frame.terminal) this.#entry.complete = true;
  }

  async #half(frame: Frame): Promise<void> {
    const bytes = this.#framing.write(frame);
    await this.bytes(bytes.subarray(0, bytes.length >> 1));
    await this.destroy();
  }

  #finish(): void {
    this.#over = true;
    this.#response.end();
  }

  async #error(): Promise<void> {
    await this.bytes(this.#framing.write(this.#errorFrame()));
    this.#finish();
  }

  /** Says nothing more and keeps the connection, until the client gives up. */
  #silence(): Promise<void> {
    return new Promise((resolve) => this.#response.once('close', () => resolve()));
  }

  /** Breaks the connection after everything written has left the process. */
  async destroy(): Promise<void> {
    this.#over = true;
    // What was written is in the kernel after a turn of the loop: the cut loses nothing that the log calls sent.
    await nextTurn();
    this.#response.socket?.destroy();
  }

  /** Writes bytes, in small pieces under the `split` fault; counts what was handed to the socket. */
  async bytes(bytes: Uint8Array): Promise<void> {
    this.#entry.firstByteAfterMs ??= performance.now() - this.#startMs;
    const split = faultNamed(this.#faults, 'split');
    const size = split ? Math.max(1, numberOf(split, DEFAULT_SPLIT_BYTES)) : bytes.length;
    for (let at = 0; at < bytes.length && !this.#response.destroyed; at += size) {
      this.#response.write(bytes.subarray(at, at + size));
      this.#entry.bytesSent += Math.min(size, bytes.length - at);
      if (split) await nextTurn();
    }
  }
}

import type { IncomingHttpHeaders } from 'node:http';
import type { CallId } from '#kernel/brand.ts';
import { HeadgateError } from '#kernel/errors.ts';
import { openaiErrorBody } from '#kernel/error-render.ts';
import { readFrame, type ClientFrame, type FrameFault, type ResumeFrame, type StartFrame } from '#wire/ws/index.ts';
import { positionOf, startOf, type LiveStream } from '#capabilities/streams/index.ts';
import type { Caller } from '#capabilities/tenants/index.ts';
import type { Gate } from '../gate.ts';
import { asHeadgateError } from '../refuse.ts';
import { callerOf, streamOf, tooLargeText } from '../streams/own-stream.ts';
import { snapshotOf } from '../streams/snapshot.ts';
import { FrameReader } from './frame-reader.ts';
import type { Line } from './line.ts';
import { limitsOf } from './limits.ts';
import { StartedCall, type Held } from './started-call.ts';

/** Who is at a socket and what it may do. */
export interface SocketCaller {
  /** Of the upgrade: credentials, user agent and whatever attributes calls. */
  readonly headers: IncomingHttpHeaders;
  /** Came by a ticket: it may read this stream, and nothing else. */
  readonly only: { readonly caller: Caller; readonly stream: CallId } | null;
}

/** Serves `/v1/stream` on one socket: several streams, each under the client's own name. */
export class StreamSocket {
  readonly #gate: Gate;
  readonly #line: Line;
  readonly #caller: SocketCaller;
  readonly #held = new Map<string, Held>();
  /** Asked for when the last stream has ended. */
  #idle: (() => void) | null = null;

  constructor(gate: Gate, line: Line, caller: SocketCaller) {
    this.#gate = gate;
    this.#line = line;
    this.#caller = caller;
  }

  message(bytes: Buffer): void {
    const read = readFrame(bytes);
    if (!read.ok) return this.#wrong(read.error);
    try {
      this.#serve(read.value);
    } catch (thrown) {
      this.#refuse('stream' in read.value ? read.value.stream : null, asHeadgateError(thrown));
    }
  }

  /** The socket is gone, and every stream on it loses its reader. */
  closed(): void {
    for (const held of this.#held.values()) held.leave();
    this.#held.clear();
  }

  /** No new call; `idle` is called when the last stream has ended. */
  drain(idle: () => void): void {
    this.#line.send('{"type":"draining"}');
    this.#idle = idle;
    if (this.#held.size === 0) idle();
  }

  #serve(frame: ClientFrame): void {
    switch (frame.type) {
      case 'ping':
        return void this.#line.send(
          JSON.stringify({ type: 'pong', ...(frame.nonce !== null && { nonce: frame.nonce }) }),
        );
      case 'pong':
        return;
      case 'ack':
        return this.#held.get(frame.stream)?.ack(frame.seq);
      case 'cancel':
        return this.#cancel(frame.stream);
      case 'start':
        return this.#start(frame);
      case 'resume':
        return this.#resume(frame);
    }
  }

  #start(frame: StartFrame): void {
    if (this.#caller.only) throw ticketOnly();
    this.#mayOpen(frame.stream);
    const call = new StartedCall({
      gate: this.#gate,
      line: this.#line,
      frame,
      headers: this.#caller.headers,
      done: () => this.#done(frame.stream),
    });
    this.#held.set(frame.stream, call);
    call.run();
  }

  #resume(frame: ResumeFrame): void {
    const { stream: name } = frame;
    this.#mayOpen(name);
    // The name is taken while the store is asked, and what is said of it meanwhile is done then.
    const held = new Sought();
    this.#held.set(name, held);
    this.#read(frame, held).catch((thrown: unknown) => {
      this.#refuse(name, asHeadgateError(thrown));
      this.#done(name);
    });
  }

  async #read(frame: ResumeFrame, held: Sought): Promise<void> {
    const { stream: name, form } = frame;
    const { only, headers } = this.#caller;
    if (only && only.stream !== frame.id) throw ticketOnly();
    const caller = only?.caller ?? callerOf(this.#gate, headers);
    const stream = await streamOf(this.#gate, caller, frame.id as CallId);
    const start = startOf(stream, frame.after === null ? null : positionOf(frame.after));
    if (!start.ok) throw start.error;
    if (stream.overflowed) throw new HeadgateError('stream_gone', { message: tooLargeText(stream) });
    const from = frame.snapshot && frame.after === null ? stream.events : start.value;
    const said = frame.snapshot ? await snapshotOf(stream, Math.min(from, stream.events)) : null;
    if (frame.snapshot && said === null) throw new HeadgateError('stream_gone', { message: tooLargeText(stream) });
    if (!this.#line.open) return;
    stream.resumed();
    const { id } = stream;
    const epoch = stream.epochs.at(from);
    this.#line.send(JSON.stringify({ type: 'resumed', stream: name, id, epoch, after: from - 1 }));
    const reader = new FrameReader({
      ...{ name, form, stream, from, line: this.#line },
      done: () => this.#done(name),
      limits: () => limitsOf(this.#gate),
    });
    held.leave = () => stream.detach(reader);
    held.ack = (seq) => reader.ack(seq);
    if (said) reader.snapshot(said);
    reader.attach();
    held.found(stream);
  }

  #mayOpen(name: string): void {
    if (this.#held.has(name))
      throw new HeadgateError('invalid_request', {
        field: 'stream',
        message: `A stream \`${name}\` is open on this socket; its name is free again when it has ended.`,
      });
    if (this.#held.size >= limitsOf(this.#gate).streamsPerSocket)
      throw new HeadgateError('rate_limited', {
        message: `This socket has ${this.#held.size} streams, the most that it may have.`,
      });
  }

  #cancel(name: string): void {
    if (this.#caller.only) throw ticketOnly();
    const held = this.#held.get(name);
    if (held) return held.cancel();
    throw new HeadgateError('not_found', {
      message: 'No such stream is open on this socket; if there was one, it has ended.',
    });
  }

  #done(name: string): void {
    this.#held.delete(name);
    this.#whenIdle();
  }

  #whenIdle(): void {
    if (this.#held.size === 0) this.#idle?.();
  }

  #wrong({ field, message, stream }: FrameFault): void {
    this.#refuse(stream, new HeadgateError('invalid_request', { field, message }));
  }

  #refuse(stream: string | null, error: HeadgateError): void {
    const { status } = error.row;
    const retryAfterMs = error.details.retryAfterMs;
    const body = openaiErrorBody(error);
    this.#line.send(
      JSON.stringify({
        type: 'error',
        ...(stream !== null && { stream }),
        status,
        body,
        ...(retryAfterMs && { retryAfterMs }),
      }),
    );
  }
}

/** A stream that is to be read again. */
class Sought implements Held {
  leave: Held['leave'] = () => undefined;
  ack: Held['ack'] = () => undefined;
  #stream: LiveStream | null = null;
  #cancelled = false;

  cancel(): void {
    this.#cancelled = true;
    this.#stream?.cancel();
  }

  found(stream: LiveStream): void {
    this.#stream = stream;
    if (this.#cancelled) stream.cancel();
  }
}

const ticketOnly = (): HeadgateError =>
  new HeadgateError('forbidden', { message: 'A ticket reads its one stream, and does nothing else.' });

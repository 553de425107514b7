import type { IncomingHttpHeaders } from 'node:http';
import type { StartFrame } from '#wire/ws/index.ts';
import type { LiveStream } from '#capabilities/streams/index.ts';
import { exchangeOf, type Exchange } from '../call.ts';
import { carry } from '../carry.ts';
import type { Gate } from '../gate.ts';
import { carriedRequest, CarriedResponse, type CarriedAnswer } from '../streams/carried.ts';
import { FrameReader } from './frame-reader.ts';
import type { Line } from './line.ts';
import { limitsOf } from './limits.ts';
import { modelAsked, routeAsked, streaming, type Asked } from './route-of.ts';

/** One stream of a socket. */
export interface Held {
  /** The socket is gone. */
  leave(): void;
  cancel(): void;
  ack(seq: number): void;
}

export interface StartedCallParts {
  readonly gate: Gate;
  readonly line: Line;
  readonly frame: StartFrame;
  /** Of the socket's upgrade. */
  readonly headers: IncomingHttpHeaders;
  readonly done: () => void;
}

/** A call that a frame started: through the pipeline like any other, its answer read from its log. */
export class StartedCall implements Held {
  readonly #parts: StartedCallParts;
  readonly #asked: Asked;
  readonly #exchange: Exchange;
  readonly #response: CarriedResponse;
  #stream: LiveStream | null = null;
  #reader: FrameReader | null = null;
  #answered = false;
  #cancelled = false;

  /** Throws where the frame names no call that streams. */
  constructor(parts: StartedCallParts) {
    const { gate, frame, headers } = parts;
    this.#parts = parts;
    this.#asked = routeAsked(frame.path);
    const body = streaming(frame.body, this.#asked, frame.form === 'frames');
    this.#response = new CarriedResponse((answer) => this.#whole(answer));
    this.#exchange = exchangeOf(gate, {
      request: carriedRequest({ ...headers, ...frame.headers, 'content-type': 'application/json' }, body),
      response: this.#response,
      ...this.#asked,
      carrier: { protocol: 'ws', reader: (stream) => this.#read(stream), waiting: () => this.#waiting() },
    });
  }

  run(): void {
    void carry(this.#parts.gate, this.#exchange).then(() => this.#over());
  }

  leave(): void {
    if (this.#stream && this.#reader) this.#stream.detach(this.#reader);
    this.#response.destroy();
  }

  cancel(): void {
    const { gate } = this.#parts;
    const { callId } = this.#exchange;
    const caller = gate.tenants.authenticate(this.#exchange.request.headers);
    const owner = caller.ok ? { tenant: caller.value.tenant.id, key: caller.value.key.id } : null;
    const stream = this.#stream ?? (callId && owner && gate.streams.find(callId, owner));
    this.#cancelled = true;
    if (stream) return stream.cancel();
    this.#response.destroy();
  }

  ack(seq: number): void {
    this.#reader?.ack(seq);
  }

  /** A failure keeps its status, which a frame can say at any time. */
  #waiting(): void {
    if (!this.#answered) this.#parts.line.send(JSON.stringify({ type: 'ping', stream: this.#parts.frame.stream }));
  }

  #read(stream: LiveStream): FrameReader {
    const { line, frame, gate } = this.#parts;
    this.#stream = stream;
    const { id, epoch, resumable } = stream;
    const model = modelAsked(frame.body, this.#asked);
    const headers = shown(this.#response.headers);
    line.send(JSON.stringify({ type: 'started', stream: frame.stream, id, epoch, model, resumable, headers }));
    this.#reader = new FrameReader({
      ...{ line, stream, name: frame.stream, form: frame.form, from: 0 },
      limits: () => limitsOf(gate),
      done: () => this.#ended(),
    });
    return this.#reader;
  }

  /** The stream has ended, or its reader was too slow: an unread answer ends the call as a closed connection would. */
  #ended(): void {
    this.#answered = true;
    this.#parts.done();
    this.#response.destroy();
  }

  #whole({ status, headers, body }: CarriedAnswer): void {
    if (this.#answered) return;
    this.#answered = true;
    const { line, frame } = this.#parts;
    const id = headers['x-headgate-call-id'];
    const wait = Number(headers['retry-after-ms'] ?? Number(headers['retry-after'] ?? NaN) * 1_000);
    const base = { stream: frame.stream, ...(id !== undefined && { id }), status };
    const said = readable(body);
    if (status < 400) line.send(JSON.stringify({ type: 'answer', ...base, headers: shown(headers), body: said }));
    else line.send(JSON.stringify({ type: 'error', ...base, body: said, ...(wait >= 0 && { retryAfterMs: wait }) }));
    this.#parts.done();
  }

  /** The call is over, and nothing of it came: it was cancelled before its answer began. */
  #over(): void {
    if (!this.#cancelled || this.#answered || this.#reader) return;
    this.#answered = true;
    const { line, frame } = this.#parts;
    const end = { status: 'cancelled', lastSeq: -1, finish: null, usage: null, textSha256: null };
    line.send(JSON.stringify({ type: 'end', stream: frame.stream, id: this.#exchange.callId, ...end }));
    this.#parts.done();
  }
}

/** What says something of the answer, and not of the connection that it would have had. */
const OF_THE_CONNECTION: ReadonlySet<string> = new Set([
  ...['content-type', 'content-length', 'cache-control', 'x-accel-buffering', 'connection', 'x-headgate-call-id'],
]);
const shown = (headers: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !OF_THE_CONNECTION.has(name)));

function readable(body: Buffer): unknown {
  const text = body.toString('utf8');
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

import type { IncomingHttpHeaders } from 'node:http';
import { sseSplitter } from '#wire/sse/splitter.ts';
import type { LiveStream, StreamReader } from '#capabilities/streams/index.ts';
import { exchangeOf } from '../call.ts';
import { carry } from '../carry.ts';
import type { Gate } from '../gate.ts';
import { CALL_ROUTES } from '../routes.ts';
import { carriedRequest, CarriedResponse, type CarriedAnswer } from '../streams/carried.ts';
import { tagged, type Remembered } from './create-message.ts';
import { CLOSE, type Line } from './line.ts';

export interface ResponseRunParts {
  readonly gate: Gate;
  readonly line: Line;
  readonly headers: IncomingHttpHeaders;
  readonly streamId: string | null;
  readonly body: Buffer;
  /** Is what it says to be remembered? */
  readonly keeps: boolean;
  /** With the output's items, where they are to be remembered. */
  readonly done: (said: Remembered | null) => void;
}

const ROUTE = CALL_ROUTES.get('/v1/responses')!;
/** Nothing of the connection that a plain answer would have had. */
const HEADERS = /^(retry-after|retry-after-ms|x-request-id|x-should-retry|x-headgate-.*)$/;

/** One response of a socket: a call through the pipeline, whose events go out one a message. */
export class ResponseRun implements StreamReader {
  readonly #parts: ResponseRunParts;
  readonly #response: CarriedResponse;
  readonly #splitter = sseSplitter();
  #stream: LiveStream | null = null;
  #said: Remembered | null = null;
  #over = false;

  constructor(parts: ResponseRunParts) {
    this.#parts = parts;
    this.#response = new CarriedResponse((answer) => this.#refused(answer));
  }

  start(): void {
    const { gate, headers, body } = this.#parts;
    const request = carriedRequest({ ...headers, 'content-type': 'application/json' }, body);
    const reader = (stream: LiveStream): StreamReader => {
      this.#stream = stream;
      return this;
    };
    const carrier = { protocol: 'ws', reader } as const;
    const exchange = exchangeOf(gate, { request, response: this.#response, route: ROUTE, query: '', carrier });
    void carry(gate, exchange);
  }

  leave(): void {
    this.#over = true;
    this.#stream?.detach(this);
    this.#response.destroy();
  }

  event(bytes: Buffer): boolean {
    for (const { data } of this.#splitter.push(bytes)) {
      if (data === null || !data.startsWith('{')) continue;
      if (this.#parts.keeps && TERMINAL.test(data.slice(0, 200))) this.#remember(data);
      if (this.#parts.line.send(tagged(data, this.#parts.streamId))) continue;
      // The API has no word for a reader that is too slow, and no resume on a socket.
      if (this.#parts.line.open) this.#stream?.letGo();
      this.#parts.line.close(CLOSE.policy, 'too slow');
      this.#response.destroy();
      return false;
    }
    return true;
  }

  ping(): void {
    // The socket's own ping is the sign of life.
  }

  end(): void {
    this.#ended();
  }

  #refused({ status, headers, body }: CarriedAnswer): void {
    const error = readable(body);
    const own = Object.fromEntries(Object.entries(headers).filter(([name]) => HEADERS.test(name)));
    this.#parts.line.send(tagged(JSON.stringify({ type: 'error', status, error, headers: own }), this.#parts.streamId));
    this.#ended();
  }

  #remember(data: string): void {
    const { response } = JSON.parse(data) as { response?: { id?: string; output?: unknown[] } };
    if (typeof response?.id !== 'string' || !Array.isArray(response.output)) return;
    this.#said = { id: response.id, items: JSON.stringify(response.output).slice(1, -1) };
  }

  #ended(): void {
    if (this.#over) return;
    this.#over = true;
    this.#parts.done(this.#said);
  }
}

const TERMINAL = /"type": ?"response\.(completed|incomplete)"/;

function readable(body: Buffer): unknown {
  try {
    const value = JSON.parse(body.toString('utf8')) as { error?: unknown };
    return value.error ?? value;
  } catch {
    return { message: body.toString('utf8') };
  }
}

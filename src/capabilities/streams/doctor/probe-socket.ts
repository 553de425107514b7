import { type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocket } from 'ws';
import type { Arrival, End } from './core/sample.ts';
import type { SocketSample } from './core/upgrade.ts';
import { codeOf, type StreamAsk } from './taking.ts';
import { headersOf, trustOf, urlOf, type Way } from './way.ts';

const MAX_MESSAGE_BYTES = 256 * 1024;
/** An answer in the place of an upgrade is read no further. */
const MAX_ANSWER_BYTES = 16 * 1024;
/** Closed as the protocol wants it. */
const NORMAL = 1000;

/** What carries a WebSocket in the place of a connection of HTTP/1.1. */
export type Carrier = () => Duplex;

/** One WebSocket through the way, on a connection of its own. Never throws. */
export function probeSocket(way: Way, ask: StreamAsk, carrier: Carrier | null = null): Promise<SocketSample> {
  return new Promise((resolve) => new SocketProbe({ way, ask, carrier }, resolve));
}

interface Probing {
  readonly way: Way;
  readonly ask: StreamAsk;
  readonly carrier: Carrier | null;
}

class SocketProbe {
  readonly #resolve: (sample: SocketSample) => void;
  readonly #client: WebSocket;
  readonly #events: Arrival[] = [];
  readonly #beats: Arrival[] = [];
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #startedAt = performance.now();
  #status: number | null = null;
  #headersMs: number | null = null;
  #httpVersion: string | null = null;
  #origin: SocketSample['origin'] = null;
  #isDone = false;
  #isOver = false;

  constructor({ way, ask, carrier }: Probing, resolve: (sample: SocketSample) => void) {
    this.#resolve = resolve;
    const url = urlOf(way, 'ws', ask.query);
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    this.#client = new WebSocket(url, {
      headers: headersOf(way),
      perMessageDeflate: false,
      maxPayload: MAX_MESSAGE_BYTES,
      handshakeTimeout: ask.boundMs,
      followRedirects: false,
      ...trustOf(way),
      ...(carrier && { createConnection: carrier as never }),
    });
    this.#client.on('upgrade', (response) => this.#head(response));
    this.#client.on('unexpected-response', (_, response) => this.#refused(response));
    this.#client.on('message', (data) => this.#message(String(data)));
    this.#client.on('ping', (data) => {
      const sentMs = Number(String(data));
      // A hop may ping on its own.
      if (data.length > 0 && Number.isFinite(sentMs)) this.#beats.push({ sentMs, gotMs: this.#age() });
    });
    this.#client.on('close', (code) => this.#closed(code));
    this.#client.on('error', (error) => this.#finish(this.#status === null ? 'refused' : 'aborted', codeOf(error)));
    this.#timers.push(setTimeout(() => this.#finish('bound'), ask.boundMs));
    const { dropAtMs = null } = ask;
    if (dropAtMs !== null) this.#timers.push(setTimeout(() => this.#finish('dropped'), dropAtMs));
  }

  #age(): number {
    return performance.now() - this.#startedAt;
  }

  #head({ statusCode = 0, httpVersion }: IncomingMessage): void {
    [this.#status, this.#httpVersion, this.#headersMs] = [statusCode, httpVersion, this.#age()];
  }

  /** The echo says what it saw of the request; anybody else does not. */
  #refused(response: IncomingMessage): void {
    this.#head(response);
    let text = '';
    response.on('data', (chunk: Buffer) => {
      if (text.length < MAX_ANSWER_BYTES) text += chunk;
    });
    response.on('error', () => this.#finish('aborted'));
    response.on('end', () => {
      this.#origin = originOf(text);
      this.#finish('refused', String(this.#status));
    });
  }

  #message(text: string): void {
    const { at, count } = messageOf(text);
    if (count !== undefined) this.#isDone = true;
    else if (typeof at === 'number') this.#events.push({ sentMs: at, gotMs: this.#age() });
  }

  #closed(code: number): void {
    const end = code === NORMAL ? (this.#isDone ? 'complete' : 'clean') : 'aborted';
    this.#finish(end, String(code));
  }

  #finish(end: End, code: string | null = null): void {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#resolve({
      ...{ status: this.#status, httpVersion: this.#httpVersion, headersMs: this.#headersMs, contentEncoding: null },
      ...{ events: this.#events, beats: this.#beats, end, endMs: this.#age(), code, origin: this.#origin },
    });
    this.#client.terminate();
  }
}

/** Empty where it is not the echo's own. */
function messageOf(text: string): { readonly at?: unknown; readonly count?: unknown } {
  try {
    return (JSON.parse(text) ?? {}) as { at?: unknown; count?: unknown };
  } catch {
    return {};
  }
}

function originOf(text: string): SocketSample['origin'] {
  try {
    const { seen } = JSON.parse(text) as { seen?: { upgrade: string | null; httpVersion: string } };
    return seen ? { upgrade: seen.upgrade ?? null, httpVersion: seen.httpVersion } : null;
  } catch {
    return null;
  }
}

import { request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { createBrotliDecompress, createGunzip, createInflate, createZstdDecompress } from 'node:zlib';
import { sseSplitter } from '#wire/sse/splitter.ts';
import type { Arrival, End, StreamSample } from './core/sample.ts';
import { headersOf, oneHeader, urlOf, type Query, type Way } from './way.ts';

export interface SseAsk {
  readonly query: Query;
  /** What the client says that it understands; null: nothing. */
  readonly acceptEncoding?: string | null;
  /** The probe leaves after so long; null: it stays. */
  readonly dropAtMs?: number | null;
  /** The probe takes no longer. */
  readonly boundMs: number;
}

/** The largest event of the echo and more than it. */
const MAX_EVENT_BYTES = 256 * 1024;
/** A call of a model is a POST with a body, and hops treat it so. */
const BODY = '{"model":"echo","stream":true}';

/** One stream of server-sent events through the way, on a connection of its own. Never throws. */
export function probeSse(way: Way, ask: SseAsk): Promise<StreamSample> {
  return new Promise((resolve) => new SseProbe(way, ask, resolve));
}

class SseProbe {
  readonly #resolve: (sample: StreamSample) => void;
  readonly #request: ClientRequest;
  readonly #events: Arrival[] = [];
  readonly #beats: Arrival[] = [];
  readonly #timers: NodeJS.Timeout[] = [];
  #startedAt = performance.now();
  #response: IncomingMessage | null = null;
  #headersMs: number | null = null;
  #isDone = false;
  #isOver = false;

  constructor(way: Way, ask: SseAsk, resolve: (sample: StreamSample) => void) {
    this.#resolve = resolve;
    const url = urlOf(way, 'sse', ask.query);
    const secure = url.protocol === 'https:';
    this.#request = (secure ? httpsRequest : httpRequest)(url, {
      method: 'POST',
      agent: false,
      headers: {
        ...headersOf(way),
        accept: 'text/event-stream',
        'content-type': 'application/json',
        'content-length': BODY.length,
        ...(ask.acceptEncoding && { 'accept-encoding': ask.acceptEncoding }),
      },
    });
    this.#request.on('socket', (socket) => {
      socket.setNoDelay(true);
      // The echo's clock starts with the request: the time to connect is none of a hop's buffering.
      socket.once(secure ? 'secureConnect' : 'connect', () => this.#start(ask));
    });
    this.#request.on('response', (response) => this.#answer(response));
    this.#request.on('error', (error) => this.#finish(this.#response ? 'aborted' : 'refused', codeOf(error)));
    this.#timers.push(setTimeout(() => this.#finish('bound'), ask.boundMs));
    this.#request.end(BODY);
  }

  #start({ dropAtMs = null }: SseAsk): void {
    this.#startedAt = performance.now();
    if (dropAtMs !== null) this.#timers.push(setTimeout(() => this.#finish('dropped'), dropAtMs));
  }

  #age(): number {
    return performance.now() - this.#startedAt;
  }

  #answer(response: IncomingMessage): void {
    this.#response = response;
    this.#headersMs = this.#age();
    const splitter = sseSplitter(MAX_EVENT_BYTES);
    const take = (chunk: Buffer): void => {
      try {
        for (const { name, data, raw } of splitter.push(chunk)) this.#event(name, data, raw);
      } catch {
        // Larger than any event of the echo: something else answers.
        this.#finish('aborted', 'not_the_echo');
      }
    };
    const decoder = decoderOf(oneHeader(response.headers, 'content-encoding'));
    response.on('error', (error) => this.#finish('aborted', codeOf(error)));
    response.on('aborted', () => this.#finish('aborted', 'ECONNRESET'));
    if (decoder === null) {
      response.on('data', take);
      response.on('end', () => this.#ended(response));
      return;
    }
    decoder.on('data', take);
    decoder.on('error', (error) => this.#finish('aborted', codeOf(error)));
    decoder.on('end', () => this.#ended(response));
    response.pipe(decoder);
  }

  #ended({ complete }: IncomingMessage): void {
    this.#finish(!complete ? 'aborted' : this.#isDone ? 'complete' : 'clean');
  }

  #event(name: string, data: string | null, raw: Buffer): void {
    const gotMs = this.#age();
    if (data === null) {
      const beat = /^: beat ([\d.]+)/.exec(raw.toString('utf8'));
      if (beat) this.#beats.push({ sentMs: Number(beat[1]), gotMs });
      return;
    }
    const sentMs = sentOf(data);
    if (name === 'done') this.#isDone = true;
    // What is not the echo's own says nothing of the way.
    else if (Number.isFinite(sentMs)) this.#events.push({ sentMs, gotMs });
  }

  #finish(end: End, code: string | null = null): void {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const timer of this.#timers) clearTimeout(timer);
    const response = this.#response;
    this.#resolve({
      status: response?.statusCode ?? null,
      httpVersion: response?.httpVersion ?? null,
      headersMs: this.#headersMs,
      contentEncoding: response ? oneHeader(response.headers, 'content-encoding') : null,
      ...{ events: this.#events, beats: this.#beats, end, endMs: this.#age(), code },
    });
    this.#request.destroy();
  }
}

/** Null: the body is what it is. What cannot be read is left as it came, and no event is found in it. */
function decoderOf(encoding: string | null) {
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

export const codeOf = (error: unknown): string | null => (error as { code?: string }).code ?? null;

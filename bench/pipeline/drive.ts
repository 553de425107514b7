/** Drives the real pipeline in process, with a provider that answers from memory. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable, Writable } from 'node:stream';
import { serveCall } from '#gateway/pipeline.ts';
import { CALL_ROUTES } from '#gateway/routes.ts';
import type { Transport, UpstreamHandler } from '#providers/index.ts';
import type { World } from './world.ts';

/** Calls under way at once: as at saturation, so that batching has something to batch. */
const AT_ONCE = 16;
const ANSWER = Buffer.from(
  `{"id":"chatcmpl-bench","object":"chat.completion","created":1700000000,"model":"gpt-bench","choices":[{"index":0,"message":{"role":"assistant","content":"${'Hello from the bench upstream. '.repeat(16)}"},"finish_reason":"stop"}],"usage":{"prompt_tokens":120,"completion_tokens":100,"total_tokens":220,"prompt_tokens_details":{"cached_tokens":40}}}`,
);
const HEADERS = { 'content-type': 'application/json', 'content-length': String(ANSWER.length) };

/** The least of node:http's objects that the pipeline touches. */
class Answer extends Writable {
  headersSent = false;
  statusCode = 200;
  override _write(_chunk: Buffer, _encoding: string, done: () => void): void {
    done();
  }
  setHeader(): this {
    return this;
  }
  writeHead(): this {
    this.headersSent = true;
    return this;
  }
}

function requestOf(key: string, body: Buffer, more: Readonly<Record<string, string>>): IncomingMessage {
  const request = new Readable({ read: () => undefined, autoDestroy: false });
  request.push(body);
  request.push(null);
  const headers = {
    host: '127.0.0.1',
    'content-type': 'application/json',
    authorization: `Bearer ${key}`,
    'content-length': String(body.length),
    ...more,
  };
  return Object.assign(request, { headers, complete: true }) as unknown as IncomingMessage;
}

const waiting: UpstreamHandler[] = [];
const route = CALL_ROUTES.get('/v1/chat/completions')!;

/** Hands requests to {@link calls}, which answers them. */
export const memoryTransport: Pick<Transport, 'send'> = {
  send: (_request, handler) => {
    waiting.push(handler);
    return { abort: () => undefined, resume: () => undefined };
  },
};

type Headers = Readonly<Record<string, string>>;

const served = (world: World, body: Buffer, at: number, headers: Headers): Promise<void> =>
  serveCall(world.gate, {
    request: requestOf(world.keys[at % world.keys.length]!, body, headers),
    response: new Answer() as unknown as ServerResponse,
    carrier: null,
    route,
    query: '',
    own: null,
    config: world.gate.config,
    deadlineMono: null,
    tenant: null,
    callId: null,
    reservation: null,
    redrive: null,
  });

/** One body for all, or one for each. */
type Bodies = Buffer | ((call: number) => Buffer);
const bodyFor = (bodies: Bodies, call: number): Buffer => (typeof bodies === 'function' ? bodies(call) : bodies);

async function answered(requests: number): Promise<void> {
  while (waiting.length < requests) await new Promise(setImmediate);
  for (const handler of waiting.splice(0)) {
    handler.connected();
    handler.headers(200, HEADERS);
    handler.data(ANSWER);
    handler.end();
  }
}

export async function calls(world: World, bodies: Bodies, count: number, headers: Headers = {}): Promise<void> {
  for (let done = 0; done < count; done += AT_ONCE) {
    const running = Array.from({ length: AT_ONCE }, (_, i) =>
      served(world, bodyFor(bodies, done + i), done + i, headers),
    );
    await answered(AT_ONCE);
    await Promise.all(running);
  }
}

/** All that run at once ask the same with one key, and the provider is asked once for them. */
export async function collapsed(world: World, bodies: Bodies, count: number, headers: Headers): Promise<void> {
  for (let done = 0; done < count; done += AT_ONCE) {
    const body = bodyFor(bodies, done);
    const running = Array.from({ length: AT_ONCE }, () => served(world, body, done, headers));
    // Each that waits has written its record first.
    while (world.gate.cache.flights.followers < AT_ONCE - 1) await new Promise(setImmediate);
    await answered(1);
    await Promise.all(running);
  }
}

/** Calls that the gate answers by itself. Throws where one of them asks the provider. */
export async function hits(world: World, body: Buffer, count: number, headers: Headers): Promise<void> {
  for (let done = 0; done < count; done += AT_ONCE) {
    await Promise.all(Array.from({ length: AT_ONCE }, (_, i) => served(world, body, done + i, headers)));
    if (waiting.length > 0) throw new Error('the provider was asked');
    await new Promise(setImmediate);
  }
}

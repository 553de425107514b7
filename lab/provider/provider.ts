import { Account } from './account.ts';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { seededRng } from '#kernel/rng.ts';
import type { Frame } from './answer.ts';
import { type Shop, answer } from './answering.ts';
import { answerForm, takesForm } from './answering-media.ts';
import { authorizeCloud, withoutEnvelope } from './clouds/platform.ts';
import * as anthropic from './dialects/anthropic.ts';
import * as google from './dialects/google.ts';
import { models } from './dialects/models.ts';
import * as chat from './dialects/openai-chat.ts';
import * as responses from './dialects/openai-responses.ts';
import type { Json } from './dialects/reading.ts';
import { EngineDriver } from './engine-driver.ts';
import { serveBatches } from './batches.ts';
import { FileStore } from './file-store.ts';
import { serveFiles } from './files.ts';
import { randomId } from './plan-answer.ts';
import { LabError, statusError } from './errors.ts';
import { Exchange } from './exchange.ts';
import type { ScheduledFault } from './faults.ts';
import { EXCEPTION, framingOf } from './framing.ts';
import { Journal, type LogEntry, credential } from './journal.ts';
import { type ProviderOptions, resolveOptions } from './options.ts';
import { ResponseStore } from './responses-store.ts';
import { type Route, routeOf } from './routes.ts';
import { storedResponse } from './stored-responses.ts';

export type { ProviderOptions } from './options.ts';
export type { LogEntry } from './journal.ts';

/** A running simulated provider. */
export interface Provider {
  /** `http://host:port`, without a slash at its end. */
  readonly url: string;
  readonly port: number;
  /** Every request seen, oldest first; entries fill in while they are answered. */
  readonly log: readonly LogEntry[];
  readonly stats: () => ProviderStats;
  /** Replaces the fault schedule. */
  readonly setFaults: (schedule: readonly ScheduledFault[]) => void;
  /** Closes the listening socket for so long: connections are refused by the kernel. Idle connections are closed too. */
  readonly refuse: (ms: number) => Promise<void>;
  /** Breaks all connections and ends. */
  readonly close: () => Promise<void>;
}

export interface ProviderStats {
  readonly seen: number;
  readonly open: number;
  readonly complete: number;
  readonly aborted: number;
  readonly inputTokens: number;
  readonly outputTokensSent: number;
  readonly engine: object;
}

// A request body larger than this is a broken test, not a test of ours: the gate's own limit is 32 MB.
const MAX_BODY_BYTES = 256 * 1024 * 1024;
const MAX_LOG_ENTRIES = 200_000;

/** Starts a provider in this process. */
export async function startProvider(options: ProviderOptions = {}): Promise<Provider> {
  const resolved = resolveOptions(options);
  const server = createServer();
  const shop: Shop = {
    options: resolved,
    driver: new EngineDriver({
      sizes: resolved.sizes,
      policy: { prefixCache: true, prefillChunkTokens: Infinity },
      stepTimeMs: resolved.stepTimeMs,
    }),
    journal: new Journal(resolved.logFile, MAX_LOG_ENTRIES),
    store: new ResponseStore(),
    files: new FileStore(),
    batches: new Map(),
    rng: seededRng(resolved.seed),
    failedOnce: new Set(),
    account: resolved.account && new Account(resolved.account, performance.now()),
    schedule: resolved.faultSchedule,
    refuse: (ms) => void refuse(server, port, resolved.host, ms),
  };
  server.on('request', (request, response) => void serve(shop, request, response));
  // Node's five seconds would race a client that reuses a connection (clients' pools keep them longer).
  server.keepAliveTimeout = 620_000;
  const port = await listen(server, resolved.port, resolved.host);
  return handle(shop, server, port);
}

function handle(shop: Shop, server: Server, port: number): Provider {
  return {
    url: `http://${shop.options.host}:${port}`,
    port,
    log: shop.journal.entries,
    stats: () => statsOf(shop),
    setFaults: (schedule) => (shop.schedule = schedule),
    refuse: (ms) => refuse(server, port, shop.options.host, ms),
    close: () => close(shop, server),
  };
}

async function listen(server: Server, port: number, host: string): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => resolve());
  });
  server.removeAllListeners('error');
  return (server.address() as AddressInfo).port;
}

async function refuse(server: Server, port: number, host: string, ms: number): Promise<void> {
  // Refuses already: two faults may overlap.
  if (!server.listening) return;
  server.close();
  server.closeIdleConnections();
  await new Promise((resolve) => setTimeout(resolve, ms));
  await listen(server, port, host);
}

async function close(shop: Shop, server: Server): Promise<void> {
  shop.driver.close();
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeAllConnections();
  await closed;
  shop.journal.end();
}

function statsOf(shop: Shop): ProviderStats {
  const { entries } = shop.journal;
  const sum = (pick: (entry: LogEntry) => number): number => entries.reduce((total, entry) => total + pick(entry), 0);
  return {
    seen: shop.journal.seen,
    open: sum((entry) => (entry.endedAfterMs === null ? 1 : 0)),
    complete: sum((entry) => (entry.complete ? 1 : 0)),
    aborted: sum((entry) => (entry.aborted ? 1 : 0)),
    inputTokens: sum((entry) => entry.inputTokens ?? 0),
    outputTokensSent: sum((entry) => entry.outputTokensSent),
    engine: { ...shop.driver.load(), ...shop.driver.engine.totals },
  };
}

async function serve(shop: Shop, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = request.url ?? '/';
  const path = url.split('?')[0]!;
  if (path.startsWith('/__lab/')) return control(shop, request, response, path);
  const entry = shop.journal.open(request.method ?? 'GET', url, request.headers);
  const route = routeOf(entry.method, path, 'anthropic-version' in request.headers);
  const exchange = exchangeOf(request, response, entry, route);
  watchEnd(shop, exchange);
  try {
    const body = await readBody(request);
    shop.journal.body(entry, body);
    await dispatch(shop, exchange, route, body);
  } catch (error) {
    fail(exchange, error);
  }
}

/** In a stream of Bedrock an error is an exception frame. */
const exceptionFrame = (body: object): Frame => ({
  event: `${EXCEPTION}internalServerException`,
  data: JSON.stringify(body),
});

const ERROR_FRAMES = {
  chat: chat.errorFrame,
  responses: responses.errorFrame,
  messages: anthropic.errorFrame,
  generateContent: google.errorFrame,
} as const;

function exchangeOf(
  request: IncomingMessage,
  response: ServerResponse,
  entry: LogEntry,
  route: Route | null,
): Exchange {
  const endpoint = route?.endpoint ?? 'chat';
  const errorFrame = ERROR_FRAMES[endpoint as keyof typeof ERROR_FRAMES] ?? chat.errorFrame;
  entry.endpoint = route?.endpoint ?? null;
  const dialect = route?.dialect ?? 'openai';
  const frame = dialect === 'bedrock' ? exceptionFrame : errorFrame;
  return new Exchange({ request, response, entry, dialect, errorFrame: frame, framing: framingOf(route) });
}

function watchEnd(shop: Shop, { response, entry }: Exchange): void {
  const startMs = performance.now();
  response.once('close', () => {
    entry.endedAfterMs = performance.now() - startMs;
    // Left early: neither sent to its end nor ended by a fault of ours.
    entry.aborted = !entry.complete && !response.writableEnded && !entry.faults.some((fault) => ENDS.test(fault));
    shop.journal.close(entry);
  });
}

const ENDS = /^(cut|half-event|clean-end|error-event|reset|refuse)\b/;

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) throw new LabError(413, 'Request exceeds the maximum size');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

async function dispatch(shop: Shop, exchange: Exchange, route: Route | null, body: Buffer): Promise<void> {
  if (exchange.entry.method === 'HEAD') return void exchange.response.writeHead(200).end();
  if (!route)
    throw new LabError(404, `Invalid URL (${exchange.entry.method} ${exchange.entry.path})`, {
      type: notFoundType(exchange),
    });
  await authorize(shop, exchange, route, body);
  checkVersions(exchange, route);
  if (route.endpoint === 'models')
    return exchange.json(200, models(route.dialect === 'anthropic' ? 'anthropic' : 'openai', route.id));
  if (route.endpoint === 'responses_item') return storedResponse(shop.store, exchange, route);
  if (route.endpoint === 'files') return serveFiles(shop.files, exchange, route, body, () => randomId(shop.rng, ''));
  if (route.endpoint === 'batches') return serveBatches(shop, exchange, route, body.length === 0 ? {} : parse(body));
  if (takesForm(route.endpoint)) return answerForm(shop, exchange, route, body);
  return answer(shop, exchange, route, withoutEnvelope(route, parse(body)));
}

const notFoundType = (exchange: Exchange): string =>
  exchange.dialect === 'anthropic' ? 'not_found_error' : 'invalid_request_error';

async function authorize(shop: Shop, exchange: Exchange, route: Route, body: Buffer): Promise<void> {
  const { clouds } = shop.options;
  if (route.platform && (clouds.tokens ?? clouds.aws)) return authorizeCloud(clouds, route, exchange.request, body);
  const found = credential(exchange.request.headers);
  if (found && (shop.options.key === null || shop.options.key === found.value)) return;
  throw statusError(exchange.dialect, 401);
}

/** Version markers that the real APIs insist on. */
function checkVersions({ request, entry }: Exchange, route: Route): void {
  if (route.platform === 'vertex') return;
  if (route.dialect === 'anthropic' && route.endpoint !== 'models' && !request.headers['anthropic-version']) {
    throw new LabError(400, 'anthropic-version: header is required');
  }
  if (route.dialect === 'azure' && !entry.path.includes('api-version=')) throw statusError('azure', 404);
}

function parse(body: Buffer): Json {
  try {
    const value: unknown = JSON.parse(body.toString('utf8'));
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Json;
  } catch {
    // Falls through to the same refusal: both are no JSON object.
  }
  throw new LabError(400, 'We could not parse the JSON body of your request.');
}

function fail(exchange: Exchange, error: unknown): void {
  const { response } = exchange;
  if (response.destroyed || exchange.request.errored) return;
  if (error instanceof LabError && !response.headersSent) return exchange.error(error);
  process.stderr.write(`lab provider: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  response.destroy();
}

/** The judge's own paths: log, counters, and faults for what follows. */
async function control(shop: Shop, request: IncomingMessage, response: ServerResponse, path: string): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://lab');
  const send = (body: object): void =>
    void response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  if (path === '/__lab/stats') return send(statsOf(shop));
  if (path === '/__lab/log') {
    const since = Number(url.searchParams.get('since') ?? 0);
    return send(shop.journal.entries.filter((entry) => entry.n > since));
  }
  const body = await readBody(request);
  if (path === '/__lab/faults') shop.schedule = JSON.parse(body.toString()) as ScheduledFault[];
  else if (path === '/__lab/refuse') shop.refuse(Number(url.searchParams.get('ms') ?? 1_000));
  else return void response.writeHead(404).end();
  send({ ok: true });
}

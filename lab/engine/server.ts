/** OpenAI-compatible HTTP in front of the engine. */
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { json as readJson } from 'node:stream/consumers';
import type { ChatRequest } from './chat-request.ts';
import { parseChat, parseEmbedding, RequestError } from './chat-request.ts';
import { embed } from './embed.ts';
import type { Engine } from './engine.ts';
import type { AnswerPiece, Outcome } from './generate.ts';
import { generate } from './generate.ts';
import { UnsupportedSchema } from './json-grammar.ts';
import { QueueFull } from './slot-pool.ts';

/** Largest body: far above the context of any generated model. */
const MAX_BODY_BYTES = 16 * 1024 * 1024;
/** What a refused caller is told to wait: about one answer of the nano model. */
const RETRY_AFTER_S = 1;
/** Longer than the idle time of client pools, so that the client closes first (Node's own 5 s makes 502s). */
const KEEP_ALIVE_MS = 620_000;

interface Exchange {
  readonly engine: Engine;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Aborted when the client leaves before the answer is complete. */
  readonly signal: AbortSignal;
}

function sendJson(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
}

function refusal(error: unknown): RequestError {
  if (error instanceof RequestError) return error;
  if (error instanceof QueueFull) return new RequestError(429, 'overloaded', error.message);
  if (error instanceof UnsupportedSchema) return new RequestError(400, 'unsupported_schema', error.message, error.path);
  if (error instanceof SyntaxError) return new RequestError(400, 'invalid_json', 'the body is not JSON');
  return new RequestError(500, 'engine_error', error instanceof Error ? error.message : String(error));
}

function sendError(response: ServerResponse, error: unknown): void {
  const { status, code, message, param } = refusal(error);
  const type = status === 429 ? 'rate_limit_error' : status < 500 ? 'invalid_request_error' : 'server_error';
  const body = { error: { message, type, param, code } };
  if (!response.headersSent) {
    return sendJson(response, status, body, status === 429 ? { 'retry-after': String(RETRY_AFTER_S) } : {});
  }
  // An error event and then a broken connection: a clean end would be read as a complete answer.
  response.write(`data: ${JSON.stringify(body)}\n\n`);
  response.destroy();
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  if (Number(request.headers['content-length'] ?? 0) > MAX_BODY_BYTES) {
    throw new RequestError(413, 'body_too_large', `the body is larger than ${MAX_BODY_BYTES} bytes`);
  }
  let read = 0;
  request.on('data', (chunk: Buffer) => {
    read += chunk.length;
    if (read > MAX_BODY_BYTES) request.destroy();
  });
  return readJson(request);
}

function checkModel(engine: Engine, model: string): void {
  const { modelId } = engine.options;
  if (model === modelId) return;
  throw new RequestError(404, 'model_not_found', `no model ${JSON.stringify(model)}; this is ${modelId}`, 'model');
}

const usageOf = (outcome: Outcome): object => ({
  prompt_tokens: outcome.inputTokens,
  completion_tokens: outcome.outputTokens,
  total_tokens: outcome.inputTokens + outcome.outputTokens,
  prompt_tokens_details: { cached_tokens: outcome.cachedTokens },
});

/** Runs the answer, hands each piece over, returns the counts. */
async function consume(
  exchange: Exchange,
  body: ChatRequest,
  onPiece: (piece: AnswerPiece) => Promise<void> | void,
): Promise<Outcome> {
  const source = generate(exchange.engine, body, exchange.signal);
  for (;;) {
    const next = await source.next();
    if (next.done === true) return next.value;
    await onPiece(next.value);
  }
}

const head = (engine: Engine, object: string): { id: string; object: string; created: number; model: string } => ({
  id: `chatcmpl-${randomUUID()}`,
  object,
  created: Math.floor(Date.now() / 1000),
  model: engine.options.modelId,
});

const callId = (): string => `call_${randomUUID().replaceAll('-', '')}`;

async function unaryChat(exchange: Exchange, body: ChatRequest): Promise<void> {
  const text = { text: '', tool: '', arguments: '' };
  const outcome = await consume(exchange, body, (piece) => {
    text[piece.kind] += piece.text;
  });
  const called = text.tool !== '';
  const call = { id: callId(), type: 'function', function: { name: text.tool, arguments: text.arguments } };
  const message = {
    role: 'assistant',
    content: called ? null : text.text,
    refusal: null,
    ...(called ? { tool_calls: [call] } : {}),
  };
  sendJson(exchange.response, 200, {
    ...head(exchange.engine, 'chat.completion'),
    choices: [{ index: 0, message, logprobs: null, finish_reason: outcome.finishReason }],
    usage: usageOf(outcome),
  });
}

function deltaOf(piece: AnswerPiece): object {
  if (piece.kind === 'text') return { content: piece.text };
  if (piece.kind === 'arguments') return { tool_calls: [{ index: 0, function: { arguments: piece.text } }] };
  const call = { index: 0, id: callId(), type: 'function', function: { name: piece.text, arguments: '' } };
  return { tool_calls: [call] };
}

async function streamChat(exchange: Exchange, body: ChatRequest): Promise<void> {
  const { engine, response, signal } = exchange;
  const base = head(engine, 'chat.completion.chunk');
  const withUsage = body.stream_options?.include_usage === true;
  const write = async (data: object): Promise<void> => {
    if (!response.headersSent) {
      response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
    }
    // A slow reader holds its own answer back, not the process: the slot waits for room in the socket.
    if (response.write(`data: ${JSON.stringify({ ...base, ...data })}\n\n`)) return;
    await new Promise<void>((resolve) => {
      response.once('drain', resolve);
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
  };
  const choice = (delta: object, reason: string | null): Promise<void> =>
    write({
      choices: [{ index: 0, delta, logprobs: null, finish_reason: reason }],
      ...(withUsage ? { usage: null } : {}),
    });
  let first = true;
  const outcome = await consume(exchange, body, async (piece) => {
    await choice(first ? { role: 'assistant', ...deltaOf(piece) } : deltaOf(piece), null);
    first = false;
  });
  await choice({}, outcome.finishReason);
  if (withUsage) await write({ choices: [], usage: usageOf(outcome) });
  response.end('data: [DONE]\n\n');
}

async function chat(exchange: Exchange): Promise<void> {
  const body = parseChat(await readBody(exchange.request));
  checkModel(exchange.engine, body.model);
  await (body.stream === true ? streamChat(exchange, body) : unaryChat(exchange, body));
}

async function embeddings(exchange: Exchange): Promise<void> {
  const body = parseEmbedding(await readBody(exchange.request));
  checkModel(exchange.engine, body.model);
  const { vectors, inputTokens } = await embed(exchange.engine, body, exchange.signal);
  const shown = (vector: Float32Array): number[] | string =>
    body.encoding_format === 'base64' ? Buffer.from(vector.buffer).toString('base64') : [...vector];
  sendJson(exchange.response, 200, {
    object: 'list',
    data: vectors.map((vector, index) => ({ object: 'embedding', index, embedding: shown(vector) })),
    model: exchange.engine.options.modelId,
    usage: { prompt_tokens: inputTokens, total_tokens: inputTokens },
  });
}

function models({ engine, response }: Exchange): void {
  const { modelId } = engine.options;
  sendJson(response, 200, {
    object: 'list',
    data: [{ id: modelId, object: 'model', created: 0, owned_by: 'headgate' }],
  });
}

function health({ engine, response }: Exchange): void {
  const { free, waiting } = engine.slots;
  sendJson(response, 200, { status: 'ok', slots: engine.options.slots, free, waiting, ...engine.counters });
}

type Route = (exchange: Exchange) => Promise<void> | void;

const ROUTES: Readonly<Record<string, Route>> = {
  'GET /health': health,
  'GET /v1/models': models,
  'POST /v1/chat/completions': chat,
  'POST /v1/embeddings': embeddings,
};

async function serve(engine: Engine, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const left = new AbortController();
  response.once('close', () => left.abort(new Error('the client left')));
  const path = (request.url ?? '').split('?')[0];
  const route = ROUTES[`${request.method} ${path}`];
  try {
    if (route === undefined) throw new RequestError(404, 'not_found', `no ${request.method} ${path}`);
    await route({ engine, request, response, signal: left.signal });
  } catch (error) {
    if (!response.destroyed) sendError(response, error);
  }
}

/** A server that is not listening yet. */
export function createEngineServer(engine: Engine): Server {
  const server = createServer((request, response) => void serve(engine, request, response));
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  return server;
}

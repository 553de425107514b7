import type { IncomingMessage, ServerResponse } from 'node:http';
import { HeadgateError } from '#kernel/errors.ts';
import { JsonText, StreamedAnswer, type AdminApi } from '#capabilities/tenants/routes.ts';
import { readBody } from './body.ts';
import { SAFE_HEADERS } from './console/assets.ts';
import type { Entered } from './console/door.ts';
import type { Gate } from './gate.ts';
import { asHeadgateError, refuse } from './refuse.ts';

export interface AdminParts {
  readonly gate: Gate;
  readonly admin: AdminApi;
  readonly version: string;
}

/** Settings and lists of keys are small. */
const BODY_LIMITS = { bodyBytes: 4 * 1024 * 1024, bodyTimeout: 10_000 };

/** How often an answer that goes on is asked whether its reader may still have it. */
const LOOK_MS = 250;

export interface AdminExchange extends Entered {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly path: string;
}

/** Serves one request of the admin API. Who asks is checked already. */
export async function serveAdmin(
  parts: AdminParts,
  { request, response, path, actor, access, isAlive }: AdminExchange,
): Promise<void> {
  try {
    if (path === '/admin/openapi.json') return send(response, 200, JSON.stringify(parts.admin.openApi(parts.version)));
    const bytes = await readBody(request, BODY_LIMITS);
    const { status, body } = await parts.admin.handle({
      method: request.method ?? 'GET',
      path,
      query: queryOf(request),
      body: bytes.length === 0 ? undefined : jsonOf(bytes),
      actor,
      access,
    });
    if (body instanceof StreamedAnswer) await sendStreamed(response, body, isAlive);
    else send(response, status, body instanceof JsonText ? body.text : JSON.stringify(body));
  } catch (thrown) {
    const error = asHeadgateError(thrown);
    if (error.code === 'internal') parts.gate.log.error({ err: thrown }, 'the admin API failed by a mistake of ours');
    refuse(response, 'openai', error, null);
  }
}

/** `json`: undefined where there is no body. */
function send(response: ServerResponse, status: number, json: string | undefined): void {
  const bytes = json === undefined || status === 204 ? Buffer.alloc(0) : Buffer.from(json);
  response.writeHead(status, {
    ...SAFE_HEADERS,
    'content-type': 'application/json',
    'content-length': bytes.length,
    // Keys stand in answers.
    'cache-control': 'no-store',
  });
  response.end(bytes);
}

/**
 * The head goes with the first chunk, so that a store that is away is an answer of its own. What fails later cuts the
 * connection: whoever reads knows that the file is not whole. So does the end of the token or session that asked.
 */
async function sendStreamed(
  response: ServerResponse,
  { chunks, contentType, fileName }: StreamedAnswer,
  isAlive: () => boolean,
): Promise<void> {
  const iterator = chunks[Symbol.asyncIterator]();
  const first = await iterator.next();
  response.writeHead(200, {
    ...SAFE_HEADERS,
    'content-type': contentType,
    'content-disposition': `attachment; filename="${fileName}"`,
    'cache-control': 'no-store',
  });
  // A reader that takes nothing would else hold what it may no longer have.
  const look = setInterval(() => isAlive() || response.destroy(), LOOK_MS);
  try {
    for (let next = first; !next.done && !response.destroyed && isAlive(); next = await iterator.next())
      if (!response.write(next.value) && !response.destroyed) await writable(response);
    if (isAlive()) response.end();
    else response.destroy();
  } catch {
    response.destroy();
  } finally {
    clearInterval(look);
    await iterator.return?.();
  }
}

/** Resolves once the reader has taken what waits, or has left. */
const writable = (response: ServerResponse): Promise<void> =>
  new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done).off('close', done);
      resolve();
    };
    response.on('drain', done).on('close', done);
  });

function jsonOf(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    throw new HeadgateError('invalid_json');
  }
}

/** A parameter that comes twice is its last value; none of this API's takes a list. */
function queryOf(request: IncomingMessage): Record<string, string> {
  const cut = (request.url ?? '').indexOf('?');
  return cut < 0 ? {} : Object.fromEntries(new URLSearchParams(request.url!.slice(cut + 1)));
}

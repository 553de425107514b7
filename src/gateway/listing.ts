import type { IncomingMessage, ServerResponse } from 'node:http';
import { HeadgateError } from '#kernel/errors.ts';
import { anthropicModel, anthropicModelList, openaiModel, openaiModelList } from '#wire/openai-models/index.ts';
import type { Caller } from '#capabilities/tenants/index.ts';
import type { Gate } from './gate.ts';

function callerOf(gate: Gate, request: IncomingMessage): Caller {
  const caller = gate.tenants.authenticate(request.headers);
  if (!caller.ok) throw caller.error;
  return caller.value;
}

function send(response: ServerResponse, body: object): void {
  const bytes = Buffer.from(JSON.stringify(body));
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': bytes.length });
  response.end(bytes);
}

/** Models in the caller's dialect, only those that its key may call; a prefix pattern is no model and is not listed. */
export function serveModels(gate: Gate, request: IncomingMessage, response: ServerResponse, path: string): void {
  const caller = callerOf(gate, request);
  const anthropic = request.headers['anthropic-version'] !== undefined;
  const names = gate.config.models.names.filter((name) => !name.endsWith('*') && gate.tenants.mayCall(caller, name));
  const models = names.map((name) => ({ name, createdS: gate.config.loadedS }));
  if (path === '/v1/models') {
    return send(response, anthropic ? anthropicModelList(models, pageOf(request)) : openaiModelList(models));
  }
  const asked = decoded(path.slice('/v1/models/'.length));
  const found = models.find(({ name }) => name === asked);
  if (!found) {
    throw new HeadgateError('model_not_found', {
      message: `The model \`${asked.slice(0, 128)}\` does not exist or this key may not call it.`,
    });
  }
  send(response, anthropic ? anthropicModel(found) : openaiModel(found));
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function pageOf(request: IncomingMessage): { limit?: number; afterId?: string; beforeId?: string } {
  const query = new URLSearchParams((request.url ?? '').split('?')[1] ?? '');
  const limit = Number(query.get('limit') ?? NaN);
  const [afterId, beforeId] = [query.get('after_id'), query.get('before_id')];
  return {
    ...(Number.isInteger(limit) && { limit }),
    ...(afterId !== null && { afterId }),
    ...(beforeId !== null && { beforeId }),
  };
}

/** What a key may know of itself: models, budgets, spent, reserved, reset (clients.md 29). */
export function serveMe(gate: Gate, request: IncomingMessage, response: ServerResponse): void {
  const caller = callerOf(gate, request);
  const models = gate.config.models.names.filter((name) => gate.tenants.mayCall(caller, name));
  send(response, gate.tenants.me(caller, models));
}

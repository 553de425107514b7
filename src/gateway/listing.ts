import type { IncomingMessage, ServerResponse } from 'node:http';
import { HeadgateError } from '#kernel/errors.ts';
import {
  anthropicModel,
  anthropicModelList,
  googleModel,
  googleModelList,
  openaiModel,
  openaiModelList,
  type ListedModel,
} from '#wire/openai-models/index.ts';
import type { Caller } from '#capabilities/tenants/index.ts';
import type { Gate } from './gate.ts';
import { refusedQuery } from './routes.ts';

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
  const anthropic = request.headers['anthropic-version'] !== undefined;
  const models = modelsOf(gate, request);
  if (path === '/v1/models') {
    return send(response, anthropic ? anthropicModelList(models, pageOf(request)) : openaiModelList(models));
  }
  const found = modelNamed(models, decoded(path.slice('/v1/models/'.length)));
  send(response, anthropic ? anthropicModel(found) : openaiModel(found));
}

/** Does the caller speak Google's API? Its paths have a version of their own, or its header carries the key. */
export const isGoogle = (request: IncomingMessage, path: string): boolean =>
  path.startsWith('/v1beta') || path.startsWith('/v1alpha') || request.headers['x-goog-api-key'] !== undefined;

/** The same in Google's form: `models/{id}` by its name, or all in pages. */
export function serveGoogleModels(gate: Gate, request: IncomingMessage, response: ServerResponse, path: string): void {
  const query = (request.url ?? '').split('?')[1] ?? '';
  const refused = refusedQuery(false, query);
  if (refused) throw refused;
  const models = modelsOf(gate, request);
  const id = /\/models\/(.+)$/.exec(path)?.[1];
  if (id !== undefined) return send(response, googleModel(modelNamed(models, decoded(id))));
  const fields = new URLSearchParams(query);
  const size = Number(fields.get('pageSize') ?? fields.get('page_size') ?? NaN);
  const token = fields.get('pageToken') ?? fields.get('page_token');
  send(
    response,
    googleModelList(models, { ...(Number.isInteger(size) && { size }), ...(token !== null && { token }) }),
  );
}

function modelsOf(gate: Gate, request: IncomingMessage): ListedModel[] {
  const caller = callerOf(gate, request);
  const names = gate.config.models.names.filter((name) => !name.endsWith('*') && gate.tenants.mayCall(caller, name));
  return [...new Set([...names, ...aliasesOf(gate, caller)])].map((name) => ({ name, createdS: gate.config.loadedS }));
}

/** Names that layers give to models which the key may call; of its own feature, since a list names no other. */
function aliasesOf(gate: Gate, caller: Caller): readonly string[] {
  const effective = gate.tenants.layersOf(caller, caller.key.defaultFeature);
  return [...(effective?.aliases ?? [])]
    .filter(([, { value }]) => gate.tenants.mayCall(caller, value) && gate.config.models.find(value) !== null)
    .map(([name]) => name);
}

function modelNamed(models: readonly ListedModel[], asked: string): ListedModel {
  const found = models.find(({ name }) => name === asked);
  if (found) return found;
  throw new HeadgateError('model_not_found', {
    message: `The model \`${asked.slice(0, 128)}\` does not exist or this key may not call it.`,
  });
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
export async function serveMe(gate: Gate, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const caller = callerOf(gate, request);
  const models = gate.config.models.names.filter((name) => gate.tenants.mayCall(caller, name));
  send(response, await gate.tenants.me(caller, models));
}

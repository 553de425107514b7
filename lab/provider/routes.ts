import type { ErrorDialect } from './errors.ts';

export type Endpoint =
  | 'chat'
  | 'files'
  | 'batches'
  | 'responses'
  | 'responses_item'
  | 'compact'
  | 'embeddings'
  | 'models'
  | 'messages'
  | 'count_tokens';

export interface Route {
  readonly endpoint: Endpoint;
  readonly dialect: ErrorDialect;
  /** The deployment of an Azure path: its name stands for the model. */
  readonly deployment: string | null;
  /** Model or response id of an item path; for a response also its action. */
  readonly id: string | null;
  readonly action: string | null;
}

type Pattern = readonly [method: string, pattern: RegExp, endpoint: Endpoint, dialect: ErrorDialect];

// Any prefix before the API's own part is accepted: providers hang the same API under /v1, /openai/v1, /api/v1 and more.
const PATTERNS: readonly Pattern[] = [
  ['POST', /^\/openai\/deployments\/(?<deployment>[^/]+)\/chat\/completions$/, 'chat', 'azure'],
  ['POST', /^\/openai\/deployments\/(?<deployment>[^/]+)\/embeddings$/, 'embeddings', 'azure'],
  ['POST', /\/messages\/count_tokens$/, 'count_tokens', 'anthropic'],
  ['POST', /\/messages$/, 'messages', 'anthropic'],
  ['POST', /\/chat\/completions$/, 'chat', 'openai'],
  ['POST', /\/responses\/compact$/, 'compact', 'openai'],
  ['POST', /\/responses$/, 'responses', 'openai'],
  ['POST', /\/responses\/(?<id>[^/]+)\/(?<action>cancel)$/, 'responses_item', 'openai'],
  ['GET', /\/responses\/(?<id>[^/]+)\/(?<action>input_items)$/, 'responses_item', 'openai'],
  ['GET', /\/responses\/(?<id>[^/]+)$/, 'responses_item', 'openai'],
  ['DELETE', /\/responses\/(?<id>[^/]+)$/, 'responses_item', 'openai'],
  ['POST', /\/files$/, 'files', 'openai'],
  ['GET', /\/files$/, 'files', 'openai'],
  ['GET', /\/files\/(?<id>[^/]+)\/(?<action>content)$/, 'files', 'openai'],
  ['GET', /\/files\/(?<id>[^/]+)$/, 'files', 'openai'],
  ['DELETE', /\/files\/(?<id>[^/]+)$/, 'files', 'openai'],
  ['POST', /\/messages\/batches$/, 'batches', 'anthropic'],
  ['GET', /\/messages\/batches$/, 'batches', 'anthropic'],
  ['GET', /\/messages\/batches\/(?<id>[^/]+)\/(?<action>results)$/, 'batches', 'anthropic'],
  ['GET', /\/messages\/batches\/(?<id>[^/]+)$/, 'batches', 'anthropic'],
  ['DELETE', /\/messages\/batches\/(?<id>[^/]+)$/, 'batches', 'anthropic'],
  ['POST', /\/messages\/batches\/(?<id>[^/]+)\/(?<action>cancel)$/, 'batches', 'anthropic'],
  ['POST', /\/batches$/, 'batches', 'openai'],
  ['GET', /\/batches$/, 'batches', 'openai'],
  ['GET', /\/batches\/(?<id>[^/]+)$/, 'batches', 'openai'],
  ['POST', /\/batches\/(?<id>[^/]+)\/(?<action>cancel)$/, 'batches', 'openai'],
  ['POST', /\/embeddings$/, 'embeddings', 'openai'],
  ['GET', /\/models$/, 'models', 'openai'],
  ['GET', /\/models\/(?<id>.+)$/, 'models', 'openai'],
];

/** Finds what a request is for; null: no such path. `anthropic`: the request carries `anthropic-version`. */
export function routeOf(method: string, path: string, anthropic: boolean): Route | null {
  for (const [wanted, pattern, endpoint, dialect] of PATTERNS) {
    const match = wanted === method ? pattern.exec(path) : null;
    if (!match) continue;
    const { deployment = null, id = null, action = null } = match.groups ?? {};
    const family = (endpoint === 'models' || endpoint === 'files') && anthropic ? 'anthropic' : dialect;
    return {
      endpoint,
      dialect: family,
      deployment,
      id: id && decodeURIComponent(id),
      action: action ?? (method === 'DELETE' ? 'delete' : null),
    };
  }
  return null;
}

import type { ErrorDialect } from './errors.ts';

export type Endpoint =
  | 'chat'
  | 'files'
  | 'batches'
  | 'compact'
  | 'completions'
  | 'responses'
  | 'responses_item'
  | 'embeddings'
  | 'moderations'
  | 'images'
  | 'image_edits'
  | 'image_variations'
  | 'speech'
  | 'transcriptions'
  | 'translations'
  | 'rerank'
  | 'embed_v2'
  | 'contextual'
  | 'models'
  | 'messages'
  | 'count_tokens'
  | 'converse'
  | 'generateContent'
  | 'countTokens'
  | 'embedContent';
export type Platform = 'bedrock' | 'vertex' | 'foundry';

export interface Route {
  readonly endpoint: Endpoint;
  readonly dialect: ErrorDialect;
  /** The deployment of an Azure path: its name stands for the model. */
  readonly deployment: string | null;
  /** Model or response id of an item path; for a response its action, for a model of Google's its method. */
  readonly id: string | null;
  readonly action: string | null;
  /** The cloud in front of the model's API; null: the API itself. */
  readonly platform: Platform | null;
  /** The path itself says whether the answer streams; null: the body does. */
  readonly streams: boolean | null;
}

type Pattern = readonly [
  method: string,
  pattern: RegExp,
  endpoint: Endpoint,
  dialect: ErrorDialect,
  platform?: Platform,
];

const VERTEX_GOOGLE = String.raw`/projects/[^/]+/locations/[^/]+/publishers/google/models/`;
const VERTEX_MODEL = String.raw`/projects/[^/]+/locations/[^/]+/publishers/anthropic/models/`;

const MEDIA: readonly (readonly [path: string, endpoint: Endpoint])[] = [
  ['images/generations', 'images'],
  ['images/edits', 'image_edits'],
  ['images/variations', 'image_variations'],
  ['audio/speech', 'speech'],
  ['audio/transcriptions', 'transcriptions'],
  ['audio/translations', 'translations'],
];

// Any prefix before the API's own part is accepted: providers hang the same API under /v1, /openai/v1, /api/v1 and more.
const PATTERNS: readonly Pattern[] = [
  ['POST', /^\/model\/(?<deployment>[^/]+)\/invoke$/, 'messages', 'bedrock', 'bedrock'],
  [
    'POST',
    /^\/model\/(?<deployment>[^/]+)\/(?<streams>invoke-with-response-stream)$/,
    'messages',
    'bedrock',
    'bedrock',
  ],
  ['POST', /^\/model\/(?<deployment>[^/]+)\/converse$/, 'converse', 'bedrock', 'bedrock'],
  ['POST', /^\/model\/(?<deployment>[^/]+)\/(?<streams>converse-stream)$/, 'converse', 'bedrock', 'bedrock'],
  ['POST', new RegExp(`${VERTEX_MODEL}count-tokens:rawPredict$`), 'count_tokens', 'anthropic', 'vertex'],
  ['POST', new RegExp(`${VERTEX_MODEL}(?<deployment>[^/]+):rawPredict$`), 'messages', 'anthropic', 'vertex'],
  [
    'POST',
    new RegExp(`${VERTEX_MODEL}(?<deployment>[^/]+):(?<streams>streamRawPredict)$`),
    'messages',
    'anthropic',
    'vertex',
  ],
  [
    'POST',
    new RegExp(`${VERTEX_GOOGLE}(?<id>[^/]+):(?<action>generateContent|streamGenerateContent)$`),
    'generateContent',
    'google',
    'vertex',
  ],
  [
    'POST',
    /^\/v1\/projects\/[^/]+\/locations\/[^/]+\/endpoints\/openapi\/chat\/completions$/,
    'chat',
    'openai',
    'vertex',
  ],
  ['POST', /^\/anthropic\/v1\/messages$/, 'messages', 'anthropic', 'foundry'],
  ['POST', /^\/anthropic\/v1\/messages\/count_tokens$/, 'count_tokens', 'anthropic', 'foundry'],
  ['POST', /^\/openai\/v1\/chat\/completions$/, 'chat', 'openai', 'foundry'],
  ['POST', /^\/openai\/v1\/responses$/, 'responses', 'openai', 'foundry'],
  ['POST', /^\/openai\/v1\/embeddings$/, 'embeddings', 'openai', 'foundry'],
  ['POST', /^\/openai\/deployments\/(?<deployment>[^/]+)\/chat\/completions$/, 'chat', 'azure'],
  ['POST', /^\/openai\/deployments\/(?<deployment>[^/]+)\/completions$/, 'completions', 'azure'],
  ['POST', /^\/openai\/deployments\/(?<deployment>[^/]+)\/embeddings$/, 'embeddings', 'azure'],
  ['POST', /\/messages\/count_tokens$/, 'count_tokens', 'anthropic'],
  ['POST', /\/messages$/, 'messages', 'anthropic'],
  ['POST', /\/chat\/completions$/, 'chat', 'openai'],
  ['POST', /\/completions$/, 'completions', 'openai'],
  ['POST', /\/responses\/compact$/, 'compact', 'openai'],
  ['POST', /\/responses$/, 'responses', 'openai'],
  ['POST', /\/responses\/(?<id>[^/]+)\/(?<action>cancel)$/, 'responses_item', 'openai'],
  ['GET', /\/responses\/(?<id>[^/]+)\/(?<action>input_items)$/, 'responses_item', 'openai'],
  ['GET', /\/responses\/(?<id>[^/]+)$/, 'responses_item', 'openai'],
  ['DELETE', /\/responses\/(?<id>[^/]+)$/, 'responses_item', 'openai'],
  ['POST', /\/models\/(?<id>.+):(?<action>generateContent|streamGenerateContent)$/, 'generateContent', 'google'],
  ['POST', /\/models\/(?<id>.+):(?<action>countTokens)$/, 'countTokens', 'google'],
  ['POST', /\/models\/(?<id>.+):(?<action>embedContent|batchEmbedContents)$/, 'embedContent', 'google'],
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
  ['POST', /\/moderations$/, 'moderations', 'openai'],
  ...MEDIA.map(([path, endpoint]): Pattern => [
    'POST',
    new RegExp(`^/openai/deployments/(?<deployment>[^/]+)/${path}$`),
    endpoint,
    'azure',
  ]),
  ...MEDIA.map(([path, endpoint]): Pattern => ['POST', new RegExp(`/${path}$`), endpoint, 'openai']),
  ['POST', /\/rerank$/, 'rerank', 'openai'],
  ['POST', /\/v2\/embed$/, 'embed_v2', 'openai'],
  ['POST', /\/contextualizedembeddings$/, 'contextual', 'openai'],
  ['GET', /\/models$/, 'models', 'openai'],
  ['GET', /\/models\/(?<id>.+)$/, 'models', 'openai'],
];

/** Finds what a request is for; null: no such path. `anthropic`: the request carries `anthropic-version`. */
export function routeOf(method: string, path: string, anthropic: boolean): Route | null {
  for (const [wanted, pattern, endpoint, dialect, platform = null] of PATTERNS) {
    const match = wanted === method ? pattern.exec(path) : null;
    if (!match) continue;
    const { deployment = null, id = null, action = null, streams } = match.groups ?? {};
    const family = (endpoint === 'models' || endpoint === 'files') && anthropic ? 'anthropic' : dialect;
    return {
      endpoint,
      dialect: family,
      deployment: deployment && decodeURIComponent(deployment),
      platform,
      streams: platform === 'bedrock' ? streams !== undefined : null,
      id: id && decodeURIComponent(id),
      action: action ?? (method === 'DELETE' ? 'delete' : null),
    };
  }
  return null;
}

import type { ClientFraming } from '#wire/aws-event-stream/index.ts';
import { HeadgateError } from '#kernel/errors.ts';
import type { DialectName } from '#wire/canonical.ts';
import type { PathFacts } from '#wire/dialect.ts';
import { STORED_ENDPOINTS } from './stored/routes.ts';

/** The error form that a path's clients understand. */
export type Family = 'openai' | 'anthropic' | 'google' | 'bedrock';

/** A path that carries model calls. */
export interface CallRoute {
  readonly path: string;
  readonly dialect: DialectName;
  readonly family: Family;
  /** What the path says of the call (Azure's deployments, Google's methods, Bedrock's models); absent: the body says it. */
  readonly named?: PathFacts;
  /** Streams go out in AWS's binary frames. */
  readonly framing?: ClientFraming;
  /** Why such a call is refused before anything of it is read. */
  readonly refused?: HeadgateError;
}

const call = (path: string, dialect: DialectName, family: Family): CallRoute => ({ path, dialect, family });

/** Model calls by path. The query is no part of it: Claude Code posts to `/v1/messages?beta=true` (clients.md 1). */
export const CALL_ROUTES: ReadonlyMap<string, CallRoute> = new Map(
  [
    call('/v1/chat/completions', 'openai-chat', 'openai'),
    call('/v1/responses', 'openai-responses', 'openai'),
    call('/v1/ui/chat', 'ai-sdk-ui', 'openai'),
    call('/v1/completions', 'openai-completions', 'openai'),
    call('/v1/responses/compact', 'openai-compact', 'openai'),
    call('/v1/embeddings', 'openai-embeddings', 'openai'),
    call('/v1/moderations', 'openai-moderations', 'openai'),
    call('/v1/images/generations', 'openai-images', 'openai'),
    call('/v1/images/edits', 'openai-image-edits', 'openai'),
    call('/v1/images/variations', 'openai-image-variations', 'openai'),
    call('/v1/audio/speech', 'openai-speech', 'openai'),
    call('/v1/audio/transcriptions', 'openai-transcriptions', 'openai'),
    call('/v1/audio/translations', 'openai-translations', 'openai'),
    call('/v1/rerank', 'rerank', 'openai'),
    call('/v2/rerank', 'cohere-rerank', 'openai'),
    call('/v2/embed', 'cohere-embed', 'openai'),
    call('/v1/contextualizedembeddings', 'voyage-contextual', 'openai'),
    call('/v1/messages', 'anthropic-messages', 'anthropic'),
    call('/v1/messages/count_tokens', 'anthropic-count', 'anthropic'),
  ].map((route) => [route.path, route]),
);

/** Methods of Google's API that are served, each with the dialect of its body. */
const METHODS: Readonly<Record<string, DialectName>> = {
  generateContent: 'google-generate',
  streamGenerateContent: 'google-generate',
  countTokens: 'google-count',
  embedContent: 'google-embed',
  batchEmbedContents: 'google-batch-embed',
};
/** Paths of Google's API as pages name them. */
export const GOOGLE_ROUTES: readonly { readonly path: string; readonly dialect: DialectName }[] = Object.entries(
  METHODS,
).map(([method, dialect]) => ({ path: `/v1beta/models/{model}:${method}`, dialect }));

// `v1beta1/…/publishers/google/models/x` is how clients of Vertex AI name a model; the body is the same.
const GOOGLE =
  /^\/v1(?:beta1?|alpha)?\/(?:(?:projects\/[^/]+\/locations\/[^/]+\/)?publishers\/google\/)?(?:models|tunedModels)\/(.{1,384}):(\w{1,32})$/;

/** Google's own paths, which name model and method. Null: the path is none of them. */
export function googlePath(path: string, query: string): CallRoute | null {
  if (!path.startsWith('/v1')) return null;
  const match = GOOGLE.exec(path);
  const method = match?.[2] ?? '';
  const model = match && Object.hasOwn(METHODS, method) ? decoded(match[1]!) : null;
  if (model === null) return null;
  const named = { model, stream: method === 'streamGenerateContent' };
  const refused = refusedQuery(named.stream, query);
  return { path, dialect: METHODS[method]!, family: 'google', named, ...(refused && { refused }) };
}

/** A key in the query stands in access logs; a stream without `alt=sse` is one JSON array, whose end nobody can tell. */
export function refusedQuery(stream: boolean, query: string): HeadgateError | null {
  const fields = query === '' ? null : new URLSearchParams(query);
  if (fields?.has('key')) {
    const message = 'A key in the query stands in access logs: send it in the header `x-goog-api-key`.';
    return new HeadgateError('invalid_api_key', { message });
  }
  if (!stream || fields?.get('alt') === 'sse' || fields?.get('$alt') === 'sse') return null;
  const message = 'A stream is served as server-sent events alone: add `?alt=sse`, as the SDKs of Google do.';
  return new HeadgateError('invalid_request', { field: 'alt', message });
}

/** What Azure serves below a deployment. */
const OF_DEPLOYMENT = [
  ...['chat/completions', 'completions', 'embeddings', 'images/generations', 'images/edits'],
  ...['audio/speech', 'audio/transcriptions', 'audio/translations'],
] as const;

const DEPLOYMENT = new RegExp(`^/openai/deployments/([^/]{1,384})/(${OF_DEPLOYMENT.join('|')})$`);

/**
 * Azure's own paths, so that its SDKs need another address and nothing else: `/openai/v1/…` is `/v1/…`, and the older
 * dated API names the model in the path. Null: the path is none of Azure's.
 */
export function azurePath(path: string): { readonly path: string; readonly route: CallRoute | undefined } | null {
  if (!path.startsWith('/openai/')) return null;
  if (path.startsWith('/openai/v1/')) return { path: path.slice('/openai'.length), route: undefined };
  const match = DEPLOYMENT.exec(path);
  if (!match) return null;
  const model = decoded(match[1]!);
  const route = CALL_ROUTES.get(`/v1/${match[2]!}`)!;
  return model === null ? null : { path, route: { ...route, path, named: { model, stream: false } } };
}

const BEDROCK = /^\/model\/([^/]{1,2048})\/(converse|converse-stream|invoke|invoke-with-response-stream)$/;
/** The envelope of Claude's bodies in InvokeModel; the gate puts its own around them where the provider is Bedrock. */
const INVOKE_ENVELOPE = {
  leaveOut: ['anthropic_version'],
  lift: { member: 'anthropic_beta', header: 'anthropic-beta' },
} as const;

/** Paths of Bedrock's runtime, so that AWS's SDKs need another address and a key of ours. Null: none of them. */
export function bedrockPath(path: string): CallRoute | null {
  if (!path.startsWith('/model/')) return null;
  const match = BEDROCK.exec(path);
  const model = match && decoded(match[1]!);
  if (!model) return null;
  const method = match[2]!;
  const stream = method.endsWith('stream');
  if (method.startsWith('converse'))
    return {
      ...{ path, dialect: 'bedrock-converse', family: 'bedrock', named: { model, stream } },
      ...(stream && { framing: 'events' }),
    };
  return {
    ...{ path, dialect: 'anthropic-messages', family: 'bedrock', named: { model, stream, ...INVOKE_ENVELOPE } },
    ...(stream && { framing: 'chunks' }),
  };
}

export function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

/** `api-version` means something to Azure alone, and a provider of that kind sends its own. */
export const withoutApiVersion = (query: string): string =>
  query
    .split('&')
    .filter((pair) => !/^api-version(=|$)/i.test(pair))
    .join('&');

/** What a 404 lists. */
export const ENDPOINTS: readonly string[] = [
  ...[...CALL_ROUTES.keys()].map((path) => `POST ${path}`),
  ...OF_DEPLOYMENT.map((path) => `POST /openai/deployments/{model}/${path}`),
  ...['converse', 'converse-stream', 'invoke', 'invoke-with-response-stream'].map(
    (method) => `POST /model/{model}/${method}`,
  ),
  ...GOOGLE_ROUTES.map(({ path }) => `POST ${path}`),
  ...STORED_ENDPOINTS,
  'GET /v1/models',
  'GET /v1/models/{id}',
  'GET /v1beta/models',
  'GET /v1beta/models/{id}',
  'GET /v1/streams/{call id}',
  'POST /v1/streams/{call id}/cancel',
  'GET /v1/ui/chat/{chat id}/stream',
  'POST /v1/ui/chat/{chat id}/cancel',
  'GET /v1/headgate/me',
];

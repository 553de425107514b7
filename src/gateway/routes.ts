import type { DialectName } from '#wire/canonical.ts';

/** The error form that a path's clients understand. */
export type Family = 'openai' | 'anthropic';

/** A path that carries model calls. */
export interface CallRoute {
  readonly path: string;
  readonly dialect: DialectName;
  readonly family: Family;
  /** The path names the model (Azure's deployments); absent: the body does. */
  readonly model?: string;
}

const call = (path: string, dialect: DialectName, family: Family): CallRoute => ({ path, dialect, family });

/** Model calls by path. The query is no part of it: Claude Code posts to `/v1/messages?beta=true` (clients.md 1). */
export const CALL_ROUTES: ReadonlyMap<string, CallRoute> = new Map(
  [
    call('/v1/chat/completions', 'openai-chat', 'openai'),
    call('/v1/responses', 'openai-responses', 'openai'),
    call('/v1/completions', 'openai-completions', 'openai'),
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
  return model === null ? null : { path, route: { ...route, path, model } };
}

function decoded(text: string): string | null {
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
  'GET /v1/models',
  'GET /v1/models/{id}',
  'GET /v1/headgate/me',
];

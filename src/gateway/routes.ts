import type { DialectName } from '#wire/canonical.ts';

/** The error form that a path's clients understand. */
export type Family = 'openai' | 'anthropic';

/** A path that carries model calls. */
export interface CallRoute {
  readonly path: string;
  readonly dialect: DialectName;
  readonly family: Family;
}

const call = (path: string, dialect: DialectName, family: Family): CallRoute => ({ path, dialect, family });

/** Model calls by path. The query is no part of it: Claude Code posts to `/v1/messages?beta=true` (clients.md 1). */
export const CALL_ROUTES: ReadonlyMap<string, CallRoute> = new Map(
  [
    call('/v1/chat/completions', 'openai-chat', 'openai'),
    call('/v1/responses', 'openai-responses', 'openai'),
    call('/v1/embeddings', 'openai-embeddings', 'openai'),
    call('/v1/messages', 'anthropic-messages', 'anthropic'),
    call('/v1/messages/count_tokens', 'anthropic-count', 'anthropic'),
  ].map((route) => [route.path, route]),
);

/** What a 404 lists. */
export const ENDPOINTS: readonly string[] = [
  ...[...CALL_ROUTES.keys()].map((path) => `POST ${path}`),
  'GET /v1/models',
  'GET /v1/models/{id}',
  'GET /v1/headgate/me',
];

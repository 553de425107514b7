import type { Family } from '../routes.ts';

/** The families whose API keeps things that callers ask for by id. */
export type StoredFamily = Extract<Family, 'openai' | 'anthropic'>;

/** What is kept at a provider, in the words of `KeptId.kind`. */
export type StoredKind = 'response' | 'file' | 'batch';

export type StoredAction = 'create' | 'list' | 'get' | 'delete' | 'cancel' | 'content' | 'input_items';

/** One operation on something that a provider keeps. */
export interface StoredRoute {
  readonly kind: StoredKind;
  readonly action: StoredAction;
  readonly family: StoredFamily;
  /** Of the thing; '' where none is named yet. */
  readonly id: string;
}

/** A path of stored things that takes other methods than the one that came. */
export interface WrongMethod {
  readonly allow: readonly string[];
}

type Pattern = readonly [method: string, path: RegExp, kind: StoredKind, action: StoredAction, shown: string];

const ID = '(?<id>[A-Za-z0-9_.-]{1,256})';
const at = (path: string): RegExp => new RegExp(`^/v1${path.replace('{id}', ID)}$`);
const pattern = (method: string, path: string, kind: StoredKind, action: StoredAction): Pattern => [
  method,
  at(path),
  kind,
  action,
  `${method} /v1${path}`,
];

const PATTERNS: readonly Pattern[] = [
  pattern('GET', '/responses/{id}', 'response', 'get'),
  pattern('DELETE', '/responses/{id}', 'response', 'delete'),
  pattern('POST', '/responses/{id}/cancel', 'response', 'cancel'),
  pattern('GET', '/responses/{id}/input_items', 'response', 'input_items'),
  pattern('POST', '/files', 'file', 'create'),
  pattern('GET', '/files', 'file', 'list'),
  pattern('GET', '/files/{id}', 'file', 'get'),
  pattern('DELETE', '/files/{id}', 'file', 'delete'),
  pattern('GET', '/files/{id}/content', 'file', 'content'),
  pattern('POST', '/batches', 'batch', 'create'),
  pattern('GET', '/batches', 'batch', 'list'),
  pattern('GET', '/batches/{id}', 'batch', 'get'),
  pattern('POST', '/batches/{id}/cancel', 'batch', 'cancel'),
  pattern('POST', '/messages/batches', 'batch', 'create'),
  pattern('GET', '/messages/batches', 'batch', 'list'),
  pattern('GET', '/messages/batches/{id}', 'batch', 'get'),
  pattern('DELETE', '/messages/batches/{id}', 'batch', 'delete'),
  pattern('POST', '/messages/batches/{id}/cancel', 'batch', 'cancel'),
  pattern('GET', '/messages/batches/{id}/results', 'batch', 'content'),
];

/** What a 404 lists. */
export const STORED_ENDPOINTS: readonly string[] = PATTERNS.map(([, , , , shown]) => shown);

/** Paths of stored things begin so: everything else need not be matched. */
const BEGIN = /^\/v1\/(responses\/|files|batches|messages\/batches)/;

/**
 * Finds the operation of a path; null: it is none of these. `/v1/files` is in both families: the one of Anthropic sends
 * `anthropic-version`.
 */
export function storedRoute(method: string, path: string, anthropic: boolean): StoredRoute | WrongMethod | null {
  if (!BEGIN.test(path)) return null;
  const allow: string[] = [];
  for (const [wanted, expression, kind, action] of PATTERNS) {
    const match = expression.exec(path);
    if (!match) continue;
    if (wanted !== method) {
      allow.push(wanted);
      continue;
    }
    const family = path.startsWith('/v1/messages/') || (kind === 'file' && anthropic) ? 'anthropic' : 'openai';
    return { kind, action, family, id: match.groups?.['id'] ?? '' };
  }
  return allow.length > 0 ? { allow } : null;
}

/** Questions to the gate. The session is a cookie that this code cannot read; a change carries its CSRF token. */

import { whoOf, type SessionView, type Who } from './who.ts';

/** What went wrong, in words that a page can show and a state that the frame acts on. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  /** `gone`: nothing answers. `login`: no session. `away`: the gate answers, its store does not. */
  readonly kind: 'gone' | 'login' | 'away' | 'refused';
  readonly code: string;
  readonly retryAfterMs: number | null;

  constructor(details: { kind: Refusal['kind']; code: string; message: string; retryAfterMs?: number | null }) {
    super(details.message);
    this.kind = details.kind;
    this.code = details.code;
    this.retryAfterMs = details.retryAfterMs ?? null;
  }
}

export type Query = Readonly<Record<string, string | number | undefined>>;

/** Nobody waits longer for a figure. */
const TIMEOUT_MS = 30_000;
let csrf = '';

/** Whose session is alive already; null: nobody's. */
export async function resume(): Promise<Who | null> {
  try {
    return taken(await ask('GET', '/session'));
  } catch (error) {
    if (error instanceof Refusal && error.kind === 'login') return null;
    throw error;
  }
}

/** Opens a session; the token is sent once and kept nowhere. */
export const logIn = async (token: string): Promise<Who> => taken(await ask('POST', '/session', { body: { token } }));

function taken(answer: unknown): Who {
  const session = answer as SessionView;
  csrf = session.csrf;
  return whoOf(session);
}

export const logOut = async (): Promise<void> => void (await ask('DELETE', '/session'));

export const read = (path: string, query?: Query): Promise<unknown> => ask('GET', path, { ...(query && { query }) });

export const change = (method: 'POST' | 'PATCH' | 'DELETE', path: string, body?: object): Promise<unknown> =>
  ask(method, path, { ...(body && { body }) });

interface Asking {
  readonly query?: Query;
  readonly body?: object;
}

async function ask(method: string, path: string, { query, body }: Asking = {}): Promise<unknown> {
  const response = await send(`/admin${path}${queryText(query)}`, {
    method,
    headers: {
      ...(body && { 'content-type': 'application/json' }),
      ...(method !== 'GET' && csrf !== '' && { 'x-headgate-csrf': csrf }),
    },
    ...(body && { body: JSON.stringify(body) }),
    credentials: 'same-origin',
    redirect: 'error',
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  const answer = await jsonOf(response);
  if (response.ok) return answer;
  throw refusalOf(response, answer);
}

async function send(path: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(path, init);
  } catch (error) {
    const slow = (error as Error).name === 'TimeoutError';
    const message = slow ? `No answer within ${TIMEOUT_MS / 1000} s.` : 'The gate does not answer.';
    throw new Refusal({ kind: 'gone', code: 'gate_unreachable', message });
  }
}

async function jsonOf(response: Response): Promise<unknown> {
  try {
    return (await response.json()) as unknown;
  } catch {
    // Not the admin API: the status says what there is to say.
    return null;
  }
}

function refusalOf(response: Response, answer: unknown): Refusal {
  const { message, code } = (answer as { error?: { message?: string; code?: string } } | null)?.error ?? {};
  const kind = response.status === 401 ? 'login' : code === 'store_unavailable' ? 'away' : 'refused';
  const retryAfter = Number(response.headers.get('retry-after') ?? NaN);
  return new Refusal({
    kind: response.status === 502 || response.status === 504 ? 'gone' : kind,
    code: code ?? `http_${response.status}`,
    message: message ?? `The gate answered with status ${response.status}.`,
    retryAfterMs: Number.isFinite(retryAfter) ? retryAfter * 1000 : null,
  });
}

export function queryText(query: Query = {}): string {
  const pairs = Object.entries(query).filter(([, value]) => value !== undefined && value !== '');
  const text = new URLSearchParams(pairs.map(([name, value]) => [name, String(value)])).toString();
  return text === '' ? '' : `?${text}`;
}

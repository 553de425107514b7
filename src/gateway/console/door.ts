import type { IncomingMessage, ServerResponse } from 'node:http';
import { iso } from '#kernel/clock.ts';
import { HeadgateError } from '#kernel/errors.ts';
import { FIRST_NAMES, type Access } from '#capabilities/tenants/routes.ts';
import { readBody } from '../body.ts';
import type { Holder, Holders } from '../holders.ts';
import { asHeadgateError, refuse } from '../refuse.ts';
import { SAFE_HEADERS, sendAsset, sendText, type Asset } from './assets.ts';
import { LoginThrottle } from './login-throttle.ts';
import { wrongHost, wrongOrigin, wrongSite, type Asked } from './origin.ts';
import { sameText, type Session, type Sessions } from './sessions.ts';

export interface ConsoleParts {
  readonly assets: ReadonlyMap<string, Asset>;
  readonly sessions: Sessions;
  /** Names that the operator serves the console by, beside addresses and `localhost`. */
  readonly hosts: () => readonly string[];
  readonly holders: Holders;
  /** Operations of the admin API that an access opens: the page shows what they answer, and no button beyond them. */
  readonly opens: (access: Access) => readonly string[];
  readonly now: () => number;
}

/** Who was let in to the admin API, by a token or by a session of the console. */
export interface Entered {
  /** Whom the audit names. */
  readonly actor: string;
  readonly access: Access;
  /** False as soon as the token or the session is over. */
  readonly isAlive: () => boolean;
}

/** The console's part of the port: its files, its login, and whether a request of the admin API is its own. */
export interface ConsoleDoor {
  /** True where the path was the console's. */
  serve(request: IncomingMessage, response: ServerResponse, path: string): boolean;
  /** Whose living session stands behind this request; null: none. Throws a 403 where one does and something is wrong. */
  admits(request: IncomingMessage): Entered | null;
}

const COOKIE = 'headgate_session';
/** Below `/admin` alone: model calls never carry it. */
const COOKIE_PATH = '/admin';
const PAGE = '/console/';
const SESSION_PATH = '/admin/session';
const LOGIN_LIMITS = { bodyBytes: 4_096, bodyTimeout: 5_000 };
const READS: ReadonlySet<string> = new Set(['GET', 'HEAD']);
const UNBUILT =
  'The console is not built. In a checkout `npm start` builds it, and so does `node scripts/console.ts`;\nthen restart the gate.\n';

export function createConsoleDoor(parts: ConsoleParts): ConsoleDoor {
  const login = new LoginThrottle();
  return {
    serve: (request, response, path) => {
      if (path === '/' && wantsPage(request)) return redirect(response);
      if (path === '/console') return redirect(response);
      if (path.startsWith(PAGE)) return servePage(parts, request, response, path.slice(PAGE.length));
      if (path !== SESSION_PATH) return false;
      void serveSession({ ...parts, login }, request, response);
      return true;
    },
    admits: (request) => admits(parts, request),
  };
}

/** A person's browser at the root is sent to the console; SDKs and probes get what they got before. */
const wantsPage = ({ method, headers }: IncomingMessage): boolean =>
  method === 'GET' && /\btext\/html\b/.test(headers.accept ?? '');

function redirect(response: ServerResponse): true {
  response.writeHead(302, { location: PAGE, 'content-length': 0 }).end();
  return true;
}

/** Pages have paths of their own; all of them are the one document. */
function servePage(
  { assets, hosts }: ConsoleParts,
  request: IncomingMessage,
  response: ServerResponse,
  name: string,
): true {
  const wrong = wrongHost(request.headers.host, hosts());
  const page = assets.get('index.html');
  const asset = assets.get(name);
  if (wrong !== null) sendText(response, 403, `${wrong}\n`);
  else if (!READS.has(request.method ?? '')) sendText(response, 405, 'The console is read.\n');
  else if (!page) sendText(response, 503, UNBUILT);
  else if (asset) sendAsset(response, name, asset);
  else if (/\.[a-z0-9]+$/.test(name) && !name.includes('/')) sendText(response, 404, 'No such file.\n');
  else sendAsset(response, 'index.html', page);
  return true;
}

interface LoginParts extends ConsoleParts {
  readonly login: LoginThrottle;
}

async function serveSession(parts: LoginParts, request: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    const wrong = wrongHost(request.headers.host, parts.hosts());
    if (wrong !== null) throw new HeadgateError('forbidden', { message: wrong });
    if (request.method === 'POST') return await logIn(parts, request, response);
    if (request.method === 'DELETE') return logOut(parts, request, response);
    if (request.method !== 'GET')
      throw new HeadgateError('method_not_allowed', { facts: { allow: 'GET, POST, DELETE' } });
    const session = sessionOf(parts, request);
    if (!session) throw new HeadgateError('admin_unauthorized', { message: 'Log in to the console.' });
    send(response, 200, view(parts, session));
  } catch (thrown) {
    for (const [name, value] of Object.entries(SAFE_HEADERS)) response.setHeader(name, value);
    refuse(response, 'openai', asHeadgateError(thrown), null);
  }
}

async function logIn(parts: LoginParts, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const wrong = wrongOrigin(askedOf(request), parts.hosts());
  if (wrong !== null) throw new HeadgateError('forbidden', { message: wrong });
  const address = request.socket.remoteAddress ?? '';
  // Read first: from here to the answer nothing waits, so that tries sent at once are counted one by one.
  const token = tokenOf(await readBody(request, LOGIN_LIMITS));
  const waitMs = parts.login.waitMs(address, parts.now());
  if (waitMs > 0) {
    const message = `Too many wrong tokens: wait ${Math.ceil(waitMs / 1000)} s.`;
    throw new HeadgateError('rate_limited', { message, retryAfterMs: waitMs });
  }
  const holder = parts.holders.ofToken(token);
  if (!holder) {
    parts.login.failed(address, parts.now());
    throw new HeadgateError('admin_unauthorized', { message: 'This is not an admin token that is alive.' });
  }
  // A tenant's own token forgives no guesses at another: whoever holds one could guess without end between two logins.
  if (holder.access.scope !== 'tenant') parts.login.succeeded(address);
  for (const before of cookiesOf(request)) parts.sessions.close(before);
  const { id, ...session } = parts.sessions.open(holder);
  const secure = String(request.headers.origin ?? '').startsWith('https:');
  const maxAgeS = Math.ceil((session.expiresAt - parts.now()) / 1000);
  send(response, 200, view(parts, session), cookie(id, { maxAgeS, secure }));
}

function logOut(parts: ConsoleParts, request: IncomingMessage, response: ServerResponse): void {
  const id = cookieOf(request);
  if (id !== null && admits(parts, request)) parts.sessions.close(id);
  send(response, 200, { closed: true }, cookie('', { maxAgeS: 0, secure: false }));
}

function tokenOf(bytes: Buffer): string {
  try {
    const { token } = JSON.parse(bytes.toString('utf8')) as { token?: unknown };
    if (typeof token === 'string') return token.trim();
  } catch {
    // Said below: no form of it opens anything.
  }
  throw new HeadgateError('invalid_request', { field: 'token', message: 'Send {"token": "…"}.' });
}

/** What the page may know of itself: whose it is, until when, and which operations it may ask for. */
const view = ({ opens }: ConsoleParts, { csrf, expiresAt, holder }: Session) => ({
  ...{ csrf, expiresAt: iso(expiresAt), token: tokenView(holder), opens: opens(holder.access) },
});

const tokenView = ({ id, name, access, expiresAt }: Holder) => ({
  ...{ id, name, scope: access.scope, tenant: access.tenant },
  expiresAt: expiresAt === null ? null : iso(expiresAt),
});

function cookie(id: string, { maxAgeS, secure }: { readonly maxAgeS: number; readonly secure: boolean }): string {
  const parts = [`${COOKIE}=${id}`, `Path=${COOKIE_PATH}`, 'HttpOnly', 'SameSite=Strict', `Max-Age=${maxAgeS}`];
  return [...parts, ...(secure ? ['Secure'] : [])].join('; ');
}

function send(response: ServerResponse, status: number, body: object, setCookie?: string): void {
  const bytes = Buffer.from(JSON.stringify(body));
  response.writeHead(status, {
    ...SAFE_HEADERS,
    'content-type': 'application/json',
    'content-length': bytes.length,
    'cache-control': 'no-store',
    ...(setCookie !== undefined && { 'set-cookie': setCookie }),
  });
  response.end(bytes);
}

const askedOf = ({ headers }: IncomingMessage): Asked => ({
  host: headers.host,
  origin: headers.origin,
  fetchSite: headers['sec-fetch-site'] as string | undefined,
});

const COOKIES = new RegExp(`(?<=^|;\\s*)${COOKIE}=([A-Za-z0-9_-]{43})(?=;|$)`, 'g');

const cookiesOf = ({ headers }: IncomingMessage): string[] =>
  [...(headers.cookie ?? '').matchAll(COOKIES)].map((found) => found[1]!);

/** Of two, one was put there by somebody else: neither is believed. */
function cookieOf(request: IncomingMessage): string | null {
  const [first, second] = new Set(cookiesOf(request));
  return second === undefined ? (first ?? null) : null;
}

function sessionOf({ sessions }: ConsoleParts, request: IncomingMessage): Session | null {
  const id = cookieOf(request);
  return id === null ? null : sessions.find(id);
}

function admits(parts: ConsoleParts, request: IncomingMessage): Entered | null {
  const id = cookieOf(request);
  const session = id === null ? null : parts.sessions.find(id);
  if (!session) return null;
  const asked = askedOf(request);
  const names = parts.hosts();
  const changes = !READS.has(request.method ?? '');
  const wrong = wrongHost(asked.host, names) ?? (changes ? wrongOrigin(asked, names) : wrongSite(asked));
  if (wrong !== null) throw new HeadgateError('forbidden', { message: wrong });
  if (changes && !sameText(String(request.headers['x-headgate-csrf'] ?? ''), session.csrf))
    throw new HeadgateError('forbidden', {
      message: 'The x-headgate-csrf header is not this session’s: reload the page.',
    });
  const { name, access, id: token } = session.holder;
  const actor = token === null ? FIRST_NAMES.console : name;
  return { actor, access, isAlive: () => parts.sessions.find(id!) !== null };
}

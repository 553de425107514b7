import type { IncomingMessage, ServerResponse } from 'node:http';
import { HeadgateError } from '#kernel/errors.ts';
import { readBody } from '../body.ts';
import { asHeadgateError, refuse } from '../refuse.ts';
import { SAFE_HEADERS, sendAsset, sendText, type Asset } from './assets.ts';
import { LoginThrottle } from './login-throttle.ts';
import { wrongHost, wrongOrigin, wrongSite, type Asked } from './origin.ts';
import { sameText, SESSION_MS, type Session, type Sessions } from './sessions.ts';

export interface ConsoleParts {
  readonly assets: ReadonlyMap<string, Asset>;
  readonly sessions: Sessions;
  /** Names that the operator serves the console by, beside addresses and `localhost`. */
  readonly hosts: () => readonly string[];
  readonly isToken: (token: string) => boolean;
  readonly now: () => number;
}

/** The console's part of the port: its files, its login, and whether a request of the admin API is its own. */
export interface ConsoleDoor {
  /** True where the path was the console's. */
  serve(request: IncomingMessage, response: ServerResponse, path: string): boolean;
  /** Does a living session stand behind this request? Throws a 403 where it does and something else is wrong. */
  admits(request: IncomingMessage): boolean;
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
    send(response, 200, view(session));
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
  if (!parts.isToken(token)) {
    parts.login.failed(address, parts.now());
    throw new HeadgateError('admin_unauthorized', { message: 'This is not the admin token.' });
  }
  parts.login.succeeded(address);
  const { id, ...session } = parts.sessions.open();
  const secure = String(request.headers.origin ?? '').startsWith('https:');
  send(response, 200, view(session), cookie(id, { maxAgeS: SESSION_MS / 1000, secure }));
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

const view = ({ csrf, expiresAt }: Session) => ({ csrf, expiresAt: new Date(expiresAt).toISOString() });

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

function cookieOf({ headers }: IncomingMessage): string | null {
  const found = new RegExp(`(?:^|;\\s*)${COOKIE}=([A-Za-z0-9_-]{43})(?:;|$)`).exec(headers.cookie ?? '');
  return found?.[1] ?? null;
}

function sessionOf({ sessions }: ConsoleParts, request: IncomingMessage): Session | null {
  const id = cookieOf(request);
  return id === null ? null : sessions.find(id);
}

function admits(parts: ConsoleParts, request: IncomingMessage): boolean {
  const session = sessionOf(parts, request);
  if (!session) return false;
  const asked = askedOf(request);
  const names = parts.hosts();
  const changes = !READS.has(request.method ?? '');
  const wrong = wrongHost(asked.host, names) ?? (changes ? wrongOrigin(asked, names) : wrongSite(asked));
  if (wrong !== null) throw new HeadgateError('forbidden', { message: wrong });
  if (changes && !sameText(String(request.headers['x-headgate-csrf'] ?? ''), session.csrf))
    throw new HeadgateError('forbidden', {
      message: 'The x-headgate-csrf header is not this session’s: reload the page.',
    });
  return true;
}

import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { HeadgateError } from '#kernel/errors.ts';
import type { EchoDoor } from '#capabilities/streams/routes.ts';
import { OPERATOR, type Access } from '#capabilities/tenants/routes.ts';
import { serveAdmin, type AdminParts } from './admin.ts';
import type { ConsoleDoor } from './console/door.ts';
import { metricsText } from './metrics.ts';
import { asHeadgateError, refuse } from './refuse.ts';
import type { SideDoor } from './server.ts';

export interface SideDoorParts extends AdminParts {
  readonly isToken: (token: string) => boolean;
  /** Why the node takes no calls now; null: it does. */
  readonly notReady: () => string | null;
  /** Null: the console is turned off. */
  readonly console: ConsoleDoor | null;
  readonly echo: EchoDoor;
}

/** `/health`, `/metrics`, `/admin` and `/console`. The admin token never works on `/v1`, nor a key here. */
export function createSideDoor(parts: SideDoorParts): SideDoor {
  return (request, response, path) => {
    if (path === '/health/live') return text(response, 200, 'live\n');
    if (path === '/health/ready') {
      const why = parts.notReady();
      return why === null ? text(response, 200, 'ready\n') : text(response, 503, `${why}\n`);
    }
    if (parts.console?.serve(request, response, path)) return true;
    if (parts.echo.serve(request, response, path)) return true;
    const admin = path === '/admin' || path.startsWith('/admin/');
    if (!admin && path !== '/metrics') return false;
    try {
      const who = holderOf(admin ? parts : { ...parts, console: null }, request);
      if (admin) void serveAdmin(parts, { request, response, path, ...who });
      else if (who.access.scope === 'tenant')
        throw new HeadgateError('forbidden', { message: 'Metrics are of all tenants.' });
      else text(response, 200, metricsText(parts.gate), 'text/plain; version=0.0.4');
    } catch (thrown) {
      refuse(response, 'openai', asHeadgateError(thrown), null);
    }
    return true;
  };
}

function text(response: ServerResponse, status: number, body: string, type = 'text/plain'): true {
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body) });
  response.end(body);
  return true;
}

interface Holder {
  /** Whom the audit names. */
  readonly actor: string;
  readonly access: Access;
}

/** The holder of a token, or somebody at the console. A token that is over reads like one that never was. */
function holderOf({ isToken, console, gate }: SideDoorParts, request: IncomingMessage): Holder {
  const given = /^bearer +(.+)$/i.exec(request.headers.authorization ?? '')?.[1];
  if (given === undefined && console?.admits(request)) return { actor: 'console', access: OPERATOR };
  if (given !== undefined && isToken(given.trim())) return { actor: 'admin', access: OPERATOR };
  const named = given === undefined ? null : gate.tenants.adminToken(given.trim());
  if (named) return { actor: named.name, access: named };
  throw new HeadgateError('admin_unauthorized');
}

const digest = (token: string): Buffer => createHash('sha256').update(token).digest();

/** Digests of equal length compare in constant time, whatever was sent. */
export function tokenCheck(adminToken: string): (given: string) => boolean {
  const wanted = digest(adminToken);
  return (given) => timingSafeEqual(digest(given), wanted);
}

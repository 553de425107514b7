import type { IncomingMessage, ServerResponse } from 'node:http';
import { HeadgateError } from '#kernel/errors.ts';
import type { EchoDoor } from '#capabilities/streams/routes.ts';
import { serveAdmin, type AdminParts } from './admin.ts';
import type { ConsoleDoor, Entered } from './console/door.ts';
import type { Holders } from './holders.ts';
import { metricsText } from './metrics.ts';
import { asHeadgateError, refuse } from './refuse.ts';
import type { SideDoor } from './server.ts';

export interface SideDoorParts extends AdminParts {
  readonly holders: Holders;
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
      const who = whoAsks(admin ? parts : { ...parts, console: null }, request);
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

/** The holder of a token, or somebody at the console. A token that is over reads like one that never was. */
function whoAsks({ holders, console }: SideDoorParts, request: IncomingMessage): Entered {
  const given = /^bearer +(.+)$/i.exec(request.headers.authorization ?? '')?.[1];
  const entered = given === undefined ? console?.admits(request) : byToken(holders, given.trim());
  if (entered) return entered;
  throw new HeadgateError('admin_unauthorized');
}

function byToken(holders: Holders, token: string): Entered | null {
  const holder = holders.ofToken(token);
  if (holder === null) return null;
  const { ref, name, access } = holder;
  return { actor: name, access, isAlive: () => holders.ofRef(ref) !== null };
}

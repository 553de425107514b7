import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { HeadgateError } from '#kernel/errors.ts';
import { serveAdmin, type AdminParts } from './admin.ts';
import { metricsText } from './metrics.ts';
import { asHeadgateError, refuse } from './refuse.ts';
import type { SideDoor } from './server.ts';

export interface SideDoorParts extends AdminParts {
  readonly adminToken: string;
  /** Why the node takes no calls now; null: it does. */
  readonly notReady: () => string | null;
}

/** `/health`, `/metrics` and `/admin`. The admin token never works on `/v1`, nor a key here. */
export function createSideDoor(parts: SideDoorParts): SideDoor {
  const wanted = digest(parts.adminToken);
  return (request, response, path) => {
    if (path === '/health/live') return text(response, 200, 'live\n');
    if (path === '/health/ready') {
      const why = parts.notReady();
      return why === null ? text(response, 200, 'ready\n') : text(response, 503, `${why}\n`);
    }
    const admin = path === '/admin' || path.startsWith('/admin/');
    if (!admin && path !== '/metrics') return false;
    try {
      if (!isAdmin(request, wanted)) throw new HeadgateError('admin_unauthorized');
      if (!admin) return text(response, 200, metricsText(parts.gate), 'text/plain; version=0.0.4');
      void serveAdmin(parts, request, response, path);
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

const digest = (token: string): Buffer => createHash('sha256').update(token).digest();

/** Digests of equal length compare in constant time, whatever was sent. */
function isAdmin(request: IncomingMessage, wanted: Buffer): boolean {
  const given = /^bearer +(.+)$/i.exec(request.headers.authorization ?? '')?.[1];
  return given !== undefined && timingSafeEqual(digest(given.trim()), wanted);
}

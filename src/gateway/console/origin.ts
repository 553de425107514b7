/** Is a request of a browser one of our own page's? Pure: from its headers to a reason against it, or null. */
import { isIP } from 'node:net';

export interface Asked {
  /** What the browser believes it talks to. */
  readonly host: string | undefined;
  readonly origin: string | undefined;
  /** `sec-fetch-site`: set by the browser, out of a page's reach. */
  readonly fetchSite: string | undefined;
}

/**
 * DNS rebinding needs a name that its owner can point at us: addresses and `localhost` are safe, other names are
 * those that the operator lists (`console.hosts`).
 */
export function wrongHost(host: string | undefined, names: readonly string[]): string | null {
  const name = nameOf(host);
  if (name === null) return 'The request has no valid Host header.';
  if (name === 'localhost' || isIP(name) !== 0 || names.includes(name)) return null;
  return `The host \`${name.slice(0, 128)}\` is not one of this console: add it to \`console.hosts\` in headgate.yaml.`;
}

/** A change, a login included, must come from the page itself. */
export function wrongOrigin({ host, origin, fetchSite }: Asked, names: readonly string[]): string | null {
  if (origin === undefined) return fetchSite === 'same-origin' ? null : 'The request names no origin.';
  const from = hostOf(origin);
  if (from !== null && (from === host || names.includes(nameOf(from) ?? ''))) return null;
  return `A page of another origin (${origin.slice(0, 128)}) sent this request.`;
}

/** A read with a session must not be of another site's page; tools that are no browsers send no such header. */
export const wrongSite = ({ fetchSite }: Asked): string | null =>
  fetchSite === undefined || fetchSite === 'same-origin' ? null : `A page of another site (${fetchSite}) sent this.`;

function hostOf(origin: string): string | null {
  try {
    const { host, protocol } = new URL(origin);
    return protocol === 'http:' || protocol === 'https:' ? host : null;
  } catch {
    return null;
  }
}

/** The name without its port; brackets of IPv6 taken off. Null: it is no host. */
function nameOf(host: string | undefined): string | null {
  const found = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::\d{1,5})?$/i.exec(host ?? '');
  return found ? (found[1] ?? found[2]!).toLowerCase() : null;
}

import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import { ECHO_PATH, TICKET_HEADER } from '../echo/core/params.ts';

/** A way to the gate that is measured: where it begins, and what opens the echo at its end. */
export interface Way {
  readonly base: URL;
  readonly ticket: string;
  /** The user's own, for a way that asks for a login before the gate. */
  readonly headers: Readonly<Record<string, string>>;
  /** Default: what Node trusts. */
  readonly trust?: Trust;
}

/** PEM of the only certificates that are trusted, or any certificate at all. */
export type Trust = { readonly ca: string } | { readonly anyCertificate: true };

/** For a connection by TLS to the first hop. */
export const trustOf = ({ trust = {} }: { readonly trust?: Trust | object }): ConnectionOptions =>
  'ca' in trust ? { ca: trust.ca as string } : 'anyCertificate' in trust ? { rejectUnauthorized: false } : {};

/** Where the first hop listens. An address is no server name (RFC 6066, 3). */
export function addressOf({ base }: Way): {
  readonly host: string;
  readonly port: number;
  readonly servername: string;
} {
  const host = base.hostname.replace(/^\[|\]$/g, '');
  const port = Number(base.port || (base.protocol === 'https:' ? 443 : 80));
  return { host, port, servername: isIP(host) === 0 ? host : '' };
}

export type Query = Readonly<Record<string, string | number | true | null>>;

/** The echo below whatever path the gate has on this way; a base URL of an SDK ends in `/v1`. */
export function urlOf({ base }: Way, path: string, query: Query = {}): URL {
  const url = new URL(base);
  url.pathname = url.pathname.replace(/\/+$/, '').replace(/\/v1$/, '') + `${ECHO_PATH}/${path}`;
  return queried(url, query);
}

export function queried(url: URL, query: Query): URL {
  url.search = '';
  for (const [name, value] of Object.entries(query))
    if (value !== null) url.searchParams.set(name, value === true ? '' : String(value));
  return url;
}

export const headersOf = ({ ticket, headers }: Way): Record<string, string> => ({
  ...headers,
  [TICKET_HEADER]: ticket,
});

export const oneHeader = (headers: IncomingHttpHeaders, name: string): string | null => {
  const value = headers[name];
  return value === undefined ? null : String(value).slice(0, 256);
};

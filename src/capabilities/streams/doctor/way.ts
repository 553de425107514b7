import type { IncomingHttpHeaders } from 'node:http';
import { ECHO_PATH, TICKET_HEADER } from '../echo/core/params.ts';

/** A way to the gate that is measured: where it begins, and what opens the echo at its end. */
export interface Way {
  readonly base: URL;
  readonly ticket: string;
  /** The user's own, for a way that asks for a login before the gate. */
  readonly headers: Readonly<Record<string, string>>;
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

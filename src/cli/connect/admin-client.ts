import { CliFailure, failureOf } from '../failure.ts';
import type { GateAddress } from './address.ts';

/** Nobody waits longer for a table. */
const TIMEOUT_MS = 60_000;

/** The admin API of a running gate. */
export interface AdminClient {
  readonly url: string;
  /** Throws a {@link CliFailure}; {@link Unreachable} where nothing listens. */
  ask(method: string, path: string, options?: AskOptions): Promise<unknown>;
  /** An answer that comes bit by bit, for as long as it takes; throws where it is cut short. */
  stream(path: string, query: AskOptions['query']): AsyncIterable<string>;
}

export interface AskOptions {
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  readonly body?: unknown;
}

/** Nothing listens at the address. */
export class Unreachable extends CliFailure {
  constructor(url: string, why: string) {
    super({
      code: 'gate_unreachable',
      message: `No gate answers at ${url} (${why}).`,
      hint: 'start one with `headgate up`, or set HEADGATE_URL to the one that runs',
    });
  }
}

export function adminClient({ url, token }: GateAddress): AdminClient {
  return {
    url,
    async ask(method, path, { query = {}, body } = {}) {
      const response = await send(`${url}/admin${path}${queryText(query)}`, url, {
        method,
        headers: {
          ...(token !== null && { authorization: `Bearer ${token}` }),
          ...(body !== undefined && { 'content-type': 'application/json' }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
        // The token must not follow to where somebody points.
        redirect: 'error',
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      return read(response);
    },
    async *stream(path, query = {}) {
      const headers: Record<string, string> = token === null ? {} : { authorization: `Bearer ${token}` };
      const response = await send(`${url}/admin${path}${queryText(query)}`, url, { headers, redirect: 'error' });
      if (!response.ok || !response.body) throw failureOf(response.status, await response.json().catch(() => null));
      try {
        yield* response.body.pipeThrough(new TextDecoderStream());
      } catch (error) {
        throw new CliFailure({
          code: 'answer_cut',
          message: `The gate broke off its answer (${(error as Error).message}).`,
          hint: 'look at the log of the gate, then ask again: what has come is not whole',
        });
      }
    },
  };
}

async function send(address: string, url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(address, init);
  } catch (error) {
    const { message, cause } = error as Error & { cause?: { code?: string } };
    throw new Unreachable(url, cause?.code ?? message);
  }
}

async function read(response: Response): Promise<unknown> {
  const text = await response.text();
  let body: unknown = null;
  try {
    body = text === '' ? null : JSON.parse(text);
  } catch {
    // Not the admin API: the status says what there is to say.
  }
  if (!response.ok) throw failureOf(response.status, body);
  return body;
}

function queryText(query: Readonly<Record<string, string | number | undefined>>): string {
  const pairs = Object.entries(query).filter(([, value]) => value !== undefined);
  return pairs.length === 0 ? '' : `?${new URLSearchParams(pairs.map(([name, value]) => [name, String(value)]))}`;
}

import type { AccountState } from './account.ts';
import { createHash } from 'node:crypto';
import { closeSync, openSync, writeSync } from 'node:fs';
import type { IncomingHttpHeaders } from 'node:http';
import type { TokenUse } from './answer.ts';

/** One request as the outside judge saw it. Filled in while it is answered; `endedAfterMs` null means that it still runs. */
export interface LogEntry {
  /** From 1, in order of arrival, over all paths but `/__lab`. */
  readonly n: number;
  readonly atMs: number;
  readonly method: string;
  /** With its query. */
  readonly path: string;
  /** Headers that tests judge: request and call ids, idempotency, betas, content negotiation. Never a credential. */
  readonly headers: Readonly<Record<string, string>>;
  /** First 16 hex digits of the credential's SHA-256; null where none came. */
  readonly credential: string | null;
  readonly credentialHeader: string | null;
  bodyBytes: number;
  bodySha256: string | null;
  endpoint: string | null;
  model: string | null;
  stream: boolean;
  mode: string | null;
  /** Of a script: `<part>#<turn>`. */
  turn: string | null;
  faults: string[];
  /** What is left of the account's limits after it; absent: the account has none. */
  account?: AccountState;
  /** The beginning of the answer, as it was asked to go on with it; null: it was not. */
  continues: string | null;
  inputTokens: number | null;
  cachedTokens: number | null;
  outputTokensPlanned: number | null;
  /** Generated tokens whose events were handed to the socket; in a unary answer all of them or none. */
  outputTokensSent: number;
  eventsSent: number;
  bytesSent: number;
  /** The final usage, if the bytes that carry it were sent; as sent, so a `wrong-usage` fault shows here. */
  usageSent: TokenUse | null;
  status: number | null;
  /** Sent to its proper end: the terminal event, or the last byte of the body. */
  complete: boolean;
  /** The client left before that. */
  aborted: boolean;
  firstByteAfterMs: number | null;
  endedAfterMs: number | null;
}

const KEPT_HEADERS =
  /^(x-request-id|x-client-request-id|idempotency-key|x-headgate-.*|x-stainless-.*|x-goog-api-client|anthropic-.*|openai-.*|user-agent|content-type|content-encoding|accept|accept-encoding|host|traceparent|x-lab-.*|x-claude-code-.*|session_id|via|forwarded|x-forwarded-.*|cookie)$/;

/** The provider's own log: in memory, and as JSON lines of a file, a `seen` line at arrival and a `done` line at the end. */
export class Journal {
  readonly entries: LogEntry[] = [];
  readonly #file: number | null;
  readonly #startMs = performance.now();
  readonly #maxEntries: number;
  #seen = 0;

  constructor(path: string | null, maxEntries: number) {
    this.#file = path === null ? null : openSync(path, 'a');
    this.#maxEntries = maxEntries;
  }

  get seen(): number {
    return this.#seen;
  }

  sinceStartMs(): number {
    return performance.now() - this.#startMs;
  }

  open(method: string, path: string, headers: IncomingHttpHeaders): LogEntry {
    const entry: LogEntry = {
      ...blankEntry(++this.#seen, method, path),
      ...credentialOf(headers),
      headers: kept(headers),
    };
    this.entries.push(entry);
    if (this.entries.length > this.#maxEntries) this.entries.shift();
    return entry;
  }

  body(entry: LogEntry, body: Uint8Array): void {
    entry.bodyBytes = body.length;
    entry.bodySha256 = createHash('sha256').update(body).digest('hex');
    this.#write('seen', entry);
  }

  close(entry: LogEntry): void {
    this.#write('done', entry);
  }

  end(): void {
    if (this.#file !== null) closeSync(this.#file);
  }

  // Written at once, so that nothing is lost whichever process is killed next.
  #write(event: 'seen' | 'done', entry: LogEntry): void {
    if (this.#file !== null) writeSync(this.#file, `${JSON.stringify({ event, ...entry })}\n`);
  }
}

const blankEntry = (
  n: number,
  method: string,
  path: string,
): Omit<LogEntry, 'headers' | 'credential' | 'credentialHeader'> => ({
  n,
  atMs: Date.now(),
  method,
  path,
  bodyBytes: 0,
  bodySha256: null,
  endpoint: null,
  model: null,
  stream: false,
  mode: null,
  turn: null,
  faults: [],
  continues: null,
  inputTokens: null,
  cachedTokens: null,
  outputTokensPlanned: null,
  outputTokensSent: 0,
  eventsSent: 0,
  bytesSent: 0,
  usageSent: null,
  status: null,
  complete: false,
  aborted: false,
  firstByteAfterMs: null,
  endedAfterMs: null,
});

function kept(headers: IncomingHttpHeaders): Record<string, string> {
  const entries = Object.entries(headers).filter(([name]) => KEPT_HEADERS.test(name));
  return Object.fromEntries(entries.map(([name, value]) => [name, String(value)]));
}

/** The credential that a request carries, wherever the API's clients put it. */
export function credential(headers: IncomingHttpHeaders): { header: string; value: string } | null {
  const bearer = /^Bearer\s+(.+)$/i.exec(headers.authorization ?? '')?.[1];
  if (bearer) return { header: 'authorization', value: bearer };
  for (const header of ['x-api-key', 'api-key', 'x-goog-api-key']) {
    const value = headers[header];
    if (typeof value === 'string' && value !== '') return { header, value };
  }
  return null;
}

function credentialOf(headers: IncomingHttpHeaders): { credential: string | null; credentialHeader: string | null } {
  const found = credential(headers);
  if (!found) return { credential: null, credentialHeader: null };
  return { credential: fingerprint(found.value), credentialHeader: found.header };
}

/** How the log names a credential. */
export const fingerprint = (secret: string): string => createHash('sha256').update(secret).digest('hex').slice(0, 16);

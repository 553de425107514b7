import { connect, type Socket } from 'node:net';

/** What a client that writes its own bytes gets back. */
export interface RawAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** Everything that came, for tests of the bytes themselves. */
  readonly raw: Buffer;
  /** How it ended: whole by its own framing, closed before that, or neither within the patience. */
  readonly end: 'whole' | 'closed' | 'silence';
  readonly ms: number;
}

/** Bytes to write, or milliseconds to wait before the next. */
export type RawPart = string | Uint8Array | number;

export interface RawOptions {
  readonly patienceMs?: number;
  /** Half-closes after the last part. */
  readonly halfClose?: boolean;
}

const PATIENCE_MS = 10_000;

/** Writes the parts to a fresh connection and reads one answer. Never rejects: a broken connection is an answer. */
export async function rawExchange(
  url: string,
  parts: readonly RawPart[],
  options: RawOptions = {},
): Promise<RawAnswer> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.setNoDelay(true);
  const answer = readAnswer(socket, options.patienceMs ?? PATIENCE_MS);
  for (const part of parts) {
    if (socket.destroyed) break;
    if (typeof part === 'number') await new Promise((resolve) => setTimeout(resolve, part));
    else socket.write(part);
  }
  if (options.halfClose) socket.end();
  return answer;
}

function readAnswer(socket: Socket, patienceMs: number): Promise<RawAnswer> {
  const startMs = performance.now();
  const chunks: Buffer[] = [];
  return new Promise((resolve) => {
    const finish = (end: RawAnswer['end']): void => {
      clearTimeout(timer);
      socket.removeAllListeners();
      socket.on('error', () => {});
      socket.destroy();
      const raw = Buffer.concat(chunks);
      resolve({ ...parse(raw), raw, end, ms: performance.now() - startMs });
    };
    const timer = setTimeout(() => finish('silence'), patienceMs);
    socket.on('error', () => {});
    socket.on('close', () => finish(isWhole(Buffer.concat(chunks)) ? 'whole' : 'closed'));
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      if (isWhole(Buffer.concat(chunks))) finish('whole');
    });
  });
}

const headEnd = (raw: Buffer): number => raw.indexOf('\r\n\r\n');

function headersIn(raw: Buffer): Record<string, string> {
  const lines = raw.toString('latin1', 0, headEnd(raw)).split('\r\n').slice(1);
  return Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
  );
}

/** Skips interim answers (`100 Continue`): the final one counts. */
function finalPart(raw: Buffer): Buffer {
  const interim = /^HTTP\/1\.1 1\d\d /.test(raw.toString('latin1', 0, 16)) && headEnd(raw) >= 0;
  return interim ? finalPart(raw.subarray(headEnd(raw) + 4)) : raw;
}

function isWhole(all: Buffer): boolean {
  const raw = finalPart(all);
  const at = headEnd(raw);
  if (at < 0) return false;
  const headers = headersIn(raw);
  const body = raw.subarray(at + 4);
  if (headers['transfer-encoding'] === 'chunked') return body.subarray(-5).toString('latin1') === '0\r\n\r\n';
  return 'content-length' in headers ? body.length >= Number(headers['content-length']) : false;
}

function parse(all: Buffer): Pick<RawAnswer, 'status' | 'headers' | 'body'> {
  const raw = finalPart(all);
  const at = headEnd(raw);
  if (at < 0) return { status: 0, headers: {}, body: Buffer.alloc(0) };
  const headers = headersIn(raw);
  const body = raw.subarray(at + 4);
  const status = Number(raw.toString('latin1', 9, 12));
  return { status, headers, body: headers['transfer-encoding'] === 'chunked' ? unchunked(body) : body };
}

function unchunked(body: Buffer): Buffer {
  const out: Buffer[] = [];
  for (let i = 0; i < body.length;) {
    const line = body.indexOf('\r\n', i);
    const size = line < 0 ? NaN : Number.parseInt(body.toString('latin1', i, line), 16);
    if (!(size > 0)) break;
    out.push(body.subarray(line + 2, line + 2 + size));
    i = line + 2 + size + 2;
  }
  return Buffer.concat(out);
}

export interface PostOptions {
  readonly path?: string;
  readonly method?: string;
  readonly key?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A request as bytes, with its length declared. */
export function requestBytes(body: string | Uint8Array, options: PostOptions = {}): Buffer {
  const bytes = Buffer.from(body as string);
  const head = headBytes({ ...options, headers: { 'content-length': String(bytes.length), ...options.headers } });
  return Buffer.concat([head, bytes]);
}

export function headBytes({ path, method, key, headers = {} }: PostOptions): Buffer {
  const all = {
    host: 'gate',
    'content-type': 'application/json',
    ...(key && { authorization: `Bearer ${key}` }),
    ...headers,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.from(
    `${method ?? 'POST'} ${path ?? '/v1/chat/completions'} HTTP/1.1\r\n${lines.join('')}\r\n`,
    'latin1',
  );
}

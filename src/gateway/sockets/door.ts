import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { HeadgateError } from '#kernel/errors.ts';
import { errorHeaders, openaiErrorBody } from '#kernel/error-render.ts';
import type { Caller } from '#capabilities/tenants/index.ts';
import type { Gate } from '../gate.ts';
import { asHeadgateError } from '../refuse.ts';
import { lastWords } from '../last-words.ts';
import { callerOf } from '../streams/own-stream.ts';
import { redeemTicket } from '../streams/tickets.ts';
import type { Conversation } from './accept.ts';
import { CLOSE, type Line } from './line.ts';
import { limitsOf } from './limits.ts';
import type { SocketCaller } from './stream-socket.ts';

interface Open {
  readonly line: Line;
  readonly conversation: Conversation;
}

/** Pings are spread over an interval: ten thousand in one turn would hold the loop for a tenth of a second. */
const SLOTS = 16;
/** Headers of an upgrade that are the socket's, and no call's. */
const OF_THE_SOCKET = /^(connection|upgrade|host|origin|cookie|sec-websocket-.*|content-.*|transfer-encoding|expect)$/;

/** WebSockets of calls: who may open one, how many there are, and their end when the gate stops. */
export class SocketDoor {
  readonly #gate: Gate;
  readonly #slots: readonly Set<Open>[] = Array.from({ length: SLOTS }, () => new Set<Open>());
  readonly #byKey = new Map<string, number>();
  #count = 0;
  #opened = 0;
  #slot = 0;
  #beating: NodeJS.Timeout | null = null;

  constructor(gate: Gate) {
    this.#gate = gate;
  }

  get size(): number {
    return this.#count;
  }

  /** True where the upgrade was this door's. What it refuses is an answer of HTTP, with its status. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): boolean {
    const path = (request.url ?? '').split('?', 1)[0]!;
    const { responsesWebSocket } = this.#gate.config.file.stream;
    if (path !== '/v1/stream' && !(responsesWebSocket && path === '/v1/responses')) return false;
    socket.on('error', () => socket.destroy());
    this.#admit(request, socket, head, path).catch((thrown: unknown) => refuse(socket, asHeadgateError(thrown)));
    return true;
  }

  /** Every socket is told, and closed when its streams have ended; what is left after `limitMs` is cut. */
  drain(limitMs: number): void {
    for (const { line, conversation } of this.#all())
      conversation.drain(() => line.close(CLOSE.restart, 'the gate stops'));
    setTimeout(() => {
      for (const { line } of this.#all()) line.terminate();
    }, limitMs).unref();
  }

  async #admit(request: IncomingMessage, socket: Duplex, head: Buffer, path: string): Promise<void> {
    const gate = this.#gate;
    if (gate.draining) throw new HeadgateError('draining', { retryAfterMs: 1_000 });
    if (request.headers.upgrade?.toLowerCase() !== 'websocket') throw new HeadgateError('upgrade_required');
    originAllowed(gate, request.headers.origin);
    const { caller, only } = await entrant(gate, request, path);
    // Its client left while the ticket was asked for.
    if (socket.destroyed) return;
    const leave = this.#enter(caller.key.id);
    socket.once('close', leave);
    const limits = () => limitsOf(gate);
    const headers = carried(request.headers);
    // Loaded with the first socket: a gate without one pays nothing for WebSockets.
    const [{ accept }, { StreamSocket }] = await Promise.all([import('./accept.ts'), import('./stream-socket.ts')]);
    const { ResponsesSocket } = await import('./responses-socket.ts');
    if (socket.destroyed) return;
    accept({
      ...{ request, socket, head, limits },
      begin: (line) =>
        path === '/v1/stream'
          ? new StreamSocket(gate, line, { headers, only })
          : new ResponsesSocket(gate, line, headers),
      opened: (line, conversation) => this.#keep(socket, { line, conversation }),
    });
  }

  #enter(key: string): () => void {
    const { sockets, socketsPerKey } = limitsOf(this.#gate);
    const own = this.#byKey.get(key) ?? 0;
    if (own >= socketsPerKey)
      throw new HeadgateError('rate_limited', {
        message: `This key has ${own} sockets open, the most that it may have.`,
      });
    if (this.#count >= sockets) throw new HeadgateError('overloaded', { retryAfterMs: 1_000 });
    this.#byKey.set(key, own + 1);
    this.#count++;
    return () => {
      this.#count--;
      const left = this.#byKey.get(key)! - 1;
      if (left > 0) this.#byKey.set(key, left);
      else this.#byKey.delete(key);
    };
  }

  #keep(socket: Duplex, open: Open): void {
    const slot = this.#slots[this.#opened++ % SLOTS]!;
    slot.add(open);
    socket.once('close', () => slot.delete(open));
    this.#beat();
  }

  #beat(): void {
    if (this.#beating || this.#count === 0) return;
    const { heartbeat } = this.#gate.config.file.stream;
    this.#beating = setTimeout(() => {
      this.#beating = null;
      for (const { line } of this.#slots[this.#slot++ % SLOTS]!) line.beat(heartbeat);
      this.#beat();
    }, heartbeat / SLOTS);
    this.#beating.unref();
  }

  *#all(): Generator<Open> {
    for (const slot of this.#slots) yield* [...slot];
  }
}

/** A page of another origin could use what its browser knows of the gate: none may, unless the operator names it. */
function originAllowed(gate: Gate, origin: string | undefined): void {
  if (origin === undefined || gate.config.file.cors.origins.includes(origin)) return;
  throw new HeadgateError('forbidden', { message: 'This origin may not open a socket here.' });
}

/** Who opens a socket: by a key, or by a ticket in the query, which is for one stream alone. */
async function entrant(gate: Gate, { url = '', headers }: IncomingMessage, path: string): Promise<Entrant> {
  const cut = url.indexOf('?');
  const secret = cut < 0 || path !== '/v1/stream' ? null : new URLSearchParams(url.slice(cut + 1)).get('ticket');
  if (secret === null) return { caller: callerOf(gate, headers), only: null };
  const { caller, stream } = await redeemTicket(gate, secret);
  return { caller, only: { caller, stream } };
}

interface Entrant {
  readonly caller: Caller;
  readonly only: SocketCaller['only'];
}

const carried = (headers: IncomingHttpHeaders): IncomingHttpHeaders =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !OF_THE_SOCKET.test(name)));

function refuse(socket: Duplex, error: HeadgateError): void {
  const body = Buffer.from(JSON.stringify(openaiErrorBody(error)));
  const { status } = error.row;
  const head = Object.entries(errorHeaders(error)).map(([name, value]) => `${name}: ${value}\r\n`);
  lastWords(
    socket,
    `HTTP/1.1 ${status} Refused\r\nconnection: close\r\n${status === 426 ? 'upgrade: websocket\r\n' : ''}${head.join('')}` +
      `content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body.toString('utf8')}`,
  );
}

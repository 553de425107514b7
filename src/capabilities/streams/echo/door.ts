import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { ECHO_PATH, echoParams, GRPC_ECHO_PATH, TICKET_HEADER } from './core/params.ts';
import { serveGrpcStream } from './grpc.ts';
import { serveSse } from './sse.ts';
import type { EchoSockets } from './socket.ts';
import { Ticket, Tickets, type Pass, type Seen, type TicketTerms, type TicketView } from './tickets.ts';

export interface EchoDoorParts {
  readonly now: () => number;
  readonly mono: () => number;
  readonly randomBytes: (count: number) => Uint8Array;
}

export interface IssuedTicket extends TicketView {
  /** Shown once. */
  readonly ticket: string;
}

/** Answers as an origin that is known to the doctor. Shut until a ticket is issued; without one nothing is here. */
export class EchoDoor {
  readonly #parts: EchoDoorParts;
  readonly #tickets = new Tickets();
  /** Loaded with the first ticket: a gate without one pays nothing for WebSockets. */
  #sockets: EchoSockets | null = null;

  constructor(parts: EchoDoorParts) {
    this.#parts = parts;
  }

  /** Null: too many are open. */
  async issue(id: string, terms: TicketTerms): Promise<IssuedTicket | null> {
    const { EchoSockets } = await import('./socket.ts');
    this.#sockets ??= new EchoSockets();
    const now = this.#parts.now();
    const secret = `hge_${Buffer.from(this.#parts.randomBytes(24)).toString('base64url')}`;
    const ticket = this.#tickets.add(secret, new Ticket(id, terms, now), now);
    return ticket && { ...ticket.view(), ticket: secret };
  }

  list(): TicketView[] {
    return this.#tickets.list(this.#parts.now());
  }

  close(id: string): TicketView | null {
    return this.#tickets.close(id);
  }

  /** For a gate that drains: nobody's answer is lost with these streams. */
  shut(): void {
    this.#tickets.closeAll();
    this.#sockets?.terminate();
  }

  /** True where the request was the echo's own. */
  serve(request: IncomingMessage, response: ServerResponse, path: string): boolean {
    const asked = this.#asked(request, path);
    if (asked === null) return false;
    const { ticket, query, rest } = asked;
    request.on('error', () => response.destroy());
    if (rest === 'report') return reply(request, response, 200, noteOf(ticket, query.get('id') ?? ''));
    const pass = ticket.pass();
    if (pass === null) return reply(request, response, 429, { error: 'the ticket allows no more' });
    drainBody(request, pass);
    const params = echoParams(query);
    if ('wrong' in params) {
      pass.release();
      return reply(request, response, 400, { error: `the parameter \`${params.wrong}\` is out of bounds` });
    }
    if (rest === 'sse' || rest === 'grpc') {
      const { now, mono } = this.#parts;
      const serve = rest === 'sse' ? serveSse : serveGrpcStream;
      serve(request, response, { params, pass, seen: seenOf(request), now, mono });
      return true;
    }
    pass.release();
    // `ws` without an upgrade: what a hop that strips the header makes of it. The origin says what it saw.
    return reply(request, response, 200, { seen: seenOf(request) });
  }

  /** True where the upgrade was the echo's own. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): boolean {
    const url = request.url ?? '';
    const asked = this.#asked(request, url.split('?', 1)[0]!);
    if (asked === null || asked.rest !== 'ws') return false;
    const params = echoParams(asked.query);
    const pass = 'wrong' in params ? null : asked.ticket.pass();
    if (pass === null || 'wrong' in params) return false;
    const { now, mono } = this.#parts;
    socket.on('error', () => socket.destroy());
    this.#sockets!.accept({ request, socket, head }, { params, pass, seen: seenOf(request), now, mono });
    return true;
  }

  #asked(request: IncomingMessage, path: string): Asked | null {
    if (this.#tickets.isEmpty) return null;
    const rest = path === GRPC_ECHO_PATH ? 'grpc' : path.startsWith(`${ECHO_PATH}/`) ? path.slice(OWN_PATH) : '';
    if (!PATHS.has(rest)) return null;
    const query = new URLSearchParams((request.url ?? '').split('?', 2)[1] ?? '');
    const given = request.headers[TICKET_HEADER] ?? query.get('ticket');
    if (typeof given !== 'string') return null;
    const ticket = this.#tickets.find(given, this.#parts.now());
    return ticket && { ticket, query, rest };
  }
}

interface Asked {
  readonly ticket: Ticket;
  readonly query: URLSearchParams;
  readonly rest: string;
}

const OWN_PATH = ECHO_PATH.length + 1;
const PATHS: ReadonlySet<string> = new Set(['json', 'sse', 'ws', 'grpc', 'report']);

function reply(request: IncomingMessage, response: ServerResponse, status: number, body: object): true {
  request.resume();
  const bytes = Buffer.from(JSON.stringify(body));
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': bytes.length,
    'cache-control': 'no-store',
  });
  response.end(bytes);
  return true;
}

const noteOf = ({ notes }: Ticket, id: string): object => {
  const note = notes.get(id);
  return note ? { known: true, ...note } : { known: false };
};

/** A body is read and counted, and nothing is done with it. */
function drainBody(request: IncomingMessage, pass: Pass): void {
  request.on('data', (chunk: Buffer) => {
    if (!pass.spend(chunk.length)) request.destroy();
  });
}

function seenOf({ httpVersion, method = '', headers }: IncomingMessage): Seen {
  const one = (name: string): string | null => {
    const value = headers[name];
    return value === undefined ? null : String(value).slice(0, 256);
  };
  return {
    ...{ httpVersion, method },
    upgrade: one('upgrade'),
    acceptEncoding: one('accept-encoding'),
    via: one('via'),
  };
}

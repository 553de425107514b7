import { open } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { Stillness } from './stillness.ts';
import { tcpKey } from './tcp-key.ts';
import { TcpTable, type TableName, type WaitingRow } from './tcp-table.ts';

export interface PeerWatchParts {
  /** How long a peer may owe an answer, in milliseconds; asked at each look. */
  readonly ageMs: () => number;
  /** Is anything being sent? While nothing is, the tables are left alone. */
  readonly busy: () => boolean;
  /** A connection was let go. */
  readonly gone: (why: Gone) => void;
}

/** `silent`: the peer's kernel answers nothing. `takes_nothing`: it answers, and has no room for what waits. */
export type Gone = 'silent' | 'takes_nothing';

/** The age is looked at so many times before it is over. */
const LOOKS = 6;
/** A look more often tells nothing: the kernel itself waits 200 ms and more before it repeats. */
const LEAST_MS = 250;
/** The kernel hands out a page of the table at a time, whatever room there is: about 27 rows a turn of the loop. */
const PIECE_BYTES = 4_096;
const TABLES: readonly TableName[] = ['tcp', 'tcp6'];

/** Connections that read a stream from its log: whoever lets such a one go loses nothing. */
const readers = new Set<Socket>();

/** Until the returned function is called, this connection is let go too when its peer answers and takes nothing. */
export function readsFromLog(socket: Socket): () => void {
  readers.add(socket);
  return () => void readers.delete(socket);
}

/**
 * Lets go of connections whose peer has vanished: a client without a network acknowledges nothing and says nothing, and
 * the kernel repeats itself for a quarter of an hour before it gives up (`tcp_retries2`). What it knows meanwhile stands
 * in its table of connections, on Linux alone; elsewhere this does nothing.
 */
export class PeerWatch {
  readonly #parts: PeerWatchParts;
  readonly #sockets = new Map<string, Socket>();
  #suspects = new Map<Socket, Stillness>();
  #timer: NodeJS.Timeout | null = null;
  #wasBusy = false;
  #closed = false;

  constructor(parts: PeerWatchParts) {
    this.#parts = parts;
  }

  /** Watches a connection until it closes. */
  add(socket: Socket): void {
    const key = process.platform === 'linux' ? tcpKey(socket) : null;
    if (key === null) return;
    this.#sockets.set(key, socket);
    socket.once('close', () => {
      if (this.#sockets.get(key) === socket) this.#sockets.delete(key);
      this.#suspects.delete(socket);
    });
    this.#next();
  }

  close(): void {
    this.#closed = true;
    if (this.#timer) clearTimeout(this.#timer);
  }

  #next(): void {
    if (this.#timer || this.#closed || this.#sockets.size === 0) return;
    this.#timer = setTimeout(() => void this.#turn(), Math.max(LEAST_MS, this.#parts.ageMs() / LOOKS));
    this.#timer.unref();
  }

  async #turn(): Promise<void> {
    const busy = this.#parts.busy() || readers.size > 0;
    // Once more after the last answer: its end may be what is not acknowledged.
    if (busy || this.#wasBusy || this.#suspects.size > 0) await this.#look();
    this.#wasBusy = busy;
    this.#timer = null;
    this.#next();
  }

  /** A table that cannot be read says nothing: a container may hide it. */
  async #look(): Promise<void> {
    const before = new Map([...this.#suspects.keys()].map((socket) => [socket, handedTo(socket)]));
    const seen = new Map<Socket, Stillness>();
    for (const table of TABLES) {
      await eachRow(table, (row) => {
        const socket = this.#sockets.get(row.key);
        if (socket) seen.set(socket, this.#judged(socket, row, before.get(socket) ?? 0));
      }).catch(() => undefined);
    }
    this.#suspects = seen;
    for (const [socket, stillness] of seen) this.#letGo(socket, stillness);
  }

  #judged(socket: Socket, { unacked, unanswered }: WaitingRow, least: number): Stillness {
    const stillness = this.#suspects.get(socket) ?? new Stillness();
    stillness.look({ unacked, unanswered, handed: [least, handedTo(socket)], unsent: socket.writableLength });
    return stillness;
  }

  #letGo(socket: Socket, { still, silent }: Stillness): void {
    const why = silent >= LOOKS ? 'silent' : still >= LOOKS && readers.has(socket) ? 'takes_nothing' : null;
    if (why === null || socket.destroyed) return;
    socket.destroy();
    this.#parts.gone(why);
  }
}

const handedTo = (socket: Socket): number => socket.bytesWritten - socket.writableLength;

/** Reads in turns of the loop, none of them long: ten thousand connections are 1.5 MB of text. */
async function eachRow(table: TableName, take: (row: WaitingRow) => void): Promise<void> {
  const file = await open(`/proc/net/${table}`);
  try {
    const rows = new TcpTable(table);
    const piece = Buffer.allocUnsafe(PIECE_BYTES);
    for (;;) {
      const { bytesRead } = await file.read(piece, 0, PIECE_BYTES);
      if (bytesRead === 0) return;
      for (const row of rows.push(piece.subarray(0, bytesRead))) take(row);
    }
  } finally {
    await file.close();
  }
}

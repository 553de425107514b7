/** A connection that waits for its peer, as Linux tells it in `/proc/net/tcp` (Documentation/networking/proc_net_tcp.rst). */
export interface WaitingRow {
  /** See `tcpKey`. */
  readonly key: string;
  /** Bytes that the peer's kernel has not acknowledged, sent or not. */
  readonly unacked: number;
  /** Repetitions and probes in a row without any answer; 0: the peer answers, and takes nothing more. */
  readonly unanswered: number;
}

const [COLON, LINE_END, ZERO] = [0x3a, 0x0a, 0x30];
/** `address:port` of IPv4 and of IPv6. */
const ENDS = { tcp: 13, tcp6: 37 } as const;
export type TableName = keyof typeof ENDS;
/** Of the column `tr`: what the kernel's timer of the connection waits for. */
const [RETRANSMIT, PROBE] = ['01', '04'];

/**
 * Reads the table piece by piece, as the kernel hands it out. Most rows have nothing that waits: they cost a look at
 * eight bytes. A row that is no row of the table says nothing.
 */
export class TcpTable {
  readonly #end: number;
  #rest: Buffer = Buffer.alloc(0);

  constructor(table: TableName) {
    this.#end = ENDS[table];
  }

  push(piece: Buffer): WaitingRow[] {
    const bytes = this.#rest.length === 0 ? piece : Buffer.concat([this.#rest, piece]);
    const rows: WaitingRow[] = [];
    let from = 0;
    for (;;) {
      const to = bytes.indexOf(LINE_END, from);
      if (to < 0) break;
      const row = this.#row(bytes, from, to);
      if (row !== null) rows.push(row);
      from = to + 1;
    }
    // The piece is the caller's, who may fill it again.
    this.#rest = Buffer.from(bytes.subarray(from));
    return rows;
  }

  /** `  sl: local remote st tx_queue:rx_queue tr:when retrnsmt uid timeout …`: fixed columns from the first colon on. */
  #row(bytes: Buffer, from: number, to: number): WaitingRow | null {
    const colon = bytes.indexOf(COLON, from);
    if (colon < 0 || colon > to) return null;
    const local = colon + 2;
    const queue = local + 2 * this.#end + 5;
    if (queue + 39 > to || isZero(bytes, queue)) return null;
    const unacked = hex(bytes, queue, 8);
    if (!(unacked > 0)) return null;
    const timer = bytes.toString('latin1', queue + 18, queue + 20);
    const key = bytes.toString('latin1', local, local + 2 * this.#end + 1);
    if (timer === RETRANSMIT) return { key, unacked, unanswered: hex(bytes, queue + 30, 8) };
    if (timer !== PROBE) return { key, unacked, unanswered: 0 };
    const [, probes = '0'] = bytes
      .toString('latin1', queue + 39, to)
      .trim()
      .split(/ +/, 2);
    return { key, unacked, unanswered: Number(probes) || 0 };
  }
}

function isZero(bytes: Buffer, at: number): boolean {
  for (let i = at; i < at + 8; i++) if (bytes[i] !== ZERO) return false;
  return true;
}

const hex = (bytes: Buffer, at: number, length: number): number =>
  parseInt(bytes.toString('latin1', at, at + length), 16);

import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** Types of HTTP/2's frames that floods are made of (RFC 9113, 6). */
export const FRAME = {
  ...{ data: 0, headers: 1, priority: 2, reset: 3, settings: 4, ping: 6, goaway: 7, window: 8, continuation: 9 },
} as const;

export function frame(type: number, stream = 0, payload: Uint8Array = Buffer.alloc(0), flags = 0): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

const text = (value: string): Buffer => Buffer.concat([Buffer.from([value.length]), Buffer.from(value)]);
/** POST over http, a path, an authority and who asks: each field as HPACK's table has it, or as a literal. */
export const requestHeaders = (path: string, key?: string): Buffer =>
  Buffer.concat([
    ...[Buffer.from([0x83, 0x86, 0x04]), text(path), Buffer.from([0x01]), text('gate')],
    ...(key === undefined ? [] : [Buffer.from([0x00]), text('authorization'), text(`Bearer ${key}`)]),
  ]);

/** A client of HTTP/2 that writes its own frames, and reads whatever comes. */
export class FrameClient {
  readonly socket: Socket;
  readonly #closed: Promise<unknown>;
  #rest = Buffer.alloc(0);
  /** Of the first GOAWAY that came; null: none did. */
  goaway: number | null = null;
  /** Frames that came, by type. */
  readonly got = new Map<number, number>();

  constructor(url: string) {
    const { hostname, port } = new URL(url);
    this.socket = connect({ host: hostname, port: Number(port), noDelay: true });
    this.socket.on('error', () => undefined);
    this.#closed = new Promise((resolve) => this.socket.once('close', resolve));
    this.socket.on('data', (bytes: Buffer) => this.#read(bytes));
    this.socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
    this.socket.write(frame(FRAME.settings));
  }

  #read(bytes: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, bytes]);
    while (this.#rest.length >= 9) {
      const length = this.#rest.readUIntBE(0, 3);
      if (this.#rest.length < 9 + length) return;
      const type = this.#rest[3]!;
      this.got.set(type, (this.got.get(type) ?? 0) + 1);
      if (type === FRAME.goaway) this.goaway ??= this.#rest.readUInt32BE(9 + 4);
      this.#rest = this.#rest.subarray(9 + length);
    }
  }

  /** Writes pieces one after the other, so many a second, until the connection is closed or the time is over. */
  async flood(piece: (n: number) => Buffer, { perSecond, ms }: { perSecond: number; ms: number }): Promise<number> {
    const startedAt = performance.now();
    let sent = 0;
    while (!this.socket.destroyed && performance.now() - startedAt < ms) {
      const due = ((performance.now() - startedAt) / 1_000) * perSecond;
      const batch: Buffer[] = [];
      while (sent < due && batch.length < 400) batch.push(piece(sent++));
      if (batch.length > 0 && !this.socket.write(Buffer.concat(batch)))
        await Promise.race([once(this.socket, 'drain').catch(() => null), this.#closed, sleep(1_000)]);
      await sleep(2);
    }
    return sent;
  }

  close(): void {
    this.socket.destroy();
  }
}

/** CPU that a process has used, in milliseconds. */
export function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

/** One direction of a proxied connection: a reader with a bounded buffer, and a writer that applies the faults. */
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DirectionFaults, Rng } from './plan.ts';

export interface DirectionOptions {
  readonly source: Socket;
  readonly sink: Socket;
  readonly faults: DirectionFaults;
  readonly rng: Rng;
  /** Aborted when the connection is gone. */
  readonly signal: AbortSignal;
  /** Called with each piece that was passed on. */
  readonly onForward: (bytes: number) => void;
  /** Resets both sides. */
  readonly cut: () => void;
}

interface Arrival {
  readonly chunk: Buffer;
  readonly dueAtMs: number;
}

/** How much may wait in a delayed or throttled direction before the sender is held back: like a router's queue. */
const MAX_WAITING_BYTES = 1024 * 1024;
/** A slow reader takes this many sips a second. */
const SIPS_PER_SECOND = 20;
/** A throttled link passes this many pieces a second, so that a low rate is smooth. */
const PIECES_PER_SECOND = 50;
/** A reset discards what the kernel has not delivered: loopback needs about a millisecond for the last bytes. */
const CUT_SETTLE_MS = 10;

/** What has arrived and not been passed on. */
class Waiting {
  readonly #arrivals: Arrival[] = [];
  bytes = 0;
  ended = false;
  #wake: (() => void) | null = null;

  push(chunk: Buffer, dueAtMs: number): void {
    this.#arrivals.push({ chunk, dueAtMs });
    this.bytes += chunk.length;
    this.wake();
  }

  shift(): Arrival | undefined {
    const arrival = this.#arrivals.shift();
    this.bytes -= arrival?.chunk.length ?? 0;
    return arrival;
  }

  wake(): void {
    this.#wake?.();
    this.#wake = null;
  }

  changed(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}

const latency = ({ delayMs = 0, jitterMs = 0 }: DirectionFaults, rng: Rng): number => delayMs + jitterMs * rng();

/** Reads in sips: the socket stays paused between them, so that the kernel's window closes on the sender. */
async function sip(options: DirectionOptions, waiting: Waiting, bytesPerSecond: number): Promise<void> {
  const size = Math.max(1, Math.floor(bytesPerSecond / SIPS_PER_SECOND));
  const pauseMs = (size / bytesPerSecond) * 1000;
  const { source, signal } = options;
  while (!signal.aborted && !waiting.ended) {
    await sleep(pauseMs, undefined, { signal });
    const chunk = (source.read(size) ?? source.read()) as Buffer | null;
    if (chunk !== null) waiting.push(chunk, Date.now() + latency(options.faults, options.rng));
  }
}

function readInto(options: DirectionOptions, waiting: Waiting): void {
  const { source, faults, rng, signal } = options;
  source.once('end', () => {
    waiting.ended = true;
    waiting.wake();
  });
  signal.addEventListener('abort', () => waiting.wake(), { once: true });
  if (faults.slowReadBytesPerSecond !== undefined) {
    // A readable listener keeps the stream from flowing; reads happen in `sip` alone.
    source.on('readable', () => undefined);
    sip(options, waiting, faults.slowReadBytesPerSecond).catch(() => undefined);
    return;
  }
  source.on('data', (chunk: Buffer) => {
    waiting.push(chunk, Date.now() + latency(faults, rng));
    if (waiting.bytes > MAX_WAITING_BYTES) source.pause();
  });
}

/** Next chunk in order, once it is due; null at the sender's end or when the connection is gone. */
async function nextChunk({ source, signal }: DirectionOptions, waiting: Waiting): Promise<Buffer | null> {
  for (;;) {
    if (signal.aborted) return null;
    const arrival = waiting.shift();
    if (arrival !== undefined) {
      if (waiting.bytes <= MAX_WAITING_BYTES && source.isPaused()) source.resume();
      const left = arrival.dueAtMs - Date.now();
      if (left > 0) await sleep(left, undefined, { signal });
      return arrival.chunk;
    }
    if (waiting.ended) return null;
    await waiting.changed();
  }
}

/** Resolves when the kernel has taken the bytes: that is the backpressure of the receiver. */
function write(options: DirectionOptions, piece: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    options.sink.write(piece, (error) => {
      if (error) return reject(error);
      options.onForward(piece.length);
      resolve();
    });
  });
}

async function forward(options: DirectionOptions, chunk: Buffer): Promise<void> {
  const { bytesPerSecond, chunkBytes } = options.faults;
  const paced =
    bytesPerSecond === undefined ? chunk.length : Math.max(1, Math.floor(bytesPerSecond / PIECES_PER_SECOND));
  const size = Math.min(paced, chunkBytes ?? chunk.length);
  for (let at = 0; at < chunk.length; at += size) {
    const piece = chunk.subarray(at, at + size);
    await write(options, piece);
    const pauseMs = bytesPerSecond === undefined ? 0 : (piece.length / bytesPerSecond) * 1000;
    // Torn pieces must leave as packets of their own, so each waits for the event loop.
    if (pauseMs > 0 || chunkBytes !== undefined) await sleep(pauseMs, undefined, { signal: options.signal });
  }
}

type Ending = 'cut' | 'halfClose' | 'blackHole';

/** The first fault that ends this direction, and after how many bytes. */
function endingOf(faults: DirectionFaults): { readonly kind: Ending; readonly afterBytes: number } | null {
  const endings = [
    { kind: 'cut' as const, afterBytes: faults.cutAfterBytes ?? Infinity },
    { kind: 'halfClose' as const, afterBytes: faults.halfCloseAfterBytes ?? Infinity },
    { kind: 'blackHole' as const, afterBytes: faults.blackHoleAfterBytes ?? Infinity },
  ].sort((a, b) => a.afterBytes - b.afterBytes);
  const first = endings[0];
  return first === undefined || first.afterBytes === Infinity ? null : first;
}

async function end(options: DirectionOptions, waiting: Waiting, kind: Ending): Promise<void> {
  if (kind === 'cut') {
    await sleep(CUT_SETTLE_MS, undefined, { signal: options.signal });
    return options.cut();
  }
  if (kind === 'halfClose') options.sink.end();
  // Both go on reading: the sender must not notice anything but silence.
  while ((await nextChunk(options, waiting)) !== null);
}

/** Collects until `holdBytes` have come or the sender has ended. */
async function held(options: DirectionOptions, waiting: Waiting, holdBytes: number): Promise<Buffer | null> {
  const chunks: Buffer[] = [];
  for (let bytes = 0; bytes < holdBytes;) {
    const chunk = await nextChunk(options, waiting);
    if (chunk === null) break;
    chunks.push(chunk);
    bytes += chunk.length;
  }
  return chunks.length === 0 ? null : Buffer.concat(chunks);
}

/** Runs until the direction has ended, by itself or by its fault. Rejects when the connection breaks. */
export async function runDirection(options: DirectionOptions): Promise<void> {
  const { faults, sink } = options;
  const waiting = new Waiting();
  readInto(options, waiting);
  const ending = endingOf(faults);
  let left = ending?.afterBytes ?? Infinity;
  if (ending !== null && left === 0) return end(options, waiting, ending.kind);
  let hold = faults.holdBytes;
  for (;;) {
    const chunk = await (hold === undefined ? nextChunk(options, waiting) : held(options, waiting, hold));
    hold = undefined;
    if (chunk === null) break;
    await forward(options, chunk.subarray(0, left));
    left -= chunk.length;
    if (ending !== null && left <= 0) return end(options, waiting, ending.kind);
  }
  if (!sink.destroyed) sink.end();
}

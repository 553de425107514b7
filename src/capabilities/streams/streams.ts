import type { CallId } from '#kernel/brand.ts';
import { HeadgateError } from '#kernel/errors.ts';
import { err, ok, type Result } from '#kernel/result.ts';
import { timeOrderedId } from '#kernel/ids.ts';
import type { Clock } from '#kernel/clock.ts';
import type { Rng } from '#kernel/rng.ts';
import { LiveStream, type StreamHooks, type StreamOwner } from './live-stream.ts';

export interface StreamBounds {
  /** A finished log is kept for so long, in milliseconds. */
  readonly keepMs: number;
  readonly graceMs: number;
  /** Bytes of log: of one stream, of one tenant, of this process. */
  readonly streamBytes: number;
  readonly tenantBytes: number;
  readonly totalBytes: number;
  /** Streams that nobody reads, of one key. */
  readonly orphansOfKey: number;
}

interface Kept {
  readonly stream: LiveStream;
  endedAt: number | null;
}

/** How often finished logs that are due are let go. */
const SWEEP_MS = 5_000;

/**
 * Streams of this process that can be read again. The logs die with the process: a resume after that finds the
 * entry in the ledger alone.
 */
export class Streams {
  readonly #kept = new Map<CallId, Kept>();
  /** Finished ones, oldest first. */
  readonly #finished = new Set<Kept>();
  readonly #bounds: () => StreamBounds;
  readonly #clock: Clock;
  readonly #epoch: string;
  readonly #sweep: NodeJS.Timeout;
  /** Finished logs that were let go before their time, for want of room. */
  dropped = 0;

  constructor(parts: { readonly bounds: () => StreamBounds; readonly clock: Clock; readonly rng: Rng }) {
    this.#bounds = parts.bounds;
    this.#clock = parts.clock;
    this.#epoch = timeOrderedId('', parts.clock.now(), parts.rng).slice(4, 14).toLowerCase();
    this.#sweep = setInterval(() => this.#letGo(), SWEEP_MS);
    this.#sweep.unref();
  }

  get size(): number {
    return this.#kept.size;
  }
  get live(): number {
    return this.#kept.size - this.#finished.size;
  }
  bytes(): number {
    let sum = 0;
    for (const { stream } of this.#kept.values()) sum += stream.bytes;
    return sum;
  }

  open(id: CallId, owner: StreamOwner, hooks: StreamHooks): LiveStream {
    const stream = new LiveStream({
      ...{ id, owner, hooks, epoch: this.#epoch },
      // Nobody may leave more streams running than the bound: a further one ends with its reader.
      graceMs: () => (this.orphansOf(owner) > this.#bounds().orphansOfKey ? 0 : this.#bounds().graceMs),
      maxBytes: this.#bounds().streamBytes,
      onEnd: (ended) => this.#ended(ended),
    });
    this.#kept.set(id, { stream, endedAt: null });
    return stream;
  }

  /** A stream of this key. Another's reads like none: a 404 that says nothing more. Null: this process has no such log. */
  find(id: string, owner: StreamOwner): LiveStream | null {
    const stream = this.#kept.get(id as CallId)?.stream;
    return stream && stream.owner.tenant === owner.tenant && stream.owner.key === owner.key ? stream : null;
  }

  /** A call that ended before it had a stream to read. */
  forget(id: CallId): void {
    const kept = this.#kept.get(id);
    if (!kept) return;
    this.#kept.delete(id);
    this.#finished.delete(kept);
  }

  /** How many streams of a key nobody reads. */
  orphansOf({ key }: StreamOwner): number {
    let count = 0;
    for (const { stream } of this.#kept.values())
      if (stream.owner.key === key && stream.readers === 0 && stream.ended === null) count++;
    return count;
  }

  close(): void {
    clearInterval(this.#sweep);
  }

  #ended(stream: LiveStream): void {
    const kept = this.#kept.get(stream.id);
    if (!kept) return;
    kept.endedAt = this.#clock.mono();
    this.#finished.add(kept);
    this.#makeRoom();
  }

  #letGo(): void {
    const due = this.#clock.mono() - this.#bounds().keepMs;
    for (const kept of this.#finished) {
      if (kept.endedAt! > due) break;
      this.forget(kept.stream.id);
    }
    this.#makeRoom();
  }

  /** Finished logs go first, the oldest before the others; a live one never (DESIGN, streams). */
  #makeRoom(): void {
    const { tenantBytes, totalBytes } = this.#bounds();
    const byTenant = new Map<string, number>();
    let total = 0;
    for (const { stream } of this.#kept.values()) {
      total += stream.bytes;
      byTenant.set(stream.owner.tenant, (byTenant.get(stream.owner.tenant) ?? 0) + stream.bytes);
    }
    for (const { stream } of this.#finished) {
      const { tenant } = stream.owner;
      if (total <= totalBytes && byTenant.get(tenant)! <= tenantBytes) continue;
      total -= stream.bytes;
      byTenant.set(tenant, byTenant.get(tenant)! - stream.bytes);
      this.forget(stream.id);
      this.dropped++;
    }
  }
}

/** `epoch.seq` of the last event that a reader has. */
export interface Position {
  readonly epoch: string;
  readonly seq: number;
}

const POSITION = /^([0-9a-z]{10})\.(\d{1,12})$/;

export function positionOf(text: string): Position | null {
  const [, epoch, seq] = POSITION.exec(text) ?? [];
  return epoch === undefined ? null : { epoch, seq: Number(seq) };
}

export const positionText = (epoch: string, seq: number): string => `${epoch}.${seq}`;

/** Where a resume begins: behind what the reader has, or at the start. */
export function startOf(stream: LiveStream, after: Position | null): Result<number, HeadgateError> {
  if (after === null) return ok(0);
  if (after.epoch !== stream.epoch)
    return err(new HeadgateError('stream_gone', { message: 'The position is one of another log of this stream.' }));
  if (after.seq >= stream.events)
    return err(
      new HeadgateError('invalid_request', {
        field: 'last-event-id',
        message: `The stream has ${stream.events} events; there is none at position ${after.seq} yet.`,
      }),
    );
  return ok(after.seq + 1);
}

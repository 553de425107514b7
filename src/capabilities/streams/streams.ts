import { randomBytes } from 'node:crypto';
import type { CallId, KeyId, TenantId } from '#kernel/brand.ts';
import { HeadgateError } from '#kernel/errors.ts';
import { err, ok, type Result } from '#kernel/result.ts';
import { timeOrderedId } from '#kernel/ids.ts';
import { tenantKey, type TenantKey } from '#kernel/whose.ts';
import type { Clock } from '#kernel/clock.ts';
import type { Rng } from '#kernel/rng.ts';
import type { StreamOrder } from '#ports/stream-log.ts';
import type { StreamNames } from '#ports/stream-names.ts';
import { LiveStream, type StreamOpening, type StreamOwner, type StreamWatcher } from './live-stream.ts';
import { Chats } from './shared/chats.ts';
import { SharedTickets } from './shared/shared-tickets.ts';
import { SharedStreams, type SharedStreamsParts, type Stand, type Standing } from './shared/shared-streams.ts';
import { StreamTickets } from './stream-tickets.ts';

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
  /** Produced elsewhere: ends the reading from there. */
  stop?: (() => void) | undefined;
}

const ticketSecret = (): string => `hgt_${randomBytes(24).toString('base64url')}`;

/** How often finished logs that are due are let go. */
const SWEEP_MS = 5_000;

/**
 * Streams of this process that can be read again. Without a shared log they die with the process: a resume after that
 * finds the entry in the ledger alone. Sums are kept as things change: nothing on the way of a call walks the streams.
 */
export class Streams {
  readonly #kept = new Map<CallId, Kept>();
  readonly #chats: Chats;
  /** Finished ones, oldest first; of each tenant as well. */
  readonly #finished = new Set<Kept>();
  readonly #finishedOf = new Map<TenantId, Set<Kept>>();
  readonly #bytesOf = new Tally<TenantId>();
  readonly #orphansOf = new Tally<KeyId>();
  #bytes = 0;
  readonly #bounds: () => StreamBounds;
  readonly #clock: Clock;
  readonly #epoch: string;
  readonly #sweep: NodeJS.Timeout;
  /** Which browsers may open which of them. */
  readonly tickets: SharedTickets;
  /** Logs beyond this process; null: there are none. */
  readonly shared: SharedStreams | null;
  /** Streams of elsewhere that are being looked for. */
  readonly #looked = new Map<TenantKey<'stream'>, Promise<LiveStream | null | 'away' | 'full'>>();
  /** Finished logs that were let go before their time, for want of room. */
  dropped = 0;
  /** Streams that were opened without a log, for want of room. */
  unkept = 0;
  /** Readers that came back. */
  resumes = 0;
  /** Readers that were let go because they took too little. */
  slowReaders = 0;

  constructor(parts: {
    readonly bounds: () => StreamBounds;
    readonly clock: Clock;
    readonly rng: Rng;
    readonly shared?: SharedStreamsParts | null;
    /** Tickets and chats of all gates; null or absent: they are of this process. */
    readonly names?: StreamNames | null;
  }) {
    this.#bounds = parts.bounds;
    this.#clock = parts.clock;
    const { names = null } = parts;
    this.tickets = new SharedTickets(new StreamTickets(parts.clock), names, ticketSecret);
    this.#chats = new Chats(names);
    this.#epoch = timeOrderedId('', parts.clock.now(), parts.rng).slice(4, 14).toLowerCase();
    this.shared = parts.shared ? new SharedStreams(parts.shared, this.#epoch, this.#ordered) : null;
    this.#sweep = setInterval(() => this.#letGo(), SWEEP_MS);
    this.#sweep.unref();
  }

  get size(): number {
    return this.#kept.size;
  }
  get live(): number {
    return this.#kept.size - this.#finished.size;
  }
  get finished(): number {
    return this.#finished.size;
  }
  /** Walks all streams: for somebody who looks now and then. */
  readers(): number {
    let sum = 0;
    for (const { stream } of this.#kept.values()) sum += stream.readers;
    return sum;
  }
  /** Memory of all logs. */
  bytes(): number {
    return this.#bytes;
  }

  open(opening: StreamOpening): LiveStream {
    const { id, owner, resumable, chat } = opening;
    const { streamBytes, graceMs } = this.#bounds();
    const maxBytes = this.#hasRoom(owner) ? streamBytes : 0;
    if (maxBytes === 0) this.unkept++;
    const stream = new LiveStream({
      ...opening,
      ...{ epochs: [{ epoch: this.#epoch, from: 0 }], maxBytes },
      graceMs: () => (this.#alone(opening) ? 0 : graceMs),
      watcher: this.#watcher,
      writer: (resumable && this.shared?.writerOf(opening, (order) => this.#ordered(id, order))) || null,
    });
    this.#kept.set(id, { stream, endedAt: null });
    this.#grew(stream, stream.bytes);
    if (chat && resumable) this.#chats.name({ ...owner, chat }, id);
    return stream;
  }

  /** Streams that go on, the oldest first. */
  *running(): Generator<LiveStream> {
    for (const { stream, stop } of this.#kept.values()) if (stream.ended === null && !stop) yield stream;
  }

  /** A stream of this key. Another's reads like none: a 404 that says nothing more. Null: this process has no such log. */
  find(id: string, owner: StreamOwner): LiveStream | null {
    const stream = this.#kept.get(id as CallId)?.stream;
    const own = stream?.owner.tenant === owner.tenant && stream.owner.key === owner.key;
    return own ? stream : null;
  }

  /**
   * The same, wherever it is produced. `away`: the shared log does not answer. `full`: the stream grew too large for
   * it.
   */
  async seek(id: CallId, owner: StreamOwner): Promise<LiveStream | null | 'away' | 'full'> {
    // One that is being fetched stands here already, and has not all of its events.
    const name = tenantKey(owner.tenant, 'stream', owner.key, id);
    const fetched = this.#looked.get(name);
    if (fetched) return fetched;
    const here = this.find(id, owner);
    if (here || this.shared === null) return here;
    const looked = this.shared.find(id, owner, this.#stand);
    this.#looked.set(name, looked);
    return looked.finally(() => this.#looked.delete(name));
  }

  /**
   * The newest stream of a chat of this key that is worth to be read: it goes on, or ended with nobody there. Else as
   * {@link seek}.
   */
  async findChat(chat: string, owner: StreamOwner): Promise<LiveStream | null | 'away' | 'full'> {
    const id = await this.#chats.streamOf({ ...owner, chat });
    const stream = id && (await this.seek(id, owner));
    return typeof stream === 'object' && stream?.delivered ? null : stream || null;
  }

  /** A call that ended before it had a stream to read. */
  forget(id: CallId): void {
    this.#kept.get(id)?.stream.discard();
    this.#letGoOf(id);
  }

  /** Here, for want of room or since its time is over: a shared log has a time of its own. */
  #letGoOf(id: CallId): void {
    const kept = this.#kept.get(id);
    if (!kept) return;
    kept.stop?.();
    this.#kept.delete(id);
    this.#finished.delete(kept);
    this.#chats.gone(id);
    const { tenant } = kept.stream.owner;
    const others = this.#finishedOf.get(tenant);
    if (others?.delete(kept) && others.size === 0) this.#finishedOf.delete(tenant);
    this.#grew(kept.stream, -kept.stream.bytes);
  }

  /** How many streams of a key nobody reads. */
  orphansOf({ key }: StreamOwner): number {
    return this.#orphansOf.get(key);
  }

  /** The last connection is closed, and logs die with their process: every stream without a reader ends. */
  abandonUnread(): void {
    for (const stream of this.running()) stream.abandonUnread();
  }

  async close(): Promise<void> {
    clearInterval(this.#sweep);
    await this.shared?.close();
  }

  /** Nobody may leave more streams running than the bound: a further one ends with its reader. */
  #alone({ resumable, owner }: StreamOpening): boolean {
    return !resumable || this.orphansOf(owner) >= this.#bounds().orphansOfKey;
  }

  readonly #watcher: StreamWatcher = {
    grew: (stream, bytes) => {
      // What was forgotten while it lived on is no longer in the sums.
      if (this.#kept.get(stream.id)?.stream !== stream) return;
      this.#grew(stream, bytes);
      if (bytes > 0) this.#makeRoom(stream.owner.tenant);
    },
    orphaned: ({ owner }, change) => this.#orphansOf.add(owner.key, change),
    ended: (stream) => this.#ended(stream),
    resumed: () => void this.resumes++,
    letGo: () => void this.slowReaders++,
    delivered: ({ id }) => this.#chats.delivered(id),
    handedOver: ({ id }) => this.#letGoOf(id),
  };

  #grew({ owner }: LiveStream, bytes: number): void {
    this.#bytes += bytes;
    this.#bytesOf.add(owner.tenant, bytes);
  }

  #ended(stream: LiveStream): void {
    this.shared?.ended(stream.id);
    const kept = this.#kept.get(stream.id);
    if (kept?.stream !== stream) return;
    if (!stream.resumable) return this.#letGoOf(stream.id);
    kept.endedAt = this.#clock.mono();
    this.#finished.add(kept);
    const { tenant } = stream.owner;
    const others = this.#finishedOf.get(tenant) ?? new Set<Kept>();
    this.#finishedOf.set(tenant, others.add(kept));
    this.#makeRoom(tenant);
  }

  /** A stream of another process, to be read in this one. It is not among those that live here. */
  readonly #stand = (standing: Standing, stop: () => void): Stand => {
    const { id, owner, graceMs, hooks } = standing;
    const stream = new LiveStream({
      ...{ ...standing, resumable: true, maxBytes: this.#hasRoom(owner) ? this.#bounds().streamBytes : 0 },
      ...{ graceMs: () => graceMs, watcher: { ...this.#watcher, orphaned: () => undefined } },
      hooks: { ...hooks, abandoned: () => this.#letGoOf(id) },
    });
    const kept: Kept = { stream, endedAt: null, stop };
    this.#kept.set(id, kept);
    this.#grew(stream, stream.bytes);
    // Until somebody reads it.
    stream.unread();
    return { stream, drop: () => this.#letGoOf(id), owned: () => (kept.stop = undefined) };
  };

  readonly #ordered = (id: CallId, order: StreamOrder): void => {
    const stream = this.#kept.get(id)?.stream;
    if (order === 'read') stream?.readElsewhere(this.shared!.leaseMs);
    else stream?.cancel(order === 'cancel' ? 'client' : 'operator');
  };

  #letGo(): void {
    const due = this.#clock.mono() - this.#bounds().keepMs;
    for (const kept of this.#finished) {
      if (kept.endedAt! > due) break;
      this.#letGoOf(kept.stream.id);
    }
  }

  /**
   * Finished logs go first, the oldest before the others; a live one never (DESIGN, streams). Where live ones alone
   * fill the room, a further stream gets no log: {@link open}.
   */
  #makeRoom(tenant: TenantId): void {
    const { tenantBytes, totalBytes } = this.#bounds();
    this.#drop(this.#finishedOf.get(tenant), () => this.#bytesOf.get(tenant) > tenantBytes);
    this.#drop(this.#finished, () => this.#bytes > totalBytes);
  }

  #drop(oldestFirst: Iterable<Kept> | undefined, over: () => boolean): void {
    for (const { stream } of oldestFirst ?? []) {
      if (!over()) return;
      this.#letGoOf(stream.id);
      this.dropped++;
    }
  }

  #hasRoom({ tenant }: StreamOwner): boolean {
    const { tenantBytes, totalBytes } = this.#bounds();
    this.#drop(this.#finishedOf.get(tenant), () => this.#bytesOf.get(tenant) >= tenantBytes);
    this.#drop(this.#finished, () => this.#bytes >= totalBytes);
    return this.#bytesOf.get(tenant) < tenantBytes && this.#bytes < totalBytes;
  }
}

/** A sum for each of many; who has none is not kept. */
class Tally<K> {
  readonly #sums = new Map<K, number>();

  get(of: K): number {
    return this.#sums.get(of) ?? 0;
  }
  add(of: K, change: number): void {
    const sum = this.get(of) + change;
    if (sum === 0) this.#sums.delete(of);
    else this.#sums.set(of, sum);
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

/**
 * Where a resume begins: behind what the reader has, or at the start. One more than there are events: the reader has
 * the terminal event too.
 */
export function startOf(stream: LiveStream, after: Position | null): Result<number, HeadgateError> {
  if (after === null) return ok(0);
  if (!stream.epochs.has(after))
    return err(new HeadgateError('stream_gone', { message: 'The position is one of another log of this stream.' }));
  // The terminal event has a number too: whoever has it has everything.
  if (stream.ended && after.seq === stream.events) return ok(stream.events + 1);
  if (after.seq >= stream.events)
    return err(
      new HeadgateError('invalid_request', {
        field: 'last-event-id',
        message: `The stream has ${stream.events} events; there is none at position ${after.seq} yet.`,
      }),
    );
  return ok(after.seq + 1);
}

import type { CallId, EpochMs, KeyId, TenantId } from '#kernel/brand.ts';
import type { OutcomeStatus, Protocol } from '#ports/entry.ts';
import type { StreamEpoch, StreamRedrive } from '#ports/stream-log.ts';
import type { CanonicalEvent, DialectName } from '#wire/canonical.ts';
import type { StreamDecoder } from '#wire/dialect.ts';
import type { Usage } from '#wire/usage.ts';
import { CatchUp } from './catch-up.ts';
import { FactsSoFar } from './core/answer-facts.ts';
import { CompactLog } from './core/compact-log.ts';
import { Epochs } from './core/epochs.ts';
import { Decoding } from './decoding.ts';
import type { StreamWriter } from './shared/stream-writer.ts';
import type { StreamEnd, StreamReader } from './stream-reader.ts';

/** Who may read a stream: the key that made it, and no other key of its tenant. */
export interface StreamOwner {
  readonly tenant: TenantId;
  readonly key: KeyId;
}

export interface StreamHooks {
  /** Somebody asked for the end, from any connection: its caller, or an operator. */
  readonly cancel: (by: 'client' | 'operator') => void;
  /** Nobody has read for the grace. */
  readonly abandoned: () => void;
  /** Another gate took this one for dead and told readers so: nothing of the answer may come any more. */
  readonly fenced?: () => void;
  /** What the provider counted, as known now: the caller's own events may not say it. */
  readonly usage?: () => Usage | null;
}

/** What opens a stream: known to whoever serves the call. */
export interface StreamOpening {
  readonly id: CallId;
  readonly owner: StreamOwner;
  /** False: it lives as long as its one reader, and its log no longer. */
  readonly resumable: boolean;
  /** Name of the chat that it answers, by which its client asks for it again; absent: it has none. */
  readonly chat?: string | null;
  /** In which dialect the log's events are: the caller's. */
  readonly dialect: { readonly name: DialectName; readonly streamDecoder: () => StreamDecoder };
  readonly hooks: StreamHooks;
  /** What a list of live streams says of its call. */
  readonly about: StreamAbout;
  /** With this another gate goes on with it, should this one die; absent or null: none does. */
  readonly redrive?: StreamRedrive | null;
}

/** Who makes the rest of a stream whose producer is gone. */
export interface StreamSuccessor {
  readonly hooks: StreamHooks;
  readonly graceMs: () => number;
  readonly writer: (stream: LiveStream) => StreamWriter;
}

export interface StreamAbout {
  readonly model: string;
  readonly feature: string | null;
  readonly client: string | null;
  readonly protocol: Protocol;
  readonly startedAt: EpochMs;
}

export interface StreamInit extends StreamOpening {
  /** Of the process, and of those that had the stream before: numbers mean something within one alone. */
  readonly epochs: readonly StreamEpoch[];
  /** How long nobody may read before the stream is abandoned, in milliseconds; asked when the last reader goes. */
  readonly graceMs: () => number;
  /** Bytes of the log from which on it takes no more: readers go on live, and a later one finds it incomplete. */
  readonly maxBytes: number;
  readonly watcher: StreamWatcher;
  /** Where its events are kept beyond this process, before any reader gets them; null: nowhere. */
  readonly writer?: ((stream: LiveStream) => StreamWriter) | null;
}

/** Who keeps the sums over all streams: told of each change, so that nobody has to walk them. */
export interface StreamWatcher {
  /** The log takes so many bytes more, or fewer. */
  grew(stream: LiveStream, bytes: number): void;
  /** Nobody reads it from now on (1), or somebody does again, or it has ended (-1). */
  orphaned(stream: LiveStream, change: 1 | -1): void;
  ended(stream: LiveStream): void;
  /** A reader came back. */
  resumed(): void;
  /** A reader that took too little was let go. */
  letGo(): void;
  /** Somebody has read it to its end. */
  delivered(stream: LiveStream): void;
  /** Another gate goes on with it: this one has no part of it any more. */
  handedOver(stream: LiveStream): void;
}

/**
 * An answer as an append-only log of its events, in the caller's dialect. Events are appended before they are sent;
 * readers are cursors on the log, and whoever comes later gets the same bytes.
 */
export class LiveStream {
  readonly id: CallId;
  readonly owner: StreamOwner;
  readonly resumable: boolean;
  readonly dialect: DialectName;
  readonly chat: string | null;
  readonly #init: StreamInit;
  readonly #log = new CompactLog();
  readonly #decoding: Decoding;
  readonly #facts = new FactsSoFar();
  /** Who has all that there is, and gets what comes. */
  readonly #readers = new Set<StreamReader>();
  /** Who still reads what was there before. */
  readonly #behind = new Map<StreamReader, CatchUp>();
  #events = 0;
  #bytes: number;
  #orphaned: NodeJS.Timeout | null = null;
  #end: StreamEnd | null = null;
  #overflowed: boolean;
  /** Who will read, and waits for what to read. */
  #awaited = 0;
  #delivered = false;
  #resumes = 0;
  #writer: StreamWriter | null;
  #hooks: StreamHooks;
  #graceMs: () => number;
  readonly #epochs: Epochs;
  readonly #redrivenBy: CallId[] = [];
  #reason: string | null = null;
  #finishing = false;
  /** Somebody reads it at another gate, as far as was heard. */
  #elsewhere: NodeJS.Timeout | null = null;

  constructor(init: StreamInit) {
    this.#init = init;
    this.id = init.id;
    this.#epochs = new Epochs(init.epochs);
    this.#hooks = init.hooks;
    this.#graceMs = init.graceMs;
    this.owner = init.owner;
    this.resumable = init.resumable;
    this.dialect = init.dialect.name;
    this.chat = init.chat ?? null;
    this.#decoding = new Decoding(init.dialect.streamDecoder());
    this.#overflowed = init.maxBytes === 0;
    this.#bytes = this.#log.size;
    this.#writer = init.writer?.(this) ?? null;
  }

  /** Of the events that come now. */
  get epoch(): string {
    return this.#epochs.at(this.#events);
  }
  get epochs(): Epochs {
    return this.#epochs;
  }
  /** `epoch.seq` of an event, by which its readers go on behind it. */
  positionAt(seq: number): string {
    return `${this.#epochs.at(seq)}.${seq}`;
  }

  get about(): StreamAbout {
    return this.#init.about;
  }
  /** Another gate goes on with it, should this one die. */
  get redrivable(): boolean {
    return (this.#init.redrive ?? null) !== null;
  }
  /** Memory of the log. */
  get bytes(): number {
    return this.#bytes;
  }
  get events(): number {
    return this.#events;
  }
  get readers(): number {
    return this.#readers.size + this.#behind.size;
  }
  /** Null: it goes on. */
  get ended(): StreamEnd | null {
    return this.#end;
  }
  /** The log has less than the stream: a resume would miss events. */
  get overflowed(): boolean {
    return this.#overflowed;
  }

  /** Readers that came back after the first connection. */
  get resumes(): number {
    return this.#resumes;
  }

  /** Somebody read it to its end. */
  get delivered(): boolean {
    return this.#delivered;
  }

  append(event: Buffer): void {
    if (this.#end || this.#writer?.hold(event)) return;
    this.publish(event);
  }

  /** Into the log of this process, and to whoever reads. */
  publish(event: Buffer): void {
    const seq = this.#events++;
    const latin1 = event.toString('latin1');
    if (!this.#overflowed) this.#keep(latin1);
    const steps = this.#decoding.push(event, latin1);
    for (const step of steps) this.#facts.take(step);
    for (const reader of this.#readers) {
      if (!reader.event(event, seq, steps, latin1)) this.detach(reader);
      else if (reader.full) this.#fallBehind(reader);
    }
    for (const catchUp of this.#behind.values()) catchUp.more();
  }

  /** The log from an event on, and then what comes. */
  attach(reader: StreamReader, from: number): void {
    const orphaned = this.readers === 0;
    this.#behind.set(reader, this.#catchUp(reader, from));
    if (orphaned) this.#stopWaiting();
    this.#behind.get(reader)!.run();
  }

  /** The connection is gone. When it was the last, the grace begins. */
  detach(reader: StreamReader): void {
    const behind = this.#behind.get(reader);
    behind?.stop();
    const was = this.#readers.delete(reader) || this.#behind.delete(reader);
    if (was) this.#wait();
  }

  /** Before a reader that was here is attached again. */
  resumed(): void {
    this.#resumes++;
    this.#init.watcher.resumed();
  }

  /** A reader that took too little goes, by the word of its own connection. */
  letGo(): void {
    this.#init.watcher.letGo();
  }

  /** The call's own client left before it read: unless somebody comes back, the grace begins. */
  unread(): void {
    this.#wait();
  }

  /** Somebody waits to read it who cannot yet: it is not abandoned meanwhile. Returns what ends the wait. */
  awaited(): () => void {
    this.#awaited++;
    this.#stopWaiting();
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      this.#awaited--;
      this.#wait();
    };
  }

  /** Nobody can come back any more: whoever has no reader now is not waited for. */
  abandonUnread(): void {
    if (!this.#end && this.readers === 0 && this.#awaited === 0) this.#hooks.abandoned();
  }

  ping(): void {
    for (const reader of this.#readers) reader.ping();
  }

  cancel(by: 'client' | 'operator' = 'client'): void {
    if (!this.#end) this.#hooks.cancel(by);
  }

  /** The first `upTo` events, as what they say. Walks the log: for a snapshot, never for an event. */
  *stepsUpTo(upTo: number): Generator<readonly CanonicalEvent[]> {
    const decoding = new Decoding(this.#init.dialect.streamDecoder());
    let left = upTo;
    for (const event of this.#log.read()) {
      if (left-- <= 0) return;
      yield decoding.push(event);
    }
  }

  finish(status: OutcomeStatus): void {
    this.#finishing = true;
    if (this.#end || this.#writer?.finish(status)) return;
    this.conclude(this.endAs(status));
  }

  /** Its terminal event, were it to end now. */
  endAs(status: OutcomeStatus): StreamEnd {
    if (status === 'ok') for (const step of this.#decoding.end()) this.#facts.take(step);
    const facts = this.#facts.get();
    const usage = this.#hooks.usage?.() ?? facts.usage;
    const by = this.#redrivenBy;
    return {
      ...{ ...facts, usage, status, events: this.#events },
      ...(by.length > 0 && { redrivenBy: [...by] }),
      ...(this.#reason !== null && status !== 'ok' && { reason: this.#reason }),
    };
  }

  /** Its producer is gone, and it is made here from now on: its readers stay. */
  takeOver({ hooks, graceMs, writer }: StreamSuccessor): void {
    this.#stopWaiting();
    [this.#hooks, this.#graceMs] = [hooks, graceMs];
    this.#writer = writer(this);
    this.#wait();
  }

  /** The call that makes its rest. */
  redrivenBy(call: CallId): void {
    this.#redrivenBy.push(call);
  }

  /** Why it does not end whole. */
  because(reason: string): void {
    this.#reason = reason;
  }

  /** Its end is on its way, or has come. */
  get finishing(): boolean {
    return this.#finishing;
  }

  /** Nobody can go on with it, and why. */
  interrupt(reason: string): void {
    this.because(reason);
    this.finish('interrupted');
  }

  /** No event follows: readers get this end. */
  conclude(end: StreamEnd): void {
    if (this.#end) return;
    this.#end = end;
    this.#stopWaiting();
    this.#log.close();
    this.#resized();
    for (const reader of this.#readers) this.#deliver(reader, this.#end);
    this.#readers.clear();
    this.#init.watcher.ended(this);
    for (const catchUp of this.#behind.values()) catchUp.more();
  }

  /**
   * Another gate has told readers that it is interrupted: that is its end here too, and its call stops. Where the other
   * one goes on with it, readers of this one are let go, and find the rest there.
   */
  fenced(): void {
    if (this.redrivable) this.lose();
    this.conclude(this.endAs('interrupted'));
    if (this.redrivable) this.#init.watcher.handedOver(this);
    this.#hooks.fenced?.();
  }

  /** What would come next will not come here: whoever reads is let go, and may come back. */
  lose(): void {
    for (const reader of [...this.#readers, ...this.#behind.keys()]) {
      this.detach(reader);
      reader.lost?.();
    }
  }

  /** Its call came to nothing: the log beyond this process is none. */
  discard(): void {
    this.#writer?.discard();
  }

  /** Somebody reads it at another gate: for so long nobody here is waited for. */
  readElsewhere(forMs: number): void {
    if (this.#end) return;
    if (this.#elsewhere) clearTimeout(this.#elsewhere);
    this.#stopWaiting();
    this.#elsewhere = setTimeout(() => {
      this.#elsewhere = null;
      this.#wait();
    }, forMs).unref();
  }

  /** Events of the log from a number on. */
  eventsFrom(from: number): Generator<Buffer> {
    return this.#log.read(from);
  }

  #keep(latin1: string): void {
    this.#log.append(latin1);
    if (this.#log.length > this.#init.maxBytes) this.#overflow();
    else if (this.#log.size !== this.#bytes) this.#resized();
  }

  /** From here on it takes from the log what it has room for. */
  #fallBehind(reader: StreamReader): void {
    this.#readers.delete(reader);
    this.#behind.set(reader, this.#catchUp(reader, this.#events));
    this.#behind.get(reader)!.run();
  }

  /** What the log has is of no more use to anybody: a part of an answer that cannot be gone on with. */
  #overflow(): void {
    this.#overflowed = true;
    this.#log.clear();
    this.#resized();
  }

  #resized(): void {
    const more = this.#log.size - this.#bytes;
    this.#bytes = this.#log.size;
    if (more !== 0) this.#init.watcher.grew(this, more);
  }

  #catchUp(reader: StreamReader, from: number): CatchUp {
    return new CatchUp({
      ...{ reader, from },
      log: this.#log,
      decoding: reader.decodes ? new Decoding(this.#init.dialect.streamDecoder()) : null,
      events: () => this.#events,
      caughtUp: () => {
        this.#behind.delete(reader);
        if (this.#end) this.#deliver(reader, this.#end);
        else this.#readers.add(reader);
      },
      failed: () => {
        this.#behind.delete(reader);
        this.#wait();
      },
    });
  }

  #deliver(reader: StreamReader, end: StreamEnd): void {
    if (!this.#delivered) this.#init.watcher.delivered(this);
    this.#delivered = true;
    reader.end(end);
  }

  #wait(): void {
    if (this.#end || this.readers > 0 || this.#awaited > 0 || this.#orphaned || this.#elsewhere) return;
    // Whoever cannot come back is not waited for.
    const graceMs = this.#overflowed ? 0 : this.#graceMs();
    this.#init.watcher.orphaned(this, 1);
    this.#orphaned = setTimeout(() => this.abandonUnread(), graceMs);
    this.#orphaned.unref();
  }

  #stopWaiting(): void {
    if (!this.#orphaned) return;
    clearTimeout(this.#orphaned);
    this.#orphaned = null;
    this.#init.watcher.orphaned(this, -1);
  }
}

import { MessageChannel, Worker, type MessagePort } from 'node:worker_threads';
import { HeadgateError } from '#kernel/errors.ts';
import type { DialectName } from '#wire/canonical.ts';
import type { CapturedCall, Cut, FromVault, ReadAnswer, ToVault, VaultSettings, VaultStats } from './messages.ts';

/** Of one body or answer so much is kept; the rest is cut, and said to be. */
const PART_BYTES = 4 * 1024 * 1024;
/** Handed over and not written yet: beyond it calls are not kept. */
const WAITING_BYTES = 64 * 1024 * 1024;
const READ_MS = 10_000;
/** Answers of all captured calls that run: a call beyond it is not kept. */
const RUNNING_BYTES = 128 * 1024 * 1024;

/** What the answers of captured calls hold together, while they run. */
export interface Room {
  bytes: number;
}

/** A call that is kept, while it runs. References to what passes anyway: nothing is copied before its end. */
export class Draft {
  readonly #facts: DraftFacts;
  readonly #room: Room;
  #attempts: DraftAttempt[] = [];
  #held = 0;
  /** There was no room for it. */
  givenUp = false;

  constructor(facts: DraftFacts, room: Room) {
    this.#facts = facts;
    this.#room = room;
  }

  /** An attempt as it is sent. */
  attempt(n: number, deployment: string, dialect: DialectName, request: Uint8Array): void {
    this.#attempts.push({ n, deployment, dialect, request, status: null, stream: false, chunks: [], bytes: 0 });
  }
  head(n: number, status: number, contentType: string): void {
    const attempt = this.#at(n);
    if (attempt) Object.assign(attempt, { status, stream: contentType.startsWith('text/event-stream') });
  }
  data(n: number, chunk: Uint8Array): void {
    const attempt = this.#at(n);
    if (!attempt) return;
    if (attempt.bytes < PART_BYTES) this.#hold(attempt, chunk);
    attempt.bytes += chunk.length;
  }

  #hold(attempt: DraftAttempt, chunk: Uint8Array): void {
    if (this.#room.bytes + chunk.length > RUNNING_BYTES) return this.#giveUp();
    attempt.chunks.push(chunk);
    this.#held += chunk.length;
    this.#room.bytes += chunk.length;
  }

  #giveUp(): void {
    this.givenUp = true;
    this.release();
    this.#attempts = [];
  }

  /** Its answers are held no more. */
  release(): void {
    this.#room.bytes -= this.#held;
    this.#held = 0;
  }

  #at(n: number): DraftAttempt | undefined {
    return this.#attempts.findLast((one) => one.n === n);
  }

  /** Everything in one piece of memory of its own, which changes threads without a copy. */
  finished(): CapturedCall {
    const { sent, ...facts } = this.#facts;
    const parts = [[sent], ...this.#attempts.flatMap(({ request, chunks }) => [[request], chunks])];
    const sizes = parts.map((part) => Math.min(PART_BYTES, lengthOf(part)));
    const bytes = new Uint8Array(sizes.reduce((sum, size) => sum + size, 0));
    const cuts: Cut[] = [];
    let at = 0;
    parts.forEach((part, i) => {
      cuts.push({ from: at, to: at + sizes[i]!, cut: lengthOf(part) > PART_BYTES });
      at = fill(bytes, at, part, sizes[i]!);
    });
    const attempts = this.#attempts.map(({ n, deployment, dialect, status, stream, bytes: all }, i) => {
      const answer = cuts[2 + 2 * i]!;
      return {
        n,
        deployment,
        dialect,
        status,
        stream,
        request: cuts[1 + 2 * i]!,
        answer: { ...answer, cut: all > PART_BYTES },
      };
    });
    return { ...facts, bytes, client: cuts[0]!, attempts };
  }
}

export interface DraftFacts extends Pick<CapturedCall, 'call' | 'tenant' | 'at' | 'rule' | 'dialect'> {
  /** The body as the client sent it. */
  readonly sent: Uint8Array;
}

interface DraftAttempt {
  readonly n: number;
  readonly deployment: string;
  readonly dialect: DialectName;
  readonly request: Uint8Array;
  status: number | null;
  stream: boolean;
  readonly chunks: Uint8Array[];
  bytes: number;
}

const lengthOf = (part: readonly Uint8Array[]): number => part.reduce((sum, { length }) => sum + length, 0);

function fill(into: Uint8Array, from: number, part: readonly Uint8Array[], size: number): number {
  let at = from;
  const end = from + size;
  for (const piece of part) {
    if (at >= end) break;
    into.set(piece.subarray(0, end - at), at);
    at += Math.min(piece.length, end - at);
  }
  return end;
}

export interface CapturesOptions {
  /** Module of the thread. */
  readonly entry: URL;
  readonly dir: string;
  /** Null: no key is configured, or the operator's file forbids it. */
  readonly settings: VaultSettings | null;
  readonly onTrouble: (what: string, error: unknown) => void;
}

/** What the thread is started with. */
export interface VaultThreadData {
  readonly dir: string;
  readonly port: MessagePort;
  readonly settings: VaultSettings;
}

const NOTHING: VaultStats = { bytes: 0, records: 0, kept: 0, full: 0, failed: 0, isFull: false, trouble: null };
/** Without a key there is nothing to seal with and nothing to read; what has expired is still deleted. */
const KEYLESS: VaultSettings = { keys: [], maxBytes: 0, retentionMs: 0, redact: [] };

/** The serving thread's side: hands over what calls leave, and never waits. */
export class Captures {
  readonly #options: CapturesOptions;
  #settings: VaultSettings | null;
  #port: MessagePort | null = null;
  #worker: Worker | null = null;
  #ended: Promise<unknown> | null = null;
  #waitingBytes = 0;
  #stats = NOTHING;
  #busy = 0;
  /** Of the calls that run. */
  readonly room: Room = { bytes: 0 };
  #reads = new Map<number, (answer: ReadAnswer) => void>();
  #nextRead = 1;

  constructor(options: CapturesOptions) {
    this.#options = options;
    this.#settings = options.settings;
  }

  /** Starts the thread now: there may be something that has expired. */
  start(): void {
    this.#thread();
  }

  /** False: no key, or forbidden by the operator's file. */
  get allowed(): boolean {
    return this.#settings !== null;
  }
  get settings(): VaultSettings | null {
    return this.#settings;
  }
  /** `busy`: not kept since too much waited already. */
  get stats(): VaultStats & { readonly busy: number; readonly waitingBytes: number } {
    return { ...this.#stats, busy: this.#busy, waitingBytes: this.#waitingBytes };
  }

  /** After a reload of the file. */
  use(settings: VaultSettings | null): void {
    this.#settings = settings;
    if (this.#port) this.#send({ do: 'settings', settings: settings ?? KEYLESS });
  }

  settled(draft: Draft): void {
    draft.release();
    if (draft.givenUp || this.#waitingBytes >= WAITING_BYTES || this.#settings === null) return void this.#busy++;
    const captured = draft.finished();
    this.#waitingBytes += captured.bytes.length;
    this.#thread().postMessage({ do: 'keep', captured } satisfies ToVault, [captured.bytes.buffer as ArrayBuffer]);
  }

  async read(call: string): Promise<ReadAnswer> {
    const id = this.#nextRead++;
    const { promise, resolve, reject } = Promise.withResolvers<ReadAnswer>();
    const away = new HeadgateError('store_unavailable', { message: 'The thread of captured text does not answer.' });
    const timer = setTimeout(() => reject(away), READ_MS);
    this.#reads.set(id, resolve);
    this.#send({ do: 'read', id, call });
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      this.#reads.delete(id);
    }
  }

  async close(): Promise<void> {
    if (!this.#port) return;
    // A thread that nobody waits for ends with the process; an end is waited for.
    this.#worker?.ref();
    this.#port.ref();
    this.#send({ do: 'close' });
    await this.#ended;
  }

  #send(message: ToVault): void {
    this.#thread().postMessage(message);
  }

  #thread(): MessagePort {
    if (this.#port) return this.#port;
    const { port1, port2 } = new MessageChannel();
    const { entry, dir, onTrouble } = this.#options;
    const workerData: VaultThreadData = { dir, port: port2, settings: this.#settings ?? KEYLESS };
    const worker = new Worker(entry, {
      workerData,
      transferList: [port2],
      name: 'captures',
      resourceLimits: { maxOldGenerationSizeMb: 256 },
    });
    this.#ended = new Promise((resolve) => worker.once('exit', resolve));
    worker.once('error', (error) => onTrouble('the thread of captured text ended', error));
    worker.once('exit', () => this.#lost());
    port1.on('message', (message: FromVault) => this.#told(message));
    port1.unref();
    worker.unref();
    this.#worker = worker;
    return (this.#port = port1);
  }

  /** Another is started with the next call. */
  #lost(): void {
    this.#port?.close();
    this.#port = null;
    this.#waitingBytes = 0;
  }

  #told(message: FromVault): void {
    if (message.done === 'read') return this.#reads.get(message.id)?.(message.answer);
    if (message.done === 'close') return;
    if (message.done === 'keep') this.#waitingBytes -= message.bytes;
    this.#stats = message.stats;
  }
}

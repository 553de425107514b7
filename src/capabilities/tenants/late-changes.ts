import type { EpochMs } from '#kernel/brand.ts';
import { HeadgateError } from '#kernel/errors.ts';
import type { StateChange, StateStore } from '#ports/state-store.ts';
import { readLate, writeLate, type LateChange } from './snapshot.ts';

/** Who answers a person waits no longer for a store that hangs: the change holds on this node meanwhile. */
const ANSWER_MS = 1_000;

/** Where a change is safe: `memory` means that the node's own disk refused it as well. */
export type Kept = 'store' | 'node' | 'memory';

export interface LateOptions {
  readonly state: Pick<StateStore, 'apply'>;
  readonly dataDir: string;
  readonly now: () => EpochMs;
  readonly onTrouble: (what: string, error: unknown) => void;
}

interface Waiting extends LateChange {
  /** In the store; its line stays in the file until the node's snapshot has it. */
  stored: boolean;
}

/**
 * Changes of an incident: they hold at once, durable in the node's folder, and reach the store when it can take them.
 * The store knows each by its audit entry, so that one that was sent and not confirmed happens once.
 */
export class LateChanges {
  readonly #options: LateOptions;
  #held: Waiting[];
  #writing: Promise<unknown> = Promise.resolve();
  #flushing: Promise<void> | null = null;

  private constructor(options: LateOptions, held: Waiting[]) {
    this.#options = options;
    this.#held = held;
  }

  static async open(options: LateOptions): Promise<LateChanges> {
    const found = await readLate(options.dataDir);
    return new LateChanges(
      options,
      found.map((one) => ({ ...one, stored: false })),
    );
  }

  /** What the store has not confirmed, oldest first. */
  get waiting(): readonly LateChange[] {
    return this.#held.filter(({ stored }) => !stored);
  }

  /** Every change that waits, to be laid over a state that was read from elsewhere. */
  get changes(): readonly StateChange[] {
    return this.waiting.flatMap(({ changes }) => changes);
  }

  /** False: it is in memory alone. */
  async add(change: LateChange): Promise<boolean> {
    this.#held.push({ ...change, stored: false });
    return this.#write();
  }

  /** Sends what waits; true: the store has everything, as far as it answers in time. */
  async flushSoon(): Promise<boolean> {
    const { promise: late, resolve } = Promise.withResolvers<boolean>();
    const timer = setTimeout(() => resolve(false), ANSWER_MS);
    const flushed = this.flush().then(
      () => true,
      () => false,
    );
    return Promise.race([flushed, late]).finally(() => clearTimeout(timer));
  }

  /** Sends what waits, in order. Rejects with `store_unavailable` at the first that the store does not take. */
  async flush(): Promise<void> {
    while (this.waiting.length > 0) {
      this.#flushing ??= this.#send().finally(() => (this.#flushing = null));
      await this.#flushing;
    }
  }

  async #send(): Promise<void> {
    for (const one of [...this.#held]) {
      if (one.stored) continue;
      try {
        await this.#options.state.apply(one.changes, one.audit);
      } catch (error) {
        if (!(error instanceof HeadgateError) || error.code === 'store_unavailable') throw error;
        this.#options.onTrouble(`the store refuses a change of this node: ${one.audit.action}`, error);
      }
      one.stored = true;
    }
  }

  /** What the store has and the file still holds. */
  get stored(): ReadonlySet<LateChange> {
    return new Set(this.#held.filter(({ stored }) => stored));
  }

  /** The node's snapshot has these as well: the file needs to hold them no more. */
  async forget(stored: ReadonlySet<LateChange>): Promise<void> {
    if (stored.size === 0) return;
    this.#held = this.#held.filter((one) => !stored.has(one));
    await this.#write();
  }

  #write(): Promise<boolean> {
    const write = async (): Promise<boolean> => {
      try {
        await writeLate(this.#options.dataDir, this.#held.map(bare), this.#options.now());
        return true;
      } catch (error) {
        this.#options.onTrouble('changes that the store has not confirmed could not be kept on this node', error);
        return false;
      }
    };
    const written = this.#writing.then(write);
    this.#writing = written;
    return written;
  }
}

const bare = ({ changes, audit }: Waiting): LateChange => ({ changes, audit });

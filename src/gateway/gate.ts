import type { Clock } from '#kernel/clock.ts';
import type { Rng } from '#kernel/rng.ts';
import type { FeedBoard } from './feeds.ts';
import type { Alerts } from '#capabilities/alerts/index.ts';
import type { Affinity } from '#capabilities/failover/index.ts';
import type { Streams } from '#capabilities/streams/index.ts';
import type { IdempotencyKeys, SharedKeys } from '#ports/idempotency.ts';
import type { Captures } from '#capabilities/parity/index.ts';
import type { Accounts, LeakWatch, QualityBook, Tenants } from '#capabilities/tenants/index.ts';
import type { Spool } from '#ledger/index.ts';
import type { Estimator, PriceBook } from '#ledger/prices/index.ts';
import type { Recounts } from '#ledger/recount/index.ts';
import type { Telemetry } from '#telemetry/index.ts';
import type { Transport } from '#providers/index.ts';
import type { GateConfig } from './config/resolve.ts';
import type { CacheParts } from './cache/parts.ts';
import type { DecodePool } from './decode-pool.ts';
import type { Answers } from './idempotency/answers.ts';
import type { StoredParts } from './stored/parts.ts';
import type { Meter } from './meter.ts';
import type { Grading } from './quality/grading.ts';
import type { Judges } from './quality/judges.ts';

/** What the pipeline works with. Made once by `main.ts`; `config` is replaced whole by a reload. */
export interface Gate {
  config: GateConfig;
  readonly tenants: Tenants;
  readonly spool: Spool;
  readonly prices: PriceBook;
  readonly estimator: Estimator;
  readonly recounts: Recounts;
  /** Whose turn it is at a provider's account that has no room. */
  readonly accounts: Accounts;
  /** Which deployment holds which conversation's prompt. */
  readonly affinity: Affinity;
  /** Answers that exactly the same request gets again. */
  readonly cache: CacheParts;
  /** Streams that can be read again. */
  readonly streams: Streams;
  /** Keys by which a call is made once, and the answers that its repetitions get. */
  readonly idempotency: IdempotencyParts;
  readonly transport: Transport;
  readonly decodePool: DecodePool;
  readonly stored: StoredParts;
  readonly meter: Meter;
  readonly telemetry: Telemetry;
  readonly alerts: Alerts;
  readonly feeds: FeedBoard;
  readonly captures: Captures;
  /** Looks in answers for texts of other tenants. */
  readonly leaks: LeakWatch;
  /** Scores of answers, and whose quality has fallen. */
  readonly quality: QualityBook;
  /** Scores that the text of answers gives. */
  readonly grading: Grading;
  /** Models that score a sample of answers. */
  readonly judges: Judges;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly log: Log;
  /** Set by a drain: no new work. */
  draining: boolean;
}

export interface IdempotencyParts {
  readonly keys: IdempotencyKeys;
  readonly answers: Answers;
  /** What other gates have; null: keys are this gate's own. */
  readonly shared: SharedKeys | null;
  /** Keys that were claimed at this gate alone, since the shared store was away. */
  readonly alone: () => number;
  close(): Promise<void>;
}

/** Structured log: an event's name and its facts. Never a prompt, an answer, a key or a credential. */
export interface Log {
  debug(facts: object, message: string): void;
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
  error(facts: object, message: string): void;
}

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TenantId } from '#kernel/brand.ts';
import type { KeyPrefix, TenantKey, Whose } from '#kernel/whose.ts';
import type { AnswerCache } from './answer-cache.ts';
import type { IdempotencyKeys, SharedKeys } from './idempotency.ts';
import type { JobQueue } from './job-queue.ts';
import type { LedgerStore } from './ledger-store.ts';
import type { BudgetCounters, LimitCounters } from './shared-state.ts';
import type { Scores } from './scores.ts';
import type { StateStore } from './state-store.ts';
import type { StoredThings } from './stored-things.ts';
import type { StreamLog } from './stream-log.ts';
import type { StreamNames } from './stream-names.ts';

/**
 * What a call of a port is about is a tenant's, and says whose: by a {@link TenantId}, which only a tenant has. Each
 * exception has its reason. The compiler proves it: `npm run check` fails where a port gets a method that names no tenant,
 * and where an exception is one no more.
 */
const EXCEPTIONS = {
  StateStore: {
    close: 'ends the store',
  },
  LedgerStore: {
    ship: 'whole entries, each with its tenant in its text',
    follow: 'names of feeds of the operator’s file: nothing of a tenant goes in or comes out',
    acknowledge: 'moves a feed’s place: nothing of a tenant goes in or comes out',
    feeds: 'health: places of feeds and counts',
    verifyRollups: 'counts what is there, and returns differences',
    retain: 'deletes by age',
    close: 'ends the store',
  },
  StoredThings: {
    close: 'ends the store',
  },
  Scores: {
    prune: 'deletes by age',
    close: 'ends the store',
  },
  JobQueue: {
    renew: 'by the worker that holds the lease, which `lease` gave it',
    end: 'by the worker that holds the lease, which `lease` gave it',
    abandon: 'clock: ends the leases of a process that died',
    counts: 'health: sums over all',
    prune: 'deletes by age',
    close: 'ends the queue',
  },
  BudgetCounters: {},
  LimitCounters: {
    lasting: 'whether it outlives the process',
  },
  IdempotencyKeys: {},
  SharedKeys: {
    lives: 'whether a gate says that it lives',
    serve: 'hears which of this gate’s own calls somebody waits for',
    onBack: 'whether the store answers again',
  },
  StreamNames: {
    putTicket: 'by the digest of a secret that nobody has yet; its key is its tenant’s',
    takeTicket: 'by the digest of a secret: the ticket says whose it is',
  },
  AnswerCache: { close: 'ends the cache' },
  StreamLog: {
    up: 'whether it answers',
    serve: 'orders for the producer’s own streams',
    sweep: 'clock: ends streams of producers that are gone; nothing of a tenant goes in or comes out',
    close: 'ends the log',
  },
} as const;

type Depth = readonly unknown[];
/** Does a value of this type always have a tenant in it? An optional one may be left out, and does not count. */
type Names<T, D extends Depth = []> = D['length'] extends 6
  ? false
  : [T] extends [Whose | TenantKey | KeyPrefix]
    ? true
    : [T] extends [string | number | boolean | bigint | null | undefined | symbol | ((...args: never) => unknown)]
      ? false
      : T extends readonly (infer Item)[]
        ? number extends T['length']
          ? Names<Item, [...D, 0]>
          : true extends { [K in keyof T]: Names<T[K], [...D, 0]> }[number]
            ? true
            : false
        : T extends Iterable<infer Item>
          ? Names<Item, [...D, 0]>
          : true extends { [K in keyof T]-?: object extends Pick<T, K> ? false : Names<T[K], [...D, 0]> }[keyof T]
            ? true
            : false;

/** Methods of a port whose arguments name no tenant. */
type Nameless<Port> = {
  [M in keyof Port]-?: Port[M] extends (...args: infer A) => unknown ? (true extends Names<A> ? never : M) : M;
}[keyof Port];

type Same<A, B> = [A] extends [B]
  ? [B] extends [A]
    ? true
    : { readonly only: Exclude<B, A> }
  : { readonly only: Exclude<A, B> };
type Checked<Port, Name extends keyof typeof EXCEPTIONS> = Same<Nameless<Port>, keyof (typeof EXCEPTIONS)[Name]>;

const PROOF: readonly [
  Checked<StateStore, 'StateStore'>,
  Checked<LedgerStore, 'LedgerStore'>,
  Checked<StoredThings, 'StoredThings'>,
  Checked<JobQueue, 'JobQueue'>,
  Checked<BudgetCounters, 'BudgetCounters'>,
  Checked<LimitCounters, 'LimitCounters'>,
  Checked<IdempotencyKeys, 'IdempotencyKeys'>,
  Checked<SharedKeys, 'SharedKeys'>,
  Checked<StreamNames, 'StreamNames'>,
  Checked<AnswerCache, 'AnswerCache'>,
  Checked<StreamLog, 'StreamLog'>,
  Checked<Scores, 'Scores'>,
] = [true, true, true, true, true, true, true, true, true, true, true, true];

interface Wrong {
  forgotten(id: string): void;
  optional(question: { readonly tenant?: TenantId }): void;
  given(of: { readonly ref: { readonly tenant: TenantId } }, id: string): void;
}
const CAN_FAIL: Same<Nameless<Wrong>, 'forgotten' | 'optional'> = true;
// @ts-expect-error: a method that names no tenant and is no exception is found
const FOUND: Same<Nameless<Wrong>, 'optional'> = true;

test('each method of a port names a tenant, or stands among the exceptions with its reason', () => {
  assert.ok([...PROOF, CAN_FAIL, FOUND].every(Boolean));
  for (const [port, methods] of Object.entries(EXCEPTIONS))
    for (const [method, reason] of Object.entries(methods)) assert.ok(reason.length > 6, `${port}.${method}`);
});

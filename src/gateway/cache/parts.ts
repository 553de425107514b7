import type { Tenant } from '#ports/state-store.ts';
import type { AnswerCache } from '#ports/answer-cache.ts';
import type { Flights } from './flight/flights.ts';
import type { CacheMeter } from './meter.ts';

/** The cache of answers as the gate has it. */
export interface CacheParts {
  readonly answers: AnswerCache & {
    /** What all of them take, and how many were let go before their time. */
    readonly bytes: number;
    readonly size: number;
    readonly evicted: number;
    /** False: the store that they are in does not answer. */
    readonly up: boolean;
    /** Lookups that were misses because it did not. */
    readonly unanswered: number;
  };
  readonly store: 'memory' | 'valkey';
  /** Under which requests of a tenant are named, in hexadecimal: the same wherever the same answers are read. */
  readonly secretOf: (tenant: Tenant) => string;
  /** Answers that are being made. */
  readonly flights: Flights;
  readonly meter: CacheMeter;
}

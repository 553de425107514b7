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
  };
  /** Answers that are being made. */
  readonly flights: Flights;
  readonly meter: CacheMeter;
}

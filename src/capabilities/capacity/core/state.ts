import { invariant } from '#kernel/invariant.ts';
import { type BlockPool, blockPool } from './block-pool.ts';
import type { EngineOptions, EngineRequest } from './serving.ts';

/** One request inside the engine. */
export interface Sequence {
  readonly request: EngineRequest;
  readonly arrivedMs: number;
  /** Tokens whose keys and values are in blocks. */
  computed: number;
  generated: number;
  blocks: number[];
  /** When it first got memory; null before. */
  scheduledMs: number | null;
  /** Prompt tokens found in the prefix cache at the first scheduling; null before. */
  cachedTokens: number | null;
  /** Blocks of the prompt that are already named in the pool. */
  named: number;
  preemptions: number;
}

/**
 * One replica that serves by iteration-level continuous batching (Orca, OSDI 2022) with chunked prefill (Sarathi-Serve,
 * OSDI 2024) over paged memory. Holds no clock: time comes in, durations go out. Changed in place for speed.
 */
export interface Engine {
  readonly options: EngineOptions;
  readonly pool: BlockPool;
  /** First come first; a preempted one returns to the head. */
  readonly waiting: Sequence[];
  /** In order of admission; the last one is preempted first. */
  readonly running: Sequence[];
  readonly byId: Map<string, Sequence>;
  readonly totals: EngineTotals;
}

/** Counters since the start; `submitted` = finished + cancelled + inside. */
export interface EngineTotals {
  submitted: number;
  refused: number;
  finished: number;
  cancelled: number;
  preempted: number;
  steps: number;
  busyMs: number;
  prefillTokens: number;
  decodeTokens: number;
  cachedTokens: number;
}

export function createEngine(options: EngineOptions): Engine {
  invariant(options.sizes.totalBlocks > 0 && options.sizes.blockTokens > 0, 'an engine has memory');
  invariant(options.sizes.maxStepTokens > 0 && options.sizes.maxRunning > 0, 'an engine can make a step');
  return {
    options,
    pool: blockPool(options.sizes.totalBlocks),
    waiting: [],
    running: [],
    byId: new Map(),
    totals: {
      submitted: 0,
      refused: 0,
      finished: 0,
      cancelled: 0,
      preempted: 0,
      steps: 0,
      busyMs: 0,
      prefillTokens: 0,
      decodeTokens: 0,
      cachedTokens: 0,
    },
  };
}

/** Tokens to compute in this iteration, by sequence. */
export type Work = Map<Sequence, number>;

/** Tokens that must be in the cache before the next one can be generated. */
export const neededTokens = (sequence: Sequence): number => sequence.request.promptTokens + sequence.generated;

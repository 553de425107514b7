import { linearStepTime } from '#capabilities/capacity/core/step-time.ts';
import type { EngineSizes, StepTimeMs } from '#capabilities/capacity/core/serving.ts';
import type { AccountLimits } from './account.ts';
import type { CloudAccounts } from './clouds/platform.ts';
import { RANDOM_FAULTS, type ScheduledFault } from './faults.ts';
import type { LengthRange } from './plan-answer.ts';
import { BUILT_IN_SCRIPTS, type Script } from './scripts.ts';

export interface ProviderOptions {
  readonly host?: string;
  /** 0: any free one. */
  readonly port?: number;
  readonly seed?: number;
  /** JSON lines are appended here; null: memory only. */
  readonly logFile?: string | null;
  /** The only credential that is accepted; null: any, but there must be one. */
  readonly key?: string | null;
  /** What the simulated clouds accept; absent: nothing. */
  readonly clouds?: CloudAccounts;
  readonly sizes?: Partial<EngineSizes>;
  readonly stepTimeMs?: StepTimeMs;
  readonly lengths?: LengthRange;
  readonly faultSchedule?: readonly ScheduledFault[];
  /** Share of requests that a random fault hits, 0 to 1. */
  readonly faultRate?: number;
  readonly faults?: readonly string[];
  readonly scripts?: Readonly<Record<string, Script>>;
  /** Prompts shorter than this report no cache use (both real APIs: 1024). */
  readonly cacheMinTokens?: number;
  /** Limits of the one account that all generation is counted on; null: none, and the headers tell of a large one. */
  readonly account?: AccountLimits | null;
}

export interface ResolvedOptions extends Required<Omit<ProviderOptions, 'sizes' | 'scripts'>> {
  readonly sizes: EngineSizes;
  readonly scripts: ReadonlyMap<string, Script>;
}

/** One small replica: 16-token blocks, room for a million tokens of context, 256 requests at once. */
export const DEFAULT_SIZES: EngineSizes = {
  blockTokens: 16,
  totalBlocks: 65_536,
  maxStepTokens: 8_192,
  maxRunning: 256,
  maxWaiting: 4_096,
};

/** Quick, so that tests are: 50 tokens in about 10 ms. */
export const FAST_STEP_TIME = linearStepTime({
  baseMs: 0.2,
  msPerPrefillToken: 0.0002,
  msPerDecodeToken: 0.001,
  msPerKvToken: 0,
});

/** About an 8-billion-parameter model on one H100: 10 ms a step, 30,000 prompt tokens a second, KV reads at 3 TB/s. */
export const REALISTIC_STEP_TIME = linearStepTime({
  baseMs: 8,
  msPerPrefillToken: 0.033,
  msPerDecodeToken: 0.02,
  msPerKvToken: 0.000044,
});

export function resolveOptions(options: ProviderOptions): ResolvedOptions {
  return {
    host: options.host ?? '127.0.0.1',
    port: options.port ?? 0,
    seed: options.seed ?? 1,
    logFile: options.logFile ?? null,
    key: options.key ?? null,
    clouds: options.clouds ?? {},
    sizes: { ...DEFAULT_SIZES, ...options.sizes },
    stepTimeMs: options.stepTimeMs ?? FAST_STEP_TIME,
    lengths: options.lengths ?? { minTokens: 8, maxTokens: 48 },
    faultSchedule: options.faultSchedule ?? [],
    faultRate: options.faultRate ?? 0,
    faults: options.faults ?? RANDOM_FAULTS,
    scripts: new Map(Object.entries({ ...BUILT_IN_SCRIPTS, ...options.scripts })),
    cacheMinTokens: options.cacheMinTokens ?? 1_024,
    account: options.account ?? null,
  };
}

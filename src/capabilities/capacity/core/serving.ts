/** How large one replica's engine is. Data, so that a planner can vary it. */
export interface EngineSizes {
  /** Tokens in one block of the KV cache (vLLM's default is 16). */
  readonly blockTokens: number;
  /** KV blocks of the replica: what is left of its memory after weights. */
  readonly totalBlocks: number;
  /** Tokens that one iteration may compute, prefill and decode together (vLLM `max_num_batched_tokens`). */
  readonly maxStepTokens: number;
  /** Requests that one iteration may hold (vLLM `max_num_seqs`). */
  readonly maxRunning: number;
  /** Requests that may wait. One more is refused: an unbounded queue only hides overload. */
  readonly maxWaiting: number;
}

export interface EnginePolicy {
  /** Reuse full prompt blocks of equal content. */
  readonly prefixCache: boolean;
  /** Largest share of one prompt computed in one iteration; Infinity: bounded by `maxStepTokens` alone. */
  readonly prefillChunkTokens: number;
}

/** What one iteration computes. `kvTokens` is the context that attention reads: summed over the batch. */
export interface StepLoad {
  readonly prefillTokens: number;
  readonly decodeTokens: number;
  readonly kvTokens: number;
}

/** Time of one iteration in milliseconds: measured, fitted or a roofline. Must be finite and not negative. */
export type StepTimeMs = (load: StepLoad) => number;

export interface EngineOptions {
  readonly sizes: EngineSizes;
  readonly policy: EnginePolicy;
  readonly stepTimeMs: StepTimeMs;
}

export interface EngineRequest {
  readonly id: string;
  /** At least 1. */
  readonly promptTokens: number;
  /**
   * One key for each full block of the prompt, chained: a key stands for the block and everything before it, so that
   * equal keys mean equal prefixes. May be shorter than the prompt; blocks without a key are never shared.
   */
  readonly promptBlocks: readonly string[];
  /** Tokens that will be generated. 0 for an embedding: it ends with its prefill. */
  readonly outputTokens: number;
}

/** Why a request is not taken. `too_large`: it could not fit even alone. */
export type RefusalReason = 'queue_full' | 'too_large' | 'duplicate_id';

/** What happened in an iteration; all of it is visible to clients at its end, preemption at its start. */
export type EngineEvent =
  | {
      readonly type: 'first_token';
      readonly id: string;
      /** Prompt tokens found in the prefix cache, when the request was first scheduled. */
      readonly cachedTokens: number;
      /** From submission to the first iteration that computed for it. */
      readonly queuedMs: number;
    }
  /** `index` counts generated tokens from 0, so that the first of this type has 1. */
  | { readonly type: 'token'; readonly id: string; readonly index: number }
  | { readonly type: 'finished'; readonly id: string; readonly outputTokens: number; readonly cachedTokens: number }
  /** Its blocks were taken back; it waits at the head of the queue and is computed again. */
  | { readonly type: 'preempted'; readonly id: string; readonly lostTokens: number };

export interface StepResult {
  /** 0 where there was nothing to do. */
  readonly durationMs: number;
  readonly load: StepLoad;
  readonly events: readonly EngineEvent[];
}

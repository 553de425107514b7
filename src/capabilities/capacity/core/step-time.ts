import type { StepTimeMs } from './serving.ts';

/** A linear model of one iteration: what roofline fits reduce to for one model on one kind of GPU. All in ms. */
export interface LinearStepTime {
  /** Launch, scheduling and reading the weights once. */
  readonly baseMs: number;
  readonly msPerPrefillToken: number;
  readonly msPerDecodeToken: number;
  /** Reading one token's keys and values. */
  readonly msPerKvToken: number;
}

export const linearStepTime =
  (model: LinearStepTime): StepTimeMs =>
  (load) =>
    model.baseMs +
    model.msPerPrefillToken * load.prefillTokens +
    model.msPerDecodeToken * load.decodeTokens +
    model.msPerKvToken * load.kvTokens;

import { invariant } from '#kernel/invariant.ts';
import { availableBlocks, releaseBlocks } from './block-pool.ts';
import { admitWaiting, scheduleRunning } from './schedule.ts';
import { type Engine, type Sequence, type Work, neededTokens } from './state.ts';
import type { EngineEvent, EngineRequest, RefusalReason, StepLoad, StepResult } from './serving.ts';

export { type Engine, createEngine } from './state.ts';

/** Queues a request, or says why not. Work happens in {@link step}. */
export function submit(engine: Engine, request: EngineRequest, nowMs: number): RefusalReason | null {
  const reason = refusal(engine, request);
  if (reason) {
    engine.totals.refused++;
    return reason;
  }
  const sequence = newSequence(request, nowMs);
  engine.byId.set(request.id, sequence);
  engine.waiting.push(sequence);
  engine.totals.submitted++;
  return null;
}

function refusal(engine: Engine, request: EngineRequest): RefusalReason | null {
  invariant(request.promptTokens >= 1 && request.outputTokens >= 0, 'a request has a prompt');
  const { sizes } = engine.options;
  if (engine.byId.has(request.id)) return 'duplicate_id';
  if (request.promptTokens + request.outputTokens > sizes.totalBlocks * sizes.blockTokens) return 'too_large';
  return engine.waiting.length >= sizes.maxWaiting ? 'queue_full' : null;
}

const newSequence = (request: EngineRequest, arrivedMs: number): Sequence => ({
  request,
  arrivedMs,
  scheduledMs: null,
  computed: 0,
  generated: 0,
  blocks: [],
  cachedTokens: null,
  named: 0,
  preemptions: 0,
});

/** Takes a request out, wherever it is; true if it was inside. All that it owned is free at once. */
export function cancel(engine: Engine, id: string): boolean {
  const sequence = engine.byId.get(id);
  if (!sequence) return false;
  remove(engine.waiting, sequence);
  leave(engine, sequence);
  engine.totals.cancelled++;
  return true;
}

function leave(engine: Engine, sequence: Sequence): void {
  remove(engine.running, sequence);
  engine.byId.delete(sequence.request.id);
  releaseBlocks(engine.pool, sequence.blocks);
  sequence.blocks = [];
}

function remove(list: Sequence[], sequence: Sequence): void {
  const at = list.indexOf(sequence);
  if (at >= 0) list.splice(at, 1);
}

/** Is there anything to compute? */
export const hasWork = (engine: Engine): boolean => engine.byId.size > 0;

/**
 * One iteration. Its events become visible `durationMs` after `nowMs`; the caller steps again then, and not before.
 * Running requests come first (so that decode is not starved by prompts), then the waiting, in order of arrival.
 */
export function step(engine: Engine, nowMs: number): StepResult {
  const events: EngineEvent[] = [];
  const work = scheduleRunning(engine, events);
  // A step that had to take memory back admits nobody: the newcomer would be the next victim.
  if (!events.length) admitWaiting(engine, work, nowMs);
  const load = loadOf(work);
  for (const [sequence, tokens] of work) advance(engine, sequence, tokens, events);
  const durationMs = work.size ? engine.options.stepTimeMs(load) : 0;
  invariant(Number.isFinite(durationMs) && durationMs >= 0, 'a step takes a finite time');
  count(engine, load, durationMs, work.size > 0);
  return { durationMs, load, events };
}

function loadOf(work: Work): StepLoad {
  let [prefillTokens, decodeTokens, kvTokens] = [0, 0, 0];
  for (const [sequence, tokens] of work) {
    // One new token after the prompt is decode; anything else (also recomputation) is prefill.
    const decode = tokens === 1 && sequence.generated > 0 && sequence.computed === neededTokens(sequence) - 1;
    if (decode) decodeTokens += 1;
    else prefillTokens += tokens;
    kvTokens += sequence.computed + tokens;
  }
  return { prefillTokens, decodeTokens, kvTokens };
}

function advance(engine: Engine, sequence: Sequence, tokens: number, events: EngineEvent[]): void {
  sequence.computed += tokens;
  if (sequence.computed < neededTokens(sequence)) return;
  const { id, outputTokens } = sequence.request;
  const cachedTokens = sequence.cachedTokens ?? 0;
  if (outputTokens > 0) {
    const index = sequence.generated++;
    events.push(
      index === 0
        ? { type: 'first_token', id, cachedTokens, queuedMs: sequence.scheduledMs! - sequence.arrivedMs }
        : { type: 'token', id, index },
    );
  }
  if (sequence.generated < outputTokens) return;
  leave(engine, sequence);
  engine.totals.finished++;
  events.push({ type: 'finished', id, outputTokens: sequence.generated, cachedTokens });
}

function count(engine: Engine, load: StepLoad, durationMs: number, worked: boolean): void {
  if (worked) engine.totals.steps++;
  engine.totals.busyMs += durationMs;
  engine.totals.prefillTokens += load.prefillTokens;
  engine.totals.decodeTokens += load.decodeTokens;
}

/** A reading for load reports. `usedShare` is the share of KV memory that is owned, 0 to 1. */
export function engineLoad(engine: Engine): { running: number; waiting: number; usedShare: number } {
  const total = engine.options.sizes.totalBlocks;
  return {
    running: engine.running.length,
    waiting: engine.waiting.length,
    usedShare: (total - availableBlocks(engine.pool)) / total,
  };
}

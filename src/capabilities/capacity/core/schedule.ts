import { availableBlocks, nameBlock, releaseBlocks, shareBlock, takeBlock } from './block-pool.ts';
import { type Engine, type Sequence, type Work, neededTokens } from './state.ts';
import type { EngineEvent } from './serving.ts';

/** Gives every running request its tokens for this iteration; takes memory back from the youngest where it is short. */
export function scheduleRunning(engine: Engine, events: EngineEvent[]): Work {
  const work: Work = new Map();
  let budget = engine.options.sizes.maxStepTokens;
  // The list shrinks at its end while we walk: preemption takes the last one.
  for (let i = 0; i < engine.running.length && budget > 0; i++) {
    const sequence = engine.running[i]!;
    const tokens = chunk(engine, sequence, budget);
    if (!growWithPreemption(engine, sequence, tokens, events)) break;
    work.set(sequence, tokens);
    budget -= tokens;
  }
  return work;
}

/** Admits waiting requests while tokens, places and memory last. Never overtakes: the head that does not fit stops all. */
export function admitWaiting(engine: Engine, work: Work, nowMs: number): void {
  let budget = engine.options.sizes.maxStepTokens - sum(work);
  while (budget > 0 && engine.waiting.length > 0 && engine.running.length < engine.options.sizes.maxRunning) {
    const sequence = engine.waiting[0]!;
    const tokens = tryAdmit(engine, sequence, budget, nowMs);
    if (tokens === null) return;
    engine.waiting.shift();
    engine.running.push(sequence);
    work.set(sequence, tokens);
    budget -= tokens;
  }
}

function sum(work: Work): number {
  let total = 0;
  for (const tokens of work.values()) total += tokens;
  return total;
}

const chunk = (engine: Engine, sequence: Sequence, budget: number): number =>
  Math.min(neededTokens(sequence) - sequence.computed, budget, engine.options.policy.prefillChunkTokens);

function tryAdmit(engine: Engine, sequence: Sequence, budget: number, nowMs: number): number | null {
  attachPrefix(engine, sequence);
  const tokens = chunk(engine, sequence, budget);
  if (!grow(engine, sequence, tokens)) {
    detach(engine, sequence);
    return null;
  }
  if (sequence.cachedTokens === null) {
    sequence.scheduledMs = nowMs;
    sequence.cachedTokens = sequence.computed;
    engine.totals.cachedTokens += sequence.computed;
  }
  return tokens;
}

/** Takes over the longest known prefix. One prompt token is always computed: it is what the first output comes from. */
function attachPrefix(engine: Engine, sequence: Sequence): void {
  if (!engine.options.policy.prefixCache) return;
  const { blockTokens } = engine.options.sizes;
  const most = Math.floor((sequence.request.promptTokens - 1) / blockTokens);
  for (const key of sequence.request.promptBlocks.slice(0, most)) {
    const block = shareBlock(engine.pool, key);
    if (block === null) break;
    sequence.blocks.push(block);
  }
  sequence.computed = sequence.blocks.length * blockTokens;
  sequence.named = sequence.blocks.length;
}

/** Back to nothing: blocks released, all tokens to be computed again. */
function detach(engine: Engine, sequence: Sequence): void {
  releaseBlocks(engine.pool, sequence.blocks);
  sequence.blocks = [];
  sequence.computed = 0;
  sequence.named = 0;
}

/** Blocks for `tokens` more; false, and nothing taken, where memory is short. */
function grow(engine: Engine, sequence: Sequence, tokens: number): boolean {
  const { blockTokens } = engine.options.sizes;
  const missing = Math.ceil((sequence.computed + tokens) / blockTokens) - sequence.blocks.length;
  if (missing > availableBlocks(engine.pool)) return false;
  for (let i = 0; i < missing; i++) sequence.blocks.push(takeBlock(engine.pool)!);
  namePromptBlocks(engine, sequence, sequence.computed + tokens);
  return true;
}

/** Blocks that this iteration fills become shareable at once: who reads them is computed in the same or a later one. */
function namePromptBlocks(engine: Engine, sequence: Sequence, computedAfter: number): void {
  if (!engine.options.policy.prefixCache) return;
  const full = Math.floor(Math.min(computedAfter, sequence.request.promptTokens) / engine.options.sizes.blockTokens);
  const most = Math.min(full, sequence.request.promptBlocks.length);
  for (; sequence.named < most; sequence.named++) {
    nameBlock(engine.pool, sequence.blocks[sequence.named]!, sequence.request.promptBlocks[sequence.named]!);
  }
}

function growWithPreemption(engine: Engine, sequence: Sequence, tokens: number, events: EngineEvent[]): boolean {
  while (!grow(engine, sequence, tokens)) {
    const victim = engine.running.pop()!;
    preempt(engine, victim, events);
    if (victim === sequence) return false;
  }
  return true;
}

function preempt(engine: Engine, victim: Sequence, events: EngineEvent[]): void {
  events.push({ type: 'preempted', id: victim.request.id, lostTokens: victim.computed });
  detach(engine, victim);
  victim.preemptions++;
  engine.totals.preempted++;
  engine.waiting.unshift(victim);
}

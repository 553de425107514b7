import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Engine, cancel, createEngine, hasWork, step, submit } from './engine.ts';
import { linearStepTime } from './step-time.ts';
import type { EngineEvent, EngineOptions, EngineRequest } from './serving.ts';

const stepTimeMs = linearStepTime({ baseMs: 1, msPerPrefillToken: 0.01, msPerDecodeToken: 0.02, msPerKvToken: 0.0001 });

const options = (sizes: Partial<EngineOptions['sizes']> = {}): EngineOptions => ({
  sizes: { blockTokens: 4, totalBlocks: 24, maxStepTokens: 16, maxRunning: 8, maxWaiting: 1_000, ...sizes },
  policy: { prefixCache: true, prefillChunkTokens: Infinity },
  stepTimeMs,
});

/** A prompt that shares its first blocks with all of the same family: keys are chained, as the contract says. */
function request(id: string, family: number, promptTokens: number, outputTokens: number, shared = 2): EngineRequest {
  const blocks = Math.floor(promptTokens / 4);
  const promptBlocks = Array.from({ length: blocks }, (_, i) => (i < shared ? `f${family}.${i}` : `${id}.${i}`));
  return { id, promptTokens, promptBlocks, outputTokens };
}

/** Every block is in exactly one place, and has as many references as sequences that hold it. */
function checkBlocks(engine: Engine): void {
  const { pool } = engine;
  const held = new Map<number, number>();
  for (const sequence of engine.byId.values()) {
    assert.equal(new Set(sequence.blocks).size, sequence.blocks.length, 'a sequence holds a block once');
    for (const block of sequence.blocks) held.set(block, (held.get(block) ?? 0) + 1);
  }
  for (let block = 0; block < pool.references.length; block++) {
    assert.equal(pool.references[block], held.get(block) ?? 0, 'references are holders');
    const places = Number(held.has(block)) + Number(pool.idle.has(block)) + Number(pool.free.includes(block));
    assert.equal(places, 1, 'a block is in one place');
    if ((held.get(block) ?? 0) > 1) assert.notEqual(pool.keys[block], null, 'only named prefix blocks are shared');
  }
  for (const [key, block] of pool.byKey) assert.equal(pool.keys[block], key);
}

function drain(engine: Engine, check = true): { events: EngineEvent[]; nowMs: number } {
  const events: EngineEvent[] = [];
  let nowMs = 0;
  for (let i = 0; hasWork(engine); i++) {
    assert.ok(i < 20_000, 'the engine makes progress');
    const result = step(engine, nowMs);
    nowMs += result.durationMs;
    events.push(...result.events);
    if (check) checkBlocks(engine);
  }
  return { events, nowMs };
}

type Command =
  { do: 'submit'; family: number; prompt: number; output: number } | { do: 'cancel'; nth: number } | { do: 'step' };

const commands = fc.array(
  fc.oneof(
    fc.record({
      do: fc.constant('submit' as const),
      family: fc.nat(2),
      prompt: fc.integer({ min: 1, max: 60 }),
      output: fc.nat(30),
    }),
    fc.record({ do: fc.constant('cancel' as const), nth: fc.nat(40) }),
    fc.record({ do: fc.constant('step' as const) }),
    fc.record({ do: fc.constant('step' as const) }),
  ),
  { maxLength: 120 },
);

test('no block is leaked or owned twice and requests are conserved, whatever happens', () => {
  fc.assert(
    fc.property(commands, fc.integer({ min: 1, max: 40 }), (list, maxStepTokens) => {
      const engine = createEngine(options({ maxStepTokens }));
      const events: EngineEvent[] = [];
      for (const [i, command] of (list as Command[]).entries()) {
        if (command.do === 'submit')
          submit(engine, request(`r${i}`, command.family, command.prompt, command.output), i);
        else if (command.do === 'cancel') cancel(engine, `r${command.nth}`);
        else events.push(...step(engine, i).events);
        checkBlocks(engine);
        const { submitted, finished, cancelled } = engine.totals;
        assert.equal(submitted, finished + cancelled + engine.byId.size);
        assert.equal(engine.byId.size, engine.waiting.length + engine.running.length);
      }
      events.push(...drain(engine).events);
      assert.equal(engine.pool.free.length + engine.pool.idle.size, 24, 'an empty engine owns nothing');
      checkOutputs(events);
    }),
    { numRuns: 200 },
  );
});

/** A finished request told each of its tokens once and in order, preempted or not. */
function checkOutputs(events: readonly EngineEvent[]): void {
  const next = new Map<string, number>();
  for (const event of events) {
    if (event.type === 'first_token') next.set(event.id, 1);
    if (event.type === 'token') {
      assert.equal(event.index, next.get(event.id));
      next.set(event.id, event.index + 1);
    }
    if (event.type === 'finished') assert.equal(event.outputTokens, next.get(event.id) ?? 0);
  }
}

test('memory that is short preempts, and every request still ends with all its tokens', () => {
  const engine = createEngine(options({ totalBlocks: 12 }));
  for (let i = 0; i < 5; i++) submit(engine, request(`r${i}`, i, 8, 24, 0), 0);
  const { events } = drain(engine);
  assert.ok(engine.totals.preempted > 0);
  checkOutputs(events);
  assert.equal(events.filter((event) => event.type === 'finished').length, 5);
});

test('a repeated prefix is not prefilled again', () => {
  fc.assert(
    fc.property(fc.integer({ min: 5, max: 60 }), (promptTokens) => {
      const engine = createEngine(options());
      submit(engine, request('a', 0, promptTokens, 1, 99), 0);
      drain(engine);
      const before = engine.totals.prefillTokens;
      submit(engine, request('b', 0, promptTokens, 1, 99), 0);
      const { events } = drain(engine);
      const reusable = Math.floor((promptTokens - 1) / 4) * 4;
      assert.equal(engine.totals.prefillTokens - before, promptTokens - reusable);
      const first = events.find((event) => event.type === 'first_token');
      assert.equal(first?.type === 'first_token' && first.cachedTokens, reusable);
    }),
  );
});

test('without the prefix cache everything is computed', () => {
  const engine = createEngine({ ...options(), policy: { prefixCache: false, prefillChunkTokens: Infinity } });
  for (const id of ['a', 'b']) submit(engine, request(id, 0, 20, 1, 99), 0);
  drain(engine);
  assert.equal(engine.totals.prefillTokens, 40);
});

test('idle content is evicted least recently used first, tail before head', () => {
  const engine = createEngine(options({ totalBlocks: 4 }));
  for (const id of ['a', 'b']) {
    submit(engine, request(id, 0, 9, 0, 0), 0);
    drain(engine);
  }
  assert.equal(engine.pool.byKey.has('a.1'), false);
  assert.deepEqual([engine.pool.byKey.has('b.0'), engine.pool.byKey.has('b.1')], [true, true]);
});

/** Mean time to the first token where `n` requests arrive at once. */
function meanTtftMs(n: number): number {
  const engine = createEngine(options({ totalBlocks: 400 }));
  for (let i = 0; i < n; i++) submit(engine, request(`r${i}`, i, 40, 8, 0), 0);
  let [nowMs, sum] = [0, 0];
  while (hasWork(engine)) {
    const result = step(engine, nowMs);
    nowMs += result.durationMs;
    sum += result.events.filter((event) => event.type === 'first_token').length * nowMs;
  }
  return sum / n;
}

test('time to the first token grows with load', () => {
  const means = [1, 2, 4, 8, 16, 32].map(meanTtftMs);
  for (let i = 1; i < means.length; i++) assert.ok(means[i]! > means[i - 1]!, `${means[i]} > ${means[i - 1]}`);
});

test('cancel frees all at once, waiting or running', () => {
  const engine = createEngine(options({ maxRunning: 2 }));
  for (let i = 0; i < 4; i++) submit(engine, request(`r${i}`, i, 20, 20, 0), 0);
  for (let i = 0; i < 4; i++) step(engine, i);
  for (let i = 0; i < 4; i++) assert.equal(cancel(engine, `r${i}`), true);
  assert.equal(cancel(engine, 'r0'), false);
  checkBlocks(engine);
  assert.equal(engine.pool.free.length + engine.pool.idle.size, 24);
  assert.equal(hasWork(engine), false);
});

test('what cannot fit, a full queue and a second use of an id are refused', () => {
  const engine = createEngine(options({ maxWaiting: 1 }));
  assert.equal(submit(engine, request('big', 0, 90, 10), 0), 'too_large');
  assert.equal(submit(engine, request('a', 0, 4, 4), 0), null);
  assert.equal(submit(engine, request('a', 0, 4, 4), 0), 'duplicate_id');
  assert.equal(submit(engine, request('b', 0, 4, 4), 0), 'queue_full');
  assert.equal(engine.totals.refused, 3);
});

test('an embedding ends with its prefill; prompts are computed in chunks beside decoding', () => {
  const engine = createEngine(options());
  submit(engine, request('chat', 1, 4, 10, 0), 0);
  step(engine, 0);
  submit(engine, request('embed', 2, 40, 0, 0), 0);
  const loads = [step(engine, 1), step(engine, 2), step(engine, 3)].map((result) => result.load);
  assert.deepEqual(
    loads.map((load) => [load.prefillTokens, load.decodeTokens]),
    [
      [15, 1],
      [15, 1],
      [10, 1],
    ],
  );
  assert.equal(engine.byId.has('embed'), false);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { epochMs } from '#kernel/brand.ts';
import { callId } from '#kernel/ids.ts';
import { seededRng } from '#kernel/rng.ts';
import { attemptSpanId, isSampled, readParent, spanIdsOf, traceparent } from './trace-context.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN = '00f067aa0ba902b7';

test('a traceparent is read, and what the specification forbids counts as none', () => {
  assert.deepEqual(readParent(`00-${TRACE}-${SPAN}-01`, 'a=1,b=2'), {
    traceId: TRACE,
    spanId: SPAN,
    sampled: true,
    state: 'a=1,b=2',
  });
  assert.equal(readParent(`00-${TRACE}-${SPAN}-00`, '')!.sampled, false);
  assert.equal(readParent(`00-${TRACE}-${SPAN}-03`, '')!.sampled, true, 'other flags may be set');
  assert.equal(readParent(`cc-${TRACE}-${SPAN}-01-what-comes-later`, '')!.traceId, TRACE, 'a later version');
  for (const wrong of [
    '',
    `ff-${TRACE}-${SPAN}-01`,
    `00-${TRACE}-${SPAN}-01-more`,
    `00-${'0'.repeat(32)}-${SPAN}-01`,
    `00-${TRACE}-${'0'.repeat(16)}-01`,
    `00-${TRACE.toUpperCase()}-${SPAN}-01`,
    `00-${TRACE.slice(1)}-${SPAN}-01`,
    `00-${TRACE}-${SPAN}-1`,
    `00-${TRACE}-${SPAN}-01${'-x'.repeat(100)}`,
  ])
    assert.equal(readParent(wrong, ''), null, wrong);
  assert.equal(readParent(`00-${TRACE}-${SPAN}-01`, 'x'.repeat(513))!.state, '', 'a list that is too long is left out');
  assert.equal(readParent(`00-${TRACE}-${SPAN}-01`, 'a=\u00e9')!.state, '');
});

test('ids come from the call: the time stands at the start, and attempts differ', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2 ** 48 - 1 }), fc.integer({ min: 1, max: 2 ** 31 }), (ms, seed) => {
      const id = callId(epochMs(ms), seededRng(seed));
      const { traceId, spanId } = spanIdsOf(id, null);
      assert.match(traceId, /^[0-9a-f]{32}$/);
      assert.equal(spanId, traceId.slice(16));
      assert.equal(Number.parseInt(traceId.slice(0, 12), 16), ms);
      const ids = [spanId, ...[1, 2, 3, 10].map((n) => attemptSpanId(spanId, n))];
      assert.equal(new Set(ids).size, ids.length);
      for (const one of ids) assert.match(one, /^[0-9a-f]{16}$/);
      assert.notEqual(readParent(traceparent(traceId, spanId, true), ''), null);
    }),
  );
  assert.equal(spanIdsOf('call_01M8ADMRMVT3Z2B40Q4PZED26C', { traceId: TRACE }).traceId, TRACE);
});

test('the share of traces that is kept is the ratio, and a larger ratio keeps what a smaller one kept', () => {
  const rng = seededRng(3);
  const ids = Array.from({ length: 20_000 }, (_, i) => spanIdsOf(callId(epochMs(1e12 + i), rng), null).traceId);
  const kept = (ratio: number): Set<string> =>
    new Set(ids.filter((id) => isSampled(id, null, { ratio, parent: 'obey' })));
  const [tenth, half] = [kept(0.1), kept(0.5)];
  assert.ok(Math.abs(tenth.size / ids.length - 0.1) < 0.01 && Math.abs(half.size / ids.length - 0.5) < 0.02);
  assert.ok([...tenth].every((id) => half.has(id)));
  assert.equal(kept(0).size, 0);
  assert.equal(kept(1).size, ids.length);
});

test('the flag of the caller decides where it is obeyed', () => {
  const parent = readParent(`00-${TRACE}-${SPAN}-00`, '');
  assert.equal(isSampled(TRACE, parent, { ratio: 1, parent: 'obey' }), false);
  assert.equal(isSampled(TRACE, parent, { ratio: 1, parent: 'ignore' }), true);
});

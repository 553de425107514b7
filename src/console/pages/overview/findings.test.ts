import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findingsOf, type Evidence } from './findings.ts';
import type { NowFinding } from './view.ts';

const QUIET: Evidence = { now: null, budgets: [], total: null, zone: 'UTC' };
const texts = (evidence: Partial<Evidence>): string[] =>
  findingsOf({ ...QUIET, ...evidence }).map(({ grade, text }) => `${grade} ${text}`);
const now = (...findings: NowFinding[]): Pick<Evidence, 'now'> => ({ now: { findings } as never });

test('nothing is wrong where nothing is', () => {
  assert.deepEqual(texts({ total: { calls: 1_000, errors: 3, unknownCostCalls: 0 }, ...now() }), []);
});

test('findings of the gate: the worst first, in the reader’s zone, with what to type', () => {
  const drain: NowFinding = {
    ...{ grade: 'warn', about: 'drain', text: 'The model m is drained.', evidence: [] },
    next: ['headgate drain stop drn_1'],
  };
  const provider: NowFinding = {
    ...{ grade: 'bad', about: 'provider', text: 'Provider east fails since about 2026-11-25T02:41:00.000Z.' },
    evidence: ['it began after: price.set (2026-11-25T02:39:00.000Z, admin)'],
    next: ['headgate drain east --for 30m --reason "…"   refuses lone: nothing else serves it'],
  };
  const streams: NowFinding = {
    ...drain,
    about: 'streams',
    text: 'Streams over sse: 20 of 80 streams lost their reader.',
  };
  const [first, second, third] = findingsOf({ ...QUIET, ...now(drain, provider, streams), zone: 'Europe/Berlin' });
  assert.equal(first!.text, 'Provider east fails since about 03:41.');
  assert.deepEqual(first!.evidence, ['it began after: price.set (03:39, admin)']);
  assert.deepEqual(first!.next, ['headgate drain east --for 30m --reason "…"']);
  assert.deepEqual([first!.page, second!.page, third!.page], ['providers', 'providers', 'streams']);
});

test('errors are a finding by their share, and a handful of calls is no share', () => {
  assert.deepEqual(texts({ total: { calls: 10, errors: 10, unknownCostCalls: 0 } }), []);
  assert.match(texts({ total: { calls: 100, errors: 2, unknownCostCalls: 0 } })[0]!, /^warn 2.0 %/);
  assert.match(texts({ total: { calls: 100, errors: 10, unknownCostCalls: 0 } })[0]!, /^bad 10.0 %/);
});

test('calls without a price are said', () => {
  assert.match(texts({ total: { calls: 100, errors: 0, unknownCostCalls: 1 } })[0]!, /^warn 1 call has no known price/);
});

test('a tenant’s own budgets: used up is bad, near is a warning, one for each of many has no one figure', () => {
  const budget = (spent: bigint | null, warnAt: readonly number[] = [0.8]) => ({
    scope: { level: 'tenant', tenant: 'acme', id: null },
    ...{ window: { kind: 'calendar', unit: 'month', timeZone: 'UTC' }, warnAt },
    ...{ limit: 100n, spent, reserved: spent === null ? null : 5n },
  });
  const all = [budget(95n), budget(75n), budget(74n), budget(null), budget(94n, [])];
  assert.deepEqual(texts({ budgets: all as never }), [
    'bad Budget of tenant acme, month (UTC): 100.0 % is used.',
    'warn Budget of tenant acme, month (UTC): 80.0 % is used.',
  ]);
});

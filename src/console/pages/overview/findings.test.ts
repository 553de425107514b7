import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseUsd } from '#kernel/money.ts';
import type { Status } from '../../state/connection.ts';
import type { BudgetView } from '../../state/questions.ts';
import { findingsOf, type Evidence } from './findings.ts';

const QUIET: Evidence = { status: null, budgets: [], providers: null, alerts: null, refused: null, total: null };
const usd = (text: string) => parseUsd(text)!;
const budget = (spent: string | null, reserved = '0'): BudgetView => ({
  id: 'bud_1',
  scope: { level: 'tenant', tenant: 'acme', id: null },
  limit: usd('10'),
  spent: spent === null ? null : usd(spent),
  reserved: usd(reserved),
  resetsAt: null,
  window: { kind: 'total' },
  mode: 'bounded',
  warnAt: [0.8],
  contact: null,
  raise: null,
});
const texts = (evidence: Partial<Evidence>): string[] =>
  findingsOf({ ...QUIET, ...evidence }).map(({ grade, text }) => `${grade} ${text}`);

test('nothing is wrong where nothing is', () => {
  assert.deepEqual(texts({ total: { calls: 1_000, errors: 3, unknownCostCalls: 0 }, budgets: [budget('7.99')] }), []);
});

test('a budget warns at its own threshold, money held for calls in flight counts, and a full one comes first', () => {
  assert.deepEqual(texts({ budgets: [budget('7', '1'), budget('10'), budget(null)] }), [
    'bad The budget of tenant acme has 100.0 % of $10.00 used: calls that do not fit are refused.',
    'warn The budget of tenant acme has 80.0 % of $10.00 used.',
  ]);
});

test('errors are a finding by their share, and a handful of calls is no share', () => {
  assert.deepEqual(texts({ total: { calls: 10, errors: 10, unknownCostCalls: 0 } }), []);
  assert.match(texts({ total: { calls: 100, errors: 2, unknownCostCalls: 0 } })[0]!, /^warn 2.0 %/);
  assert.match(texts({ total: { calls: 100, errors: 10, unknownCostCalls: 0 } })[0]!, /^bad 10.0 %/);
});

test('unknown prices, a refused file and a spool that lags are said', () => {
  const spool = { unshippedCalls: 900, oldestUnshippedMs: 125_000, diskFull: true, lostRecords: 2 };
  const found = texts({
    total: { calls: 30, errors: 0, unknownCostCalls: 1 },
    refused: { at: '2026-11-25T00:00:00Z', why: 'x' },
    status: { spool, stateFrom: 'snapshot' } as Status,
  });
  assert.deepEqual(
    found.map((text) => text.slice(0, 24)),
    [
      'bad The ledger’s spool c',
      'bad 2 records of the led',
      'warn 900 calls wait for ',
      'warn The store was away ',
      'warn A changed headgate.',
      'warn 1 call has no known',
    ],
  );
});

test('an alert that fires is a finding, one a rule; what pends and what is for information is none', () => {
  const rule = (name: string, severity: string, state: string, texts: readonly string[], leftOut = 0) => ({
    ...{ rule: name, severity, state, leftOut },
    alerts: texts.map((text) => ({ phase: state, text })),
  });
  const rules = [
    rule('errors', 'critical', 'firing', ['model m: 6 of 6 calls failed', 'model n: …'], 3),
    rule('lag', 'warning', 'firing', ['the store is 2 m behind']),
    rule('note', 'info', 'firing', ['x']),
    rule('soon', 'critical', 'pending', ['x']),
  ];
  assert.deepEqual(texts({ alerts: { rules } as never }), [
    'bad Alert errors: model m: 6 of 6 calls failed, and 4 more.',
    'warn Alert lag: the store is 2 m behind.',
  ]);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseUsd } from '#kernel/money.ts';
import type { Status } from '../../state/connection.ts';
import type { BudgetView } from '../../state/questions.ts';
import { findingsOf, type Evidence } from './findings.ts';

const QUIET: Evidence = { status: null, budgets: [], providers: null, refused: null, total: null };
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

test('what is drained is said', () => {
  const drain = {
    ...{ id: 'drn_1', level: 'provider' as const, target: 'east', reason: 'errors', actor: 'admin' },
    ...{ startedAt: '2026-11-25T03:00:00.000Z', until: '2026-11-25T03:30:00.000Z' },
  };
  assert.deepEqual(texts({ providers: { since: '', sampledCalls: 0, providers: [], drains: [drain] } }), [
    'warn The provider east is drained until 2026-11-25 03:30 UTC by admin: errors.',
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

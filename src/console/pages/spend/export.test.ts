import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseUsd } from '#kernel/money.ts';
import type { SpendRow } from '#ports/ledger-store.ts';
import { spendReport } from '#cli/spend/report.ts';
import { spendCsv, spendJson } from './export.ts';

const row = (by: (string | null)[], cost: string): SpendRow => ({
  by,
  calls: 2,
  errors: 1,
  costNanoUsd: parseUsd(cost)!,
  unknownCostCalls: 0,
  estimatedNanoUsd: parseUsd('0')!,
  savedNanoUsd: parseUsd('0')!,
  inputTokens: 10,
  cachedReadTokens: 4,
  cacheWriteTokens: 0,
  outputTokens: 3,
  reasoningTokens: 0,
  totalMsSketch: null,
  firstTokenMsSketch: null,
});
const report = spendReport({
  from: Date.UTC(2026, 10, 1),
  to: Date.UTC(2026, 10, 2),
  zone: 'UTC',
  by: ['tenant', 'model'],
  filters: {},
  rows: [row(['=cmd|calc', 'a "quoted", name'], '0.000000001'), row([null, '-1+1'], '12.5')],
  priorRows: [],
});

test('a line a group with exact money; names cannot become formulas, commas or lines', () => {
  const [head, first, second, end] = spendCsv(report).split('\r\n');
  assert.match(head!, /^from,to,tenant,model,calls,errors,/);
  assert.ok(
    first!.startsWith(
      '2026-11-01T00:00:00.000Z,2026-11-02T00:00:00.000Z,\'=cmd|calc,"a ""quoted"", name",2,1,10,4,0,3,0,0.000000001,',
    ),
  );
  assert.ok(second!.includes(",,'-1+1,2,1,"));
  assert.equal(end, '');
});

test('JSON is the report of the command line', () => {
  const { version, report: name, lines, total } = JSON.parse(spendJson(report));
  assert.deepEqual([version, name, lines.length, total.costUsd], [1, 'spend', 2, '12.500000001']);
});

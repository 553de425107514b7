import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nanoUsd, sumUsd } from '#kernel/money.ts';
import { intBetween, seededRng } from '#kernel/rng.ts';
import { emptySums, spendRow } from '#ports/rollups.ts';
import { isPivot, kindsOf, ofKind, pivotLines } from './pivot.ts';
import { spendReport } from './report.ts';

const rng = seededRng(20_261_125);
const row = (tenant: string, kind: string) =>
  spendRow([tenant, kind], { ...emptySums(), calls: 1, costNanoUsd: BigInt(intBetween(rng, 0, 5_000_000)) });
const rows = ['acme', 'globex', 'initech'].flatMap((tenant) => [row(tenant, 'generate'), row(tenant, 'embed')]);
const report = spendReport({
  from: 0,
  to: 1,
  zone: 'UTC',
  by: ['tenant', 'kind'],
  filters: {},
  rows: rows.slice(0, -1),
  priorRows: rows,
});

test('kinds of a line sum to the line, and lines to the report', () => {
  assert.ok(isPivot(report));
  const kinds = kindsOf(report.lines);
  const lines = pivotLines(report);
  assert.equal(lines.length, 3);
  for (const line of lines)
    assert.equal(sumUsd(kinds.map((kind) => ofKind(line.lines, kind)?.costNanoUsd ?? nanoUsd(0n))), line.costNanoUsd);
  assert.equal(sumUsd(lines.map((line) => line.costNanoUsd)), report.total.costNanoUsd);
  assert.equal(ofKind(lines.find(({ by }) => by[0] === 'initech')!.lines, 'embed'), null);
});

test('groups come the dearest first, and kinds by their money', () => {
  const costs = pivotLines(report).map(({ costNanoUsd }) => costNanoUsd);
  assert.deepEqual(
    costs,
    costs.toSorted((a, b) => (a > b ? -1 : 1)),
  );
  const [first, second] = kindsOf(report.lines).map((kind) => ofKind(report.lines, kind)!.costNanoUsd);
  assert.ok(first! >= second!);
});

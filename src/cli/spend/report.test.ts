import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { nanoUsd, parseUsd } from '#kernel/money.ts';
import type { SpendRow } from '#ports/ledger-store.ts';
import { jsonText } from '../json.ts';
import { paintWith } from '../terminal.ts';
import { drawSpend } from './draw.ts';
import { folded, spendReport, sumOf } from './report.ts';

const SEED = Number(process.env['SEED'] ?? 20261124);
const DAY_MS = 86_400_000;
const to = Date.UTC(2026, 10, 23, 13);

const row = (by: (string | null)[], cost: string, more: Partial<SpendRow> = {}): SpendRow => ({
  by,
  calls: 10,
  errors: 0,
  costNanoUsd: parseUsd(cost)!,
  unknownCostCalls: 0,
  estimatedNanoUsd: nanoUsd(0n),
  savedNanoUsd: nanoUsd(0n),
  inputTokens: 1000,
  cachedReadTokens: 0,
  cacheWriteTokens: 0,
  outputTokens: 100,
  reasoningTokens: 0,
  totalMsSketch: null,
  firstTokenMsSketch: null,
  ...more,
});

const report = (rows: SpendRow[], priorRows: SpendRow[], by: string[]) =>
  spendReport({ from: to - 7 * DAY_MS, to, zone: 'Europe/Berlin', by: by as never, filters: {}, rows, priorRows });
const draw = (value: ReturnType<typeof report>, width = 120): string[] =>
  drawSpend(value, { terminal: { width, paint: paintWith(false) }, limit: 20, keyName: () => null }).split('\n');

test('tenants by kind: kinds are columns, with share and change', () => {
  const rows = [
    row(['acme', 'embed'], '944.12'),
    row(['acme', 'generate'], '812.40'),
    row(['globex', 'generate'], '601.77'),
    row(['globex', 'embed'], '38.20'),
    row(['initech', 'generate'], '417.03'),
  ];
  const priors = [
    row(['acme', 'embed'], '460'),
    row(['acme', 'generate'], '812.84'),
    row(['globex', 'generate'], '666'),
  ];
  const lines = draw(report(rows, priors, ['tenant', 'kind']));
  assert.equal(lines[0], '7 days to 2026-11-23 14:00 Europe/Berlin · 50 calls');
  assert.deepEqual(lines.slice(2, 7), [
    'tenant    generate    embed      total    share  vs prior week',
    'acme       $812.40  $944.12  $1,756.52   62.4 %          +38 %',
    'globex     $601.77   $38.20    $639.97   22.7 %           −4 %',
    'initech    $417.03        –    $417.03   14.8 %            new',
    'total    $1,831.20  $982.32  $2,813.52  100.0 %          +45 %',
  ]);
});

test('unknown and estimated money is marked and explained', () => {
  const rows = [
    row(['a'], '2', { estimatedNanoUsd: parseUsd('0.5')! }),
    row(['b'], '1', { unknownCostCalls: 3 }),
    row(['c'], '0', { unknownCostCalls: 10 }),
  ];
  const text = draw(report(rows, [], ['model'])).join('\n');
  assert.match(text, /≈\$2\.00/);
  assert.match(text, /≥\$1\.00/);
  assert.match(text, /c .* unknown /);
  assert.match(text, /13 calls have no known price/);
  assert.match(text, /16\.7 % estimated/);
  assert.doesNotMatch(text, /vs prior/);
});

test('a tenant with a hostile name stays on its line', () => {
  const lines = draw(report([row(['x\u001b[2J\nrm'], '1')], [], ['tenant']));
  assert.ok(lines.some((line) => line.startsWith('x rm ')));
});

test('values beyond the bound are explained where they stand, and nowhere else', () => {
  const lines = draw(report([row(['(other)'], '1'), row(['v7'], '2')], [], ['label:run']));
  assert.ok(lines.some((line) => line.startsWith('(other): values that came after')));
  assert.ok(
    !draw(report([row(['v7'], '2')], [], ['label:run']))
      .join('\n')
      .includes('(other)'),
  );
});

test('the empty window says what to do', () => {
  assert.match(draw(report([], [], ['tenant'])).join('\n'), /No calls in this window\.\n\nhint:/);
});

test('JSON carries exact money and its version', () => {
  const json = JSON.parse(jsonText(report([row(['a'], '0.000000001')], [], ['tenant']))) as Record<string, any>;
  assert.equal(json['version'], 1);
  assert.equal(json['lines'][0].costUsd, '0.000000001');
  assert.equal(json['total'].priorCostUsd, null);
});

test('lines and the folded rest sum to the total', () => {
  const rows = fc.array(fc.record({ cost: fc.bigInt({ min: 0n, max: 10n ** 15n }), calls: fc.nat({ max: 1e6 }) }), {
    maxLength: 30,
  });
  fc.assert(
    fc.property(rows, fc.integer({ min: 1, max: 10 }), (groups, most) => {
      const value = report(
        groups.map(({ cost, calls }, i) => row([`t${i}`], '0', { costNanoUsd: nanoUsd(cost), calls })),
        [],
        ['tenant'],
      );
      const { shown, rest } = folded(value, most);
      const sum = sumOf([...shown, ...(rest ? [rest] : [])]);
      assert.equal(sum.costNanoUsd, value.total.costNanoUsd);
      assert.equal(sum.calls, value.total.calls);
    }),
    { seed: SEED },
  );
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { drawTable, type Table } from './table.ts';
import { displayWidth } from './text.ts';

const SEED = Number(process.env['SEED'] ?? 20261124);

const table: Table = {
  columns: [
    { title: 'tenant', shrinkTo: 8 },
    { title: 'calls', align: 'right', leaves: 1 },
    { title: 'cost', align: 'right' },
  ],
  rows: [
    ['acme-international', '1,204', '$12.47'],
    ['globex', '7', { text: '$0.00031', tone: (text) => `<${text}>` }],
  ],
  footer: ['total', '1,211', '$12.47'],
};

test('numbers stand right, texts left, two spaces between, colour outside of the width', () => {
  assert.deepEqual(drawTable(table, { width: 80 }).lines, [
    'tenant              calls      cost',
    'acme-international  1,204    $12.47',
    'globex                  7  <$0.00031>',
    'total               1,211    $12.47',
  ]);
});

test('a narrow terminal cuts texts, then leaves columns out and says which', () => {
  const narrow = drawTable(table, { width: 25 });
  assert.ok(narrow.lines[1]!.startsWith('acme-in…'));
  assert.deepEqual(narrow.left, []);
  assert.deepEqual(drawTable(table, { width: 19 }).left, ['calls']);
});

test('no line is wider than the terminal as long as the least widths fit', () => {
  const cell = fc.string({ minLength: 0, maxLength: 40 }).map((text) => text.trim());
  fc.assert(
    fc.property(
      fc.array(fc.tuple(cell, cell, cell), { maxLength: 8 }),
      fc.integer({ min: 30, max: 90 }),
      (rows, width) => {
        const columns = [
          { title: 'a', shrinkTo: 6 },
          { title: 'b', shrinkTo: 6, leaves: 1 },
          { title: 'c', shrinkTo: 6, align: 'right' },
        ] as const;
        for (const line of drawTable({ columns, rows }, { width }).lines) assert.ok(displayWidth(line) <= width);
      },
    ),
    { seed: SEED },
  );
});

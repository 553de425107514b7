import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { parse } from 'csv-parse/sync';
import { parseUsd } from '#kernel/money.ts';
import { json, startUpstream, type ScriptedUpstream } from '../clients-rules/scripted-upstream.ts';
import { headgate } from '../harness/cli.ts';
import { startGate, type GateProcess } from '../harness/gate-process.ts';
import { ANSWER, ask, SECRET_WORDS } from '../telemetry/asking.ts';
import { cellFault, FOCUS_RULES, rowFaults } from './focus-rules.ts';

type Row = Record<string, string>;
const rowsOf = (text: string): Row[] => parse(text, { columns: true }) as Row[];
const sumOf = (rows: readonly Row[], column: string): bigint =>
  rows.reduce((sum, row) => sum + (row[column] === '' ? 0n : parseUsd(row[column]!)!), 0n);

describe('exports of a gate', () => {
  let upstream: ScriptedUpstream;
  let gate: GateProcess;
  const work = mkdtempSync(join(tmpdir(), 'headgate-exports-'));

  before(async () => {
    upstream = await startUpstream();
    upstream.answer(json(ANSWER));
    gate = await startGate({
      config: `
providers: { first: { kind: lab, baseUrl: "${upstream.url}/v1" } }
models: { m: { deployments: [{ provider: first, model: up }] }, "=evil": { deployments: [{ provider: first, model: up }] } }
prices: [{ provider: first, model: up, perMillion: { input: "0.333", output: "2.777" } }]
`,
    });
    for (const id of ['acme', 'globex']) {
      await gate.admin('POST', '/tenants', { id, name: `The ${id}` });
      const { key } = await gate.admin('POST', '/keys', { tenant: id, name: 'k' });
      for (let i = 0; i < 4; i++) await ask(gate, { key, model: i === 3 ? '=evil' : 'm' });
    }
    await gate.until('the ledger', async () => (await spent()).calls === 8);
  });
  after(async () => {
    await gate?.stop();
    await upstream?.close();
    rmSync(work, { recursive: true, force: true });
  });

  const spent = async (query = ''): Promise<any> =>
    (await gate.admin('GET', `/spend?since=1h&by=environment&figures=sums${query}`)).rows[0] ?? { calls: 0 };
  const over = (query: string): Promise<Response> =>
    fetch(`${gate.url}/admin/export?${query}`, { headers: { authorization: `Bearer ${gate.adminToken}` } });

  test('FOCUS: every column and row obeys the specification, and the rows are the ledger’s sum', async () => {
    const response = await over('since=1h&format=focus&period=hour');
    assert.equal(response.status, 200);
    assert.match(response.headers.get('content-disposition')!, /^attachment; filename="headgate-.*focus\.csv"$/);
    const text = await response.text();
    const head = text.slice(0, text.indexOf('\r\n')).split(',');
    for (const [name, { level }] of Object.entries(FOCUS_RULES))
      if (level === 'mandatory') assert.ok(head.includes(name), name);
    assert.equal(new Set(head).size, head.length);
    const own = head.findIndex((name) => name.startsWith('x_'));
    assert.ok(
      head.slice(own).every((name) => name.startsWith('x_')),
      'columns of our own come last',
    );
    const rows = rowsOf(text);
    const faults = rows.flatMap((row) => [
      ...Object.entries(row).flatMap(([name, cell]) => cellFault(name, cell) ?? []),
      ...rowFaults(row),
    ]);
    assert.deepEqual(faults, []);
    assert.equal(sumOf(rows, 'BilledCost'), parseUsd((await spent()).costUsd));
    assert.deepEqual([...new Set(rows.map(({ SubAccountName }) => SubAccountName))].toSorted(), [
      'The acme',
      'The globex',
    ]);
    assert.ok(
      cellFault('BilledCost', '$1') && cellFault('ChargeCategory', 'Fee') && cellFault('ListCost', ''),
      'the judge is strict',
    );
  });

  test('the command writes a whole file or none, and its rows are the sum of the ledger for the same filter', async () => {
    const path = join(work, 'calls.csv');
    const { code, out, err } = await headgate(
      ['spend', 'export', '--from', '1h', '--tenant', 'acme', '--out', path, '--json'],
      gate,
    );
    assert.equal(code, 0, err);
    assert.deepEqual([JSON.parse(out).rows, JSON.parse(out).gone], [4, null]);
    const text = readFileSync(path, 'utf8');
    assert.ok(!existsSync(`${path}.part`) && !text.includes(SECRET_WORDS));
    const rows = rowsOf(text);
    assert.equal(sumOf(rows, 'cost_usd'), parseUsd((await spent('&tenant=acme')).costUsd));
    assert.equal(rows.filter(({ model }) => model === "'=evil").length, 1);
    const bad = await headgate(['spend', 'export', '--out', join(work, 'nowhere/x.csv')], gate);
    assert.equal(bad.code, 1);
    assert.match(bad.err, /cannot_write.*ENOENT[\s\S]*hint:/);
  });

  test('JSON lines on standard output are calls as the admin API has them; the report stays the group’s own command', async () => {
    const { out, err } = await headgate(['spend', 'export', '--format', 'jsonl', '--from', '1h'], gate);
    const lines = out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    assert.equal(lines.length, 8);
    assert.deepEqual(lines[0], await gate.admin('GET', `/calls/${lines[0].id}`));
    assert.match(err, /^8 rows/m);
    assert.equal(JSON.parse((await headgate(['spend', '--json'], gate)).out).report, 'spend');
    assert.match((await headgate(['spend'], gate)).out, /8 calls/);
  });

  test('a wrong question is refused before anything is sent, and nobody without the token gets a row', async () => {
    assert.equal((await over('format=xml')).status, 400);
    assert.equal((await fetch(`${gate.url}/admin/export`)).status, 401);
    const { code } = await headgate(['spend', 'export', '--from', '2026-11-02', '--to', '2026-11-01'], gate);
    assert.equal(code, 2);
  });

  test('without a gate the folder gives the same', async () => {
    const focus = ['spend', 'export', '--format', 'focus', '--from', '1h'];
    const before = await headgate(focus, gate);
    await gate.kill();
    const left = await headgate(focus, gate);
    assert.equal(left.code, 0, left.err);
    assert.equal(left.out, before.out);
    assert.match(left.err, /no gate is running/);
  });
});

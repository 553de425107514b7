import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { startProvider, type Provider } from '#lab/provider/provider.ts';
import { startGate, type GateProcess } from '../harness/gate-process.ts';

const CONFIG = (url: string): string => `
providers: { lab: { kind: lab, baseUrl: "${url}/v1" } }
models: { small: { deployments: [{ provider: lab, model: lab-small }] } }
prices: [{ provider: lab, model: lab-small, perMillion: { input: "1", output: "2" } }]
features: { search: {}, chat: {} }
tenants: { acme: { plan: pro }, globex: {}, ops: {} }
attribution:
  shared: { operations: { tenants: [ops], rule: requests } }
  costs: [{ name: gpus, provider: lab, kind: gpu, perMonth: "1000", currency: EUR, rule: even, from: 2026-01 }]
  currencies: { EUR: [{ from: 2026-01-01, usd: "1.10" }] }
  pricing: { plans: { pro: { perMonth: "700" } }, tenants: { globex: { markup: 20 } } }
`;

const nano = (text: string): bigint => BigInt(Math.round(Number(text) * 1e9));
const sum = (values: readonly string[]): bigint => values.reduce((all, text) => all + nano(text), 0n);

describe('a month’s bill of a running gate', () => {
  let provider: Provider;
  let gate: GateProcess;
  let work: string;
  const month = new Date().toISOString().slice(0, 7);

  async function call(tenant: string, feature: string): Promise<void> {
    const made = await gate.admin('POST', '/keys', { tenant, name: 'k', rights: { features: '*' } });
    const response = await fetch(`${gate.url}/v1/chat/completions`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${made.key}`,
        'content-type': 'application/json',
        'x-headgate-feature': feature,
      },
      body: JSON.stringify({ model: 'small', max_tokens: 20, messages: [{ role: 'user', content: 'Say hello.' }] }),
    });
    assert.equal(response.status, 200, await response.text());
  }

  async function headgate(...args: readonly string[]) {
    const bin = join(import.meta.dirname, '../../bin/headgate.js');
    const env = {
      PATH: process.env['PATH'] ?? '',
      HEADGATE_DATA: join(gate.dataDir, 'state'),
      TZ: 'UTC',
      COLUMNS: '140',
    };
    const child = spawn(process.execPath, [bin, 'spend', ...args], {
      cwd: work,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk));
    const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
    return { code, stdout, stderr };
  }
  const json = async (...args: readonly string[]): Promise<any> => {
    const { code, stdout, stderr } = await headgate(...args, '--json');
    assert.equal(code, 0, stderr);
    return JSON.parse(stdout);
  };

  before(async () => {
    work = mkdtempSync(join(tmpdir(), 'headgate-bill-'));
    provider = await startProvider({ seed: 20_261_127 });
    gate = await startGate({ config: CONFIG(provider.url) });
    for (const [tenant, feature] of [
      ['acme', 'search'],
      ['acme', 'chat'],
      ['globex', 'search'],
      ['ops', 'search'],
    ] as const)
      await call(tenant, feature);
    await gate.until('four calls in the store', async () => (await gate.admin('GET', '/calls')).calls.length === 4);
  });
  after(async () => {
    await gate?.stop();
    await provider?.close();
    rmSync(work, { recursive: true, force: true });
  });

  test('lines sum to what the provider bills: the rent of its GPUs, whatever calls cost by the list', async () => {
    const bill = await json('attribution');
    assert.deepEqual([bill.report, bill.month, bill.timeZone, bill.closedAt], ['attribution', month, 'UTC', null]);
    assert.equal(bill.billedUsd, '1100');
    assert.equal(sum(bill.lines.map((line: any) => line.amountUsd)), nano('1100'));
    const [spent] = (await gate.admin('GET', '/spend?by=provider')).rows;
    assert.equal(bill.providers[0].callsUsd, spent.costUsd);
    // What ops spent is shared: it has no line of its own.
    assert.ok(bill.lines.every((line: any) => line.tenant !== 'ops'));
    const shared = bill.lines.filter((line: any) => line.bucket === 'operations');
    assert.deepEqual(
      shared.map((line: any) => line.rule),
      ['requests', 'requests', 'requests'],
    );
    const text = await headgate('attribution');
    assert.match(text.stdout, new RegExp(`^${month} UTC · open · \\$1,100\\.00 billed`));
    assert.match(text.stdout, /operations +answer +requests/);
    const rows = (await headgate('attribution', '--csv')).stdout.trim().split('\r\n');
    assert.equal(rows.length, bill.lines.length + 1);
    assert.equal(rows[0], 'month,provider,tenant,feature,bucket,rule,purpose,amount_usd');
  });

  test('`headgate spend` is what it was, and its help names the others', async () => {
    assert.equal((await json('--by', 'tenant,feature')).report, 'spend');
    assert.equal((await json()).report, 'spend');
    const help = (await headgate('--help')).stdout;
    assert.match(help, /--by/);
    for (const verb of ['attribution', 'margin', 'reconcile', 'close'])
      assert.match(help, new RegExp(`^ +${verb} `, 'm'));
  });

  test('margins: a fee by the plan, a mark-up by the tenant', async () => {
    const { lines, billedUsd } = await json('margin');
    assert.equal(sum(lines.map((line: any) => line.costUsd)), nano(billedUsd));
    const of = (tenant: string) => lines.find((line: any) => line.tenant === tenant);
    assert.deepEqual([of('acme').pricedBy, of('acme').revenueUsd], ['plan pro', '700']);
    assert.equal(of('globex').pricedBy, 'tenant globex');
    assert.equal(nano(of('globex').revenueUsd), (nano(of('globex').ownCostUsd) * 6n) / 5n);
  });

  test('an invoice of rounded days and a call beside the gate: each line of the gap has its reason', async () => {
    const [spent] = (await gate.admin('GET', '/spend?by=provider')).rows;
    const day = new Date().toISOString().slice(0, 10);
    const cents = (Number(spent.costUsd) + 0.000_000_4).toFixed(6);
    writeFileSync(
      join(work, 'costs.csv'),
      [
        'start_time,end_time,start_time_iso,end_time_iso,amount_value,amount_currency,line_item',
        `1,2,${day}T00:00:00+00:00,x,${cents},usd,"lab-small, input"`,
        `1,2,${day}T00:00:00+00:00,x,0.25,usd,"lab-large, output"`,
        `1,2,${day}T00:00:00+00:00,x,,,`,
      ].join('\n'),
    );
    const report = await json('reconcile', 'costs.csv', '--provider', 'lab');
    assert.deepEqual([report.format, report.unit], ['openai costs', 'usd']);
    const reasons = report.reasons.map((one: any) => one.reason).filter((reason: string) => reason !== 'rounding');
    assert.deepEqual(reasons, ['missing']);
    assert.equal(sum(report.lines.map((line: any) => line.gapUsd)), nano(report.gapUsd));
    assert.equal(nano(report.invoiceUsd) - nano(report.ledgerUsd), nano(report.gapUsd));
    const text = await headgate('reconcile', 'costs.csv', '--provider', 'lab');
    assert.match(text.stdout, /lab-large +missing/);
    writeFileSync(join(work, 'odd.csv'), 'When,What,Paid\n2026-11-03,lab-small,1.00\n');
    const odd = await headgate('reconcile', 'odd.csv', '--provider', 'lab');
    assert.equal(odd.code, 2);
    assert.match(odd.stderr, /head that is not known: it has When, What, Paid[\s\S]*hint: say the columns/);
    const named = ['--columns', 'day=When,model=What,amount=Paid'];
    assert.equal((await json('reconcile', 'odd.csv', '--provider', 'lab', ...named)).format, 'columns');
  });

  test('a month that is over is closed once, with an entry in the audit; this one is not over', async () => {
    const early = await headgate('close', month, '--yes');
    assert.equal(early.code, 2);
    assert.match(early.stderr, /is not over/);
    const first = await json('close', '2026-05', '--yes');
    assert.equal(first.billedUsd, '1100');
    assert.ok(first.closedAt);
    assert.deepEqual(await json('close', '2026-05', '--yes'), first);
    const { entries } = await gate.admin('GET', '/audit');
    assert.equal(
      entries.filter((entry: any) => entry.action === 'month.close' && entry.subject === '2026-05').length,
      1,
    );
    assert.deepEqual(
      (await gate.admin('GET', '/attribution/months')).months.map((one: any) => one.month),
      ['2026-05'],
    );
  });

  test('the report names the prices that its money was priced by, and another price is another version', async () => {
    const [one, ...more] = (await json('attribution')).prices;
    assert.equal(more.length, 0);
    assert.match(one.version, /^[0-9a-f]{8,}$/);
    const text = await headgate('attribution');
    assert.ok(text.stdout.includes(`priced by one version: lab ${one.version.slice(0, 8)} `), text.stdout);
    await gate.admin('POST', '/prices', {
      provider: 'lab',
      model: 'lab-small',
      perMillion: { input: '3', output: '7' },
    });
    await call('acme', 'chat');
    await gate.until('the fifth call in the store', async () => (await gate.admin('GET', '/calls')).calls.length === 5);
    const bill = await json('attribution');
    assert.equal(bill.prices.length, 2);
    assert.ok(bill.prices.some(({ version }: any) => version === one.version));
    assert.equal(sum(bill.prices.map(({ callsUsd }: any) => callsUsd)), nano(bill.providers[0].callsUsd));
    assert.match(
      (await headgate('attribution')).stdout,
      /priced by 2 versions: lab [0-9a-f]{8} \$[^,]+, lab [0-9a-f]{8} \$/,
    );
  });

  test('a configuration that cannot be read as money says where', async () => {
    const bad = `${CONFIG('http://127.0.0.1:9').replace('provider: lab, kind: gpu', 'provider: lap, kind: gpu')}`;
    writeFileSync(join(work, 'bad.yaml'), bad.replace('currency: EUR, rule', 'currency: CHF, rule'));
    const bin = join(import.meta.dirname, '../../bin/headgate.js');
    const child = spawn(process.execPath, [bin, 'check', 'bad.yaml'], { cwd: work, stdio: ['ignore', 'pipe', 'pipe'] });
    let text = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (text += chunk));
    assert.equal(await new Promise((resolve) => child.once('close', resolve)), 2);
    assert.match(text, /attribution\.costs\[0\]\.provider: unknown provider `lap`/);
    assert.match(text, /no rate of CHF on 2026-01-01/);
  });
});

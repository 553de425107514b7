import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { epochMs } from '#kernel/brand.ts';
import { parseUsd } from '#kernel/money.ts';
import { openSqliteLedgerReadOnly } from '#stores/sqlite/ledger-store.ts';
import { startProvider, type Provider } from '#lab/provider/provider.ts';
import { startGate, type GateProcess } from '../harness/gate-process.ts';

const root = join(import.meta.dirname, '..', '..');
const config = (url: string): string => `
providers:
  openai: { kind: openai, baseUrl: "${url}/v1", apiKey: "\${env:LAB_KEY}" }
  lab: { kind: lab, baseUrl: "${url}/v1" }
models:
  gpt-4o: { deployments: [{ provider: openai }] }
  gpt-new: { deployments: [{ provider: openai }] }
  local: { deployments: [{ provider: lab, model: qwen }] }
retry: { attempts: 1 }
log: { level: silent }
`;

const litellm = (gptNew: { input: number }) => ({
  'gpt-4o': {
    ...{ litellm_provider: 'openai', mode: 'chat', input_cost_per_token: 2.4e-6, output_cost_per_token: 1e-5 },
    ...{ input_cost_per_token_batches: 1.25e-6, output_cost_per_token_batches: 5e-6 },
  },
  'gpt-new': {
    ...{ litellm_provider: 'openai', mode: 'chat', input_cost_per_token: gptNew.input, output_cost_per_token: 4e-6 },
  },
  'gpt-odd': { litellm_provider: 'openai', mode: 'chat', input_cost_per_token: 0.2, output_cost_per_token: 4e-6 },
});
const MODELS_DEV = { openai: { models: { 'gpt-new': { cost: { input: 7, output: 4 } } } } };

interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

let provider: Provider;
let gate: GateProcess;
let lists: Server;
let work: string;
let dataDir: string;

async function headgate(...args: readonly string[]): Promise<Ran> {
  const child = spawn(process.execPath, [join(root, 'bin/headgate.js'), ...args], {
    cwd: work,
    env: { PATH: process.env['PATH'] ?? '', HEADGATE_DATA: join(dataDir, 'state'), TZ: 'UTC' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, stdout, stderr };
}

async function json(...args: readonly string[]): Promise<any> {
  const { code, stdout, stderr } = await headgate(...args, '--json');
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout);
}

const file = (name: string, value: unknown): string => {
  const path = join(work, name);
  writeFileSync(path, typeof value === 'string' ? value : JSON.stringify(value));
  return path;
};

async function call(model: string): Promise<void> {
  const response = await fetch(`${gate.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model, messages: [{ role: 'user', content: 'Hello there' }] }),
  });
  assert.equal(response.status, 200, await response.text());
}

let key: string;
let calls = 0;
async function callAll(...models: readonly string[]): Promise<void> {
  for (const model of models) await call(model);
  calls += models.length;
  await gate.until(`${calls} calls in the store`, async () => {
    const { rows } = await gate.admin('GET', '/spend?by=tenant');
    return rows[0]?.calls === calls;
  });
}

const spendOf = async (model: string): Promise<any> => {
  const { rows } = await gate.admin('GET', '/spend?by=model');
  return rows.find((row: any) => row.by[0] === model);
};

const start = async (): Promise<void> => {
  gate = await startGate({ config: config(provider.url), dataDir, env: { LAB_KEY: 'sk-lab' } });
  key ||= gate.key;
};

describe('prices that a user works with', () => {
  before(async () => {
    work = mkdtempSync(join(tmpdir(), 'headgate-prices-'));
    dataDir = mkdtempSync(join(tmpdir(), 'headgate-data-'));
    provider = await startProvider({ seed: 20261125 });
    lists = createServer((request, response) => {
      if (request.url === '/moved') return void response.writeHead(302, { location: 'https://example.com/x' }).end();
      response.end(JSON.stringify(MODELS_DEV));
    });
    await new Promise<void>((resolve) => lists.listen(0, '127.0.0.1', resolve));
    await start();
    await gate.admin('POST', '/budgets', {
      level: 'operator',
      limitUsd: '1000',
      window: 'total',
      unknownPriceUsd: '0',
    });
    await callAll('gpt-4o', 'gpt-new', 'gpt-new', 'local');
  });
  after(async () => {
    await gate?.stop();
    await provider?.close();
    lists?.close();
    for (const folder of [work, dataDir]) rmSync(folder, { recursive: true, force: true });
  });

  test('list: what is in force, and what has no price', async () => {
    const { prices } = await json('prices', 'list');
    const by = Object.fromEntries(prices.map((row: any) => [`${row.provider}/${row.model}`, row]));
    assert.deepEqual(Object.keys(by).sort(), ['lab/qwen', 'openai/gpt-4o', 'openai/gpt-new']);
    assert.match(by['openai/gpt-4o'].source, /^genai-prices@/);
    assert.equal(by['openai/gpt-4o'].perMillion.input, '2.5');
    assert.equal(by['lab/qwen'].perMillion, null);
    const { stdout } = await headgate('prices', 'list');
    assert.match(stdout, /^lab\/qwen +– +– +– +no price/m);
    assert.match(stdout, /hint: headgate prices set qwen --provider lab/);
  });

  test('import: a plan before it applies, refused prices by name, versioned rows after', async () => {
    const path = file('litellm.json', litellm({ input: 1e-6 }));
    const plan = await headgate('prices', 'import', path, '--dry-run');
    assert.equal(plan.code, 0, plan.stderr);
    assert.match(plan.stdout, /2 new, 0 changed, 0 the same, 1 refused/);
    assert.match(
      plan.stdout,
      /! refused openai\/gpt-odd: input_cost_per_token is over \$100000 for a million \(0\.2\)/,
    );
    assert.deepEqual((await json('prices', 'list', '--all')).prices, []);
    const unasked = await headgate('prices', 'import', path);
    assert.deepEqual([unasked.code, /add --yes/.test(unasked.stderr)], [2, true]);
    assert.deepEqual((await json('prices', 'list', '--all')).prices, []);
    assert.equal((await headgate('prices', 'import', path, '--yes')).code, 0);
    const again = await json('prices', 'import', path, '--dry-run');
    assert.deepEqual([again.added, again.changed, again.same], [[], [], 2]);
    const raised = await headgate('prices', 'import', file('raised.json', litellm({ input: 2e-6 })), '--yes');
    assert.match(raised.stdout, /^openai\/gpt-new +input +\$1\.00 +\$2\.00 +\+100 %$/m);
    const { prices } = await json('prices', 'list', '--all');
    const rows = prices.filter((row: any) => row.model === 'gpt-new');
    assert.deepEqual(rows.map((row: any) => row.perMillion.input).sort(), ['1', '2']);
    assert.ok(rows.every((row: any) => /^[0-9a-f]{16}$/.test(row.hash) && row.list === 'litellm'));
    const { prices: inForce } = await json('prices', 'list', '--model', 'gpt-4o');
    assert.equal(inForce[0].perMillion['batch.input'], '1.25');
  });

  test('import: from a URL, and what is no price list or not to be trusted changes nothing', async () => {
    const url = `http://127.0.0.1:${(lists.address() as AddressInfo).port}`;
    assert.equal((await headgate('prices', 'import', `${url}/api.json`, '--yes')).code, 0);
    const wrong: readonly (readonly [string, RegExp])[] = [
      [file('not.json', '<html>'), /not valid JSON/],
      [file('other.json', { a: 1 }), /neither a price map of LiteLLM nor the api\.json of models\.dev/],
      [file('twice.json', '{"a":{"litellm_provider":"openai"},"a":{}}'), /`a` appears twice/],
      [file('far.json', { a: { litellm_provider: 'far', input_cost_per_token: 1e-6 } }), /No model of the list/],
      ['/nowhere/at/all.json', /cannot be read/],
      [`${url}/moved`, /points elsewhere: https:\/\/example\.com\/x/],
      ['http://prices.example.com/x.json', /plain http/],
    ];
    for (const [from, why] of wrong) {
      const { code, stderr } = await headgate('prices', 'import', from, '--yes');
      assert.equal(code, 2, from);
      assert.match(stderr, why);
      assert.match(stderr, /^hint: /m);
    }
    assert.equal((await json('prices', 'list', '--all')).prices.length, 4);
  });

  test('check: where sources disagree and what has no price, with exit 3', async () => {
    const { code, stdout } = await headgate('prices', 'check');
    assert.equal(code, 3);
    assert.match(stdout, /^openai\/gpt-4o +input +\$2\.40 +litellm +genai-prices@\S+ \$2\.50 \(\+4 %\)$/m);
    assert.match(stdout, /^openai\/gpt-new +input +\$2\.00 +litellm +models\.dev \$7\.00 \(\+250 %\)$/m);
    assert.match(stdout, /No price: their cost is unknown\n {2}lab\/qwen\n/);
    await new Promise((resolve) => setTimeout(resolve, 20));
    const old = await headgate('prices', 'check', '--older-than', '10ms');
    assert.match(old.stdout, /Not confirmed for 10ms\n {2}openai\/gpt-4o {2}litellm, /);
  });

  test('set: zero is a price, holds for the calls that had none, and wins over every list', async () => {
    const free = await headgate('prices', 'set', 'qwen', '--provider', 'lab', '--input', '0', '--output', '0');
    assert.match(
      free.stdout,
      /^set lab\/qwen: input \$0, output \$0 a million, from the start: it had no price before/,
    );
    assert.equal(
      (
        await headgate(
          'prices',
          'set',
          'gpt-new',
          '--provider',
          'openai',
          '--input',
          '3',
          '--output',
          '9',
          '--price',
          'flex.input=1',
          '--price',
          'input>200000=6',
          '--valid-from',
          '1d',
        )
      ).code,
      0,
    );
    const { prices } = await json('prices', 'list', '--model', 'gpt-new');
    assert.deepEqual(prices[0].perMillion, { input: '3', 'input>200000': '6', output: '9', 'flex.input': '1' });
    assert.equal(prices[0].source, 'own');
    const wrong: readonly (readonly string[])[] = [
      ['--input', '-1'],
      ['--input', '100000.01'],
      ['--price', 'nonsense=1'],
      ['--price', 'input>200000=6'],
      ['--price', 'input'],
      [],
    ];
    for (const flags of wrong) {
      const { code, stdout, stderr } = await headgate('prices', 'set', 'gpt-4o', ...flags);
      assert.deepEqual([code, stdout], [2, ''], `${flags.join(' ')} ${stderr}`);
    }
    const spare = await json('prices', 'set', 'spare', '--input', '1', '--output', '1');
    assert.equal((await headgate('prices', 'remove', spare.id)).code, 0);
    assert.equal((await headgate('prices', 'remove', spare.id)).code, 2);
  });

  test('reprice: a diff, corrections that name the old rows, an audit entry, and nothing the second time', async () => {
    const before = await spendOf('gpt-new');
    assert.deepEqual([before.calls, before.unknownCostCalls], [2, 2]);
    const plan = await json('prices', 'reprice', '--since', '1h', '--dry-run');
    assert.deepEqual(await spendOf('gpt-new'), before, 'a dry run changes nothing');
    assert.deepEqual([plan.calls, plan.applied, plan.seen, plan.kept.same], [3, 0, 4, 1]);
    const only = await json('prices', 'reprice', '--since', '1h', '--model', 'gpt-new', '--dry-run');
    assert.deepEqual(
      only.lines.map((line: any) => [line.deployment, line.calls, line.unknownCalls]),
      [['openai/gpt-new', 2, 2]],
    );
    const part = await gate.admin('POST', '/prices/reprice', { since: '1h', limit: 3 });
    const rest = await gate.admin('POST', '/prices/reprice', { since: '1h', after: part.next, before: part.before });
    assert.deepEqual([part.seen, rest.seen, rest.next], [3, 1, null]);
    const drawn = await headgate('prices', 'reprice', '--since', '1h');
    assert.equal(drawn.code, 0, drawn.stderr);
    assert.match(drawn.stdout, /^openai\/gpt-new +unknown → [0-9a-f]{8} +2 +– +\$[\d.]+ +\+\$[\d.]+$/m);
    assert.match(drawn.stderr, /re-priced 3 calls/);
    const fresh = await spendOf('gpt-new');
    assert.deepEqual([fresh.calls, fresh.unknownCostCalls, fresh.inputTokens], [2, 0, before.inputTokens]);
    assert.equal(parseUsd(fresh.costUsd), BigInt(fresh.inputTokens) * 3_000n + BigInt(fresh.outputTokens) * 9_000n);
    assert.equal((await spendOf('local')).unknownCostCalls, 0);
    const { calls: rows } = await gate.admin('GET', '/calls?model=gpt-new');
    assert.equal(rows.filter((row: any) => row.corrects !== null).length, 2);
    const listed = (await json('calls', 'list', '--model', 'gpt-new')).calls;
    assert.deepEqual([listed.length, listed.every((row: any) => row.corrects !== null)], [2, true]);
    assert.equal((await json('calls', 'list', '--model', 'gpt-new', '--all')).calls.length, 4);
    const replaced = await headgate('calls', 'show', listed[0].corrects);
    assert.match(replaced.stdout, new RegExp(`^replaced by ${listed[0].id}: \\$[\\d.]+, output \\d+$`, 'm'));
    const again = await json('prices', 'reprice', '--since', '1h');
    assert.deepEqual([again.calls, again.applied, again.kept.same], [0, 0, 4]);
    const { entries } = await gate.admin('GET', '/audit');
    const audit = entries.find((entry: any) => entry.action === 'price.reprice');
    assert.equal(audit.detail.calls, 3);
    assert.deepEqual(
      ['price.set', 'price.import', 'price.remove'].map((action) =>
        entries.some((entry: any) => entry.action === action),
      ),
      [true, true, true],
    );
    const { rows: all } = await gate.admin('GET', '/spend?by=model');
    const total = all.reduce((sum: bigint, row: any) => sum + parseUsd(row.costUsd)!, 0n);
    const { budgets } = await gate.admin('GET', '/budgets');
    assert.equal(parseUsd(budgets[0].spentUsd), total, 'budgets follow');
  });

  test('after a restart the rows are there, and later calls are priced by them', async () => {
    const rows = (await json('prices', 'list', '--all')).prices;
    await gate.stop();
    const offline = await headgate('prices', 'list', '--json');
    assert.match(offline.stderr, /no gate is running/);
    assert.equal(JSON.parse(offline.stdout).prices.length, rows.length);
    await start();
    assert.deepEqual((await json('prices', 'list', '--all')).prices, rows);
    await callAll('gpt-new', 'local');
    assert.deepEqual([(await spendOf('gpt-new')).unknownCostCalls, (await spendOf('local')).unknownCostCalls], [0, 0]);
    await gate.stop();
    const ledger = openSqliteLedgerReadOnly(join(dataDir, 'state', 'ledger.db'));
    assert.deepEqual(await ledger.verifyRollups({ from: epochMs(0), to: epochMs(Date.now() + 2 * 86_400_000) }), []);
    await ledger.close();
  });
});

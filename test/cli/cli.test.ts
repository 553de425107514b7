import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { startProvider, type Provider } from '#lab/provider/provider.ts';
import { startGate, type GateProcess } from '../harness/gate-process.ts';

const root = join(import.meta.dirname, '..', '..');

const config = (url: string): string => `
providers:
  lab: { kind: lab, baseUrl: "${url}/v1" }
models:
  small: { deployments: [{ provider: lab, model: lab-small }] }
  free: { deployments: [{ provider: lab, model: lab-free }] }
  embed: { deployments: [{ provider: lab, model: lab-embed }] }
prices:
  - { provider: lab, model: lab-small, perMillion: { input: "1", output: "2" } }
  - { provider: lab, model: lab-embed, perMillion: { input: "0.02", output: "0" } }
features: { search: {} }
labels: [env]
retry: { attempts: 2, backoff: 1ms }
log: { level: silent }
`;

interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

let provider: Provider;
let gate: GateProcess;
let work: string;

interface RunOptions {
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Ends the command with SIGINT once its output says so. */
  readonly until?: RegExp;
}

/** `headgate …` as a process of its own, beside the gate's data folder. */
async function headgate(args: readonly string[], { input, env = {}, until }: RunOptions = {}): Promise<Ran> {
  const child = spawn(process.execPath, [join(root, 'bin/headgate.js'), ...args], {
    cwd: work,
    env: { PATH: process.env['PATH'] ?? '', HEADGATE_DATA: join(gate.dataDir, 'state'), TZ: 'UTC', ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  child.stdin.end(input ?? '');
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk;
    if (until?.test(stdout)) child.kill('SIGINT');
  });
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, stdout, stderr };
}

const json = async (args: readonly string[]): Promise<any> => {
  const { code, stdout, stderr } = await headgate([...args, '--json']);
  assert.equal(code, 0, stderr);
  const value = JSON.parse(stdout) as { version: number };
  assert.equal(value.version, 1);
  return value;
};

async function call(key: string, body: object, headers: Record<string, string> = {}): Promise<Response> {
  const path = 'input' in body ? 'embeddings' : 'chat/completions';
  const response = await fetch(`${gate.url}/v1/${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
  await response.arrayBuffer();
  return response;
}

const chat = (model: string, more: object = {}): object => ({
  model,
  messages: [{ role: 'user', content: 'Hello there' }],
  ...more,
});
const settled = (calls: number): Promise<void> =>
  gate.until(`${calls} calls in the store`, async () => (await gate.admin('GET', '/calls')).calls.length >= calls);

describe('headgate on the command line', () => {
  let key: string;

  before(async () => {
    work = mkdtempSync(join(tmpdir(), 'headgate-cli-'));
    provider = await startProvider({ seed: 20261124 });
    gate = await startGate({ config: config(provider.url) });
  });
  after(async () => {
    await gate?.stop();
    await provider?.close();
    rmSync(work, { recursive: true, force: true });
  });

  test('help names every command and what the caller typed wrong exits with 2 and a hint', async () => {
    const help = await headgate(['--help']);
    assert.equal(help.code, 0);
    for (const noun of [
      'up',
      'init',
      'check',
      'tenants',
      'teams',
      'keys',
      'budgets',
      'prices',
      'spend',
      'calls',
      'import',
      'connect',
      'config',
      'providers',
      'sessions',
      'completion',
      'demo',
      'errors',
      'version',
    ])
      assert.match(help.stdout, new RegExp(`^ {2}${noun}\\b`, 'm'));
    for (const args of [
      ['spned'],
      ['spend', '--since', 'x'],
      ['calls', 'show'],
      ['spend', '--by', 'tennant'],
      ['spend', '--nope'],
    ]) {
      const { code, stdout, stderr } = await headgate(args);
      assert.equal(code, 2, args.join(' '));
      assert.equal(stdout, '');
      assert.match(stderr, /^error usage: .+\nhint: /);
    }
    assert.match((await headgate(['spned'])).stderr, /did you mean `?spend/);
    assert.match((await headgate(['spend', '--by', 'tennant'])).stderr, /did you mean `tenant`/);
  });

  test('a tenant, a team and a key are made, and the key alone is on stdout', async () => {
    assert.match(
      (await headgate(['tenants', 'create', 'acme', '--name', 'Acme \u001b[31mCorp'])).stdout,
      /^created tenant acme\n$/,
    );
    assert.equal((await headgate(['teams', 'create', 'acme', 'core'])).code, 0);
    const made = await headgate([
      'keys',
      'create',
      '--tenant',
      'acme',
      '--team',
      'acme.core',
      '--name',
      'web',
      '--feature',
      'search',
    ]);
    assert.equal(made.code, 0, made.stderr);
    assert.match(made.stdout, /^hg_[\w-]{43}\n$/);
    assert.match(made.stderr, /shown this once/);
    key = made.stdout.trim();
    const again = await headgate(['tenants', 'create', 'acme']);
    assert.equal(again.code, 2);
    assert.match(again.stderr, /^error conflict: .*acme.*\nhint: /);
    const { stdout } = await headgate(['tenants', 'list']);
    assert.match(stdout, /^acme +Acme Corp/m);
    assert.doesNotMatch(stdout, /\u001b/);
  });

  test('budgets are made, raised, listed and removed', async () => {
    const made = await headgate(['budgets', 'create', '--tenant', 'acme', '--limit', '20', '--window', 'month']);
    assert.match(made.stdout, /^created budget bud_\w+: \$20\.00 a month for tenant acme\n$/);
    const { budgets } = await json(['budgets', 'list']);
    const { id } = budgets[0];
    assert.match(
      (await headgate(['budgets', 'raise', id, '--by', '5', '--for', '24h', '--reason', 'launch'])).stdout,
      /by \$5\.00 until .* \$25\.00/,
    );
    assert.match((await headgate(['budgets', 'list'])).stdout, /tenant acme +a month +bounded +\$25\.00/);
    assert.match((await headgate(['budgets', 'remove', id])).stdout, /^removed budget/);
    assert.match((await headgate(['budgets', 'list'])).stdout, /^No budgets/);
  });

  test('calls are listed and shown with their failed attempt, priced and not', async () => {
    assert.equal((await call(key, chat('small', { stream: true, max_tokens: 40 }))).status, 200);
    provider.setFaults([{ fault: '529', from: 2, to: 2 }]);
    assert.equal((await call(key, chat('small', { max_tokens: 40 }))).status, 200);
    provider.setFaults([]);
    assert.equal((await call(key, chat('free'))).status, 200);
    assert.equal((await call(key, { model: 'embed', input: 'a text' })).status, 200);
    await settled(4);
    const { calls } = await json(['calls', 'list']);
    assert.equal(calls.length, 4);
    const retried = calls.find((entry: any) => entry.attempts.length === 2);
    const shown = await headgate(['calls', 'show', retried.id], { env: { COLUMNS: '110' } });
    assert.equal(shown.code, 0, shown.stderr);
    assert.match(shown.stdout, /POST \/v1\/chat\/completions · acme \/ acme\.core \/ search \/ key “web”/);
    assert.match(shown.stdout, /├ attempt 1 .*╳.* 529/);
    assert.match(shown.stdout, /└ attempt 2 .*█.* 200 .*\$0\.0/);
    assert.match(shown.stdout, /reserved − settled = \$/);
    const short = `${retried.id.slice(0, 8)}…${retried.id.slice(-3)}`;
    assert.equal((await headgate(['calls', 'show', short], { env: { COLUMNS: '110' } })).stdout, shown.stdout);
    assert.match((await headgate(['calls', 'show', 'latest'])).stdout, /POST \/v1\/embeddings/);
    const { stdout } = await headgate(['calls', 'list', '--model', 'free']);
    assert.match(stdout, / free .* unknown\n/);
    const none = await headgate(['calls', 'show', 'call_00000000000000000000000000']);
    assert.equal(none.code, 2);
    assert.match(none.stderr, /^error not_found: .*\nhint: /);
  });

  test('tail shows a call as it settles', async () => {
    const tailing = headgate(['calls', 'tail', '--json'], { until: /"report":"call"/ });
    let over = false;
    void tailing.finally(() => (over = true));
    // The first look of `tail` may come after a call of ours: calls go on until one is seen.
    while (!over) {
      await call(key, chat('small', { max_tokens: 5 }));
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    const line = JSON.parse((await tailing).stdout.split('\n')[0]!);
    assert.equal(line.version, 1);
    assert.equal(line.call.tenant, 'acme');
  });

  test('spend sums what calls list shows', async () => {
    const { calls } = await json(['calls', 'list', '--limit', '1000']);
    await gate.until('the same count in both', async () => (await json(['spend'])).total.calls >= calls.length);
    const before = await json(['calls', 'list', '--limit', '1000', '--since', '2h']);
    const spend = await json(['spend', '--by', 'tenant,kind', '--since', '2h']);
    const nano = (usd: string): bigint => BigInt(Math.round(Number(usd) * 1e9));
    const sum = before.calls.reduce((all: bigint, { cost }: any) => all + (cost ? nano(cost.total) : 0n), 0n);
    assert.equal(nano(spend.total.costUsd), sum);
    assert.equal(spend.total.unknownCostCalls, before.calls.filter(({ cost }: any) => cost === null).length);
    const text = (await headgate(['spend', '--by', 'tenant,kind'])).stdout;
    assert.match(text, /^tenant +generate +embed +total +share/m);
    assert.match(text, /^acme +≥\$/m);
    assert.match(text, /1 call has no known price/);
    assert.match(text, /hint: set missing prices/);
  });

  test('keys are rotated, imported from stdin and revoked', async () => {
    const { keys } = await json(['keys', 'list', '--tenant', 'acme']);
    const rotated = await headgate(['keys', 'rotate', keys[0].id, '--overlap', '10m']);
    assert.match(rotated.stdout, /^hg_[\w-]{43}\n$/);
    assert.equal((await call(rotated.stdout.trim(), chat('small'))).status, 200);
    assert.equal((await call(key, chat('small'))).status, 200);
    const raw = 'sk-of-the-earlier-gateway-0123456789';
    const imported = await headgate(['keys', 'import', '--tenant', 'acme', '--name', 'old'], { input: `${raw}\n` });
    assert.equal(imported.code, 0, imported.stderr);
    assert.doesNotMatch(imported.stdout + imported.stderr, new RegExp(raw));
    assert.equal((await call(raw, chat('small'))).status, 200);
    assert.match((await headgate(['keys', 'revoke', keys[0].id])).stdout, /^revoked key/);
    assert.equal((await call(key, chat('small'))).status, 401);
    assert.match((await headgate(['keys', 'list'])).stdout, /revoked/);
  });

  test('the demo replays its trace, ends with the spend table of its own calls and leaves no key behind', async () => {
    const { code, stdout, stderr } = await headgate(['demo', '--calls', '12', '--speed', '200', '--model', 'small']);
    assert.equal(code, 0, stderr);
    assert.match(stderr, /12\/12 calls/);
    assert.match(stdout, /^12 of 12 calls complete/);
    assert.match(stdout, /^total +12 /m);
    assert.match(stdout, /^demo-globex +small/m);
    const { keys } = await json(['keys', 'list']);
    assert.ok(
      keys.filter(({ tenant }: any) => tenant.startsWith('demo-')).every(({ revokedAt }: any) => revokedAt !== null),
    );
  });

  test('init writes what check finds good; check prints every problem and exits with 2', async () => {
    const env = { OPENAI_API_KEY: 'sk-secret-value', ANTHROPIC_API_KEY: 'sk-other-secret' };
    const file = join(work, 'headgate.yaml');
    assert.equal((await headgate(['init'], { env })).code, 0);
    assert.doesNotMatch(readFileSync(file, 'utf8'), /sk-/);
    assert.match((await headgate(['check'], { env })).stdout, /is good\n +providers +anthropic, openai/);
    const again = await headgate(['init'], { env });
    assert.equal(again.code, 2);
    assert.match(again.stderr, /^error file_exists/);
    writeFileSync(file, 'lables: []\nlisten: { port: 99999 }\nmodels:\n  a: { deployments: [{ provider: nobody }] }\n');
    const bad = await headgate(['check'], { env });
    assert.equal(bad.code, 2);
    assert.match(bad.stdout, /unknown key `lables`[\s\S]*did you mean `labels`[\s\S]*listen\.port/);
    assert.match(bad.stdout, /2 problems[\s\S]*hint:/);
    rmSync(file);
  });

  test('colour comes only when asked for', async () => {
    assert.doesNotMatch((await headgate(['spend'])).stdout, /\u001b/);
    assert.match((await headgate(['spend'], { env: { FORCE_COLOR: '1' } })).stdout, /\u001b\[1m/);
    assert.doesNotMatch((await headgate(['spend'], { env: { FORCE_COLOR: '1', NO_COLOR: '1' } })).stdout, /\u001b/);
  });

  test('a wrong token, and a gate that does not answer, are errors with a hint', async () => {
    const wrong = await headgate(['spend'], { env: { HEADGATE_ADMIN_TOKEN: 'hga_wrong' } });
    assert.equal(wrong.code, 1);
    assert.match(wrong.stderr, /^error admin_unauthorized: .*\nhint: /);
    const away = await headgate(['spend'], { env: { HEADGATE_URL: 'http://127.0.0.1:9' } });
    assert.equal(away.code, 1);
    assert.match(away.stderr, /^error gate_unreachable: .*\nhint: /);
  });

  test('without a gate, reading commands read the store and say so; changing ones refuse', async () => {
    const before = await json(['spend', '--by', 'tenant']);
    gate.child.kill('SIGTERM');
    await new Promise((resolve) => gate.child.once('exit', resolve));
    const spend = await headgate(['spend', '--by', 'tenant', '--json']);
    assert.equal(spend.code, 0, spend.stderr);
    assert.match(spend.stderr, /no gate is running; reading .* as it was left/);
    assert.deepEqual(JSON.parse(spend.stdout).total, before.total);
    for (const args of [
      ['calls', 'list'],
      ['calls', 'show', 'latest'],
      ['keys', 'list'],
      ['tenants', 'list'],
      ['budgets', 'list'],
    ]) {
      const { code, stderr } = await headgate(args);
      assert.equal(code, 0, stderr);
      assert.match(stderr, /no gate is running/);
    }
    const change = await headgate(['tenants', 'create', 'late']);
    assert.equal(change.code, 1);
    assert.match(change.stderr, /^error gate_not_running: .*\nhint: /);
    const elsewhere = await headgate(['spend', '--data', join(work, 'nowhere')]);
    assert.equal(elsewhere.code, 1);
    assert.match(elsewhere.stderr, /^error no_data: .*\nhint: /);
    assert.equal(existsSync(join(work, 'nowhere')), false);
  });
});

test('a start that cannot work exits with 2 and a hint', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'headgate-cli-up-'));
  const run = (args: readonly string[]) =>
    new Promise<Ran>((resolve) => {
      const child = spawn(process.execPath, [join(root, 'bin/headgate.js'), 'up', ...args], { cwd: folder });
      let stderr = '';
      child.stderr.on('data', (chunk: Buffer) => (stderr += chunk));
      child.once('close', (code) => resolve({ code, stdout: '', stderr }));
    });
  const missing = await run(['--config', 'nowhere.yaml']);
  assert.equal(missing.code, 2);
  assert.match(missing.stderr, /^error config_missing: .*\nhint: /);
  writeFileSync(join(folder, 'bad.yaml'), 'lisen: {}\n');
  const bad = await run(['--config', 'bad.yaml', '--data', join(folder, 'd')]);
  assert.equal(bad.code, 2);
  assert.match(bad.stderr, /^error config_unknown_key: .*[\s\S]*did you mean `listen`\?\nhint: /);
  const open = await run(['--host', '0.0.0.0', '--port', '0', '--lab', '--data', join(folder, 'd')]);
  assert.equal(open.code, 2);
  assert.match(open.stderr, /^error start_failed: .*\nhint: /);
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const port = String((taken.address() as AddressInfo).port);
  const busy = await run(['--port', port, '--lab', '--data', join(folder, 'e')]);
  taken.close();
  assert.equal(busy.code, 2, 'it ends, with its stores open');
  assert.match(busy.stderr, /^error start_failed: port \d+ on 127\.0\.0\.1 is taken.*\nhint: /m);
  rmSync(folder, { recursive: true, force: true });
});

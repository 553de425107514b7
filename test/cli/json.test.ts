import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { root as commands } from '#cli/app.ts';
import { commandPage, commandsOf } from '#cli/help.ts';
import { ERRORS } from '#kernel/errors.ts';
import { startProvider, type Provider } from '#lab/provider/provider.ts';
import { startGate, type GateProcess } from '../harness/gate-process.ts';

const config = (url: string): string => `
providers: { lab: { kind: lab, baseUrl: "${url}/v1" } }
models:
  small: { deployments: [{ provider: lab, model: lab-small }] }
  other: { deployments: [{ provider: lab }] }
prices:
  - { provider: lab, model: lab-small, perMillion: { input: "1", output: "2" } }
  - { provider: lab, model: other, perMillion: { input: "1", output: "2" } }
features:
  search: { quality: { judges: { helpful: { model: small, version: 1, rubric: Good?, sample: 0, budgetPerDay: "1" } } } }
stream: { resume: { grace: 10m } }
capture: { key: "\${env:CAPTURE_KEY}" }
`;

interface Ids {
  readonly key: string;
  readonly revocable: string;
  readonly budget: string;
  readonly limit: string;
  readonly token: string;
  readonly price: string;
  readonly job: string;
  readonly drain: string;
  readonly capture: string;
  readonly call: string;
  readonly stream: string;
}
interface Use {
  readonly args: readonly string[];
  /** What stands under `report`; null: a change, which answers with what it changed. */
  readonly report: string | null;
  readonly input?: string;
  /** Goes on until it is interrupted: its first line is judged. */
  readonly endless?: true;
}

const PRICE = { model: 'odd-model', perMillion: { input: '1', output: '2' } };
/** The form of LiteLLM’s price map. */
const PRICE_MAP =
  '{"lab-small":{"litellm_provider":"openai","mode":"chat","input_cost_per_token":1e-6,"output_cost_per_token":2e-6}}';
const PORTKEY = '{"provider":"openai","api_key":"${env:K}","override_params":{"model":"gpt-5"}}';
const SHA = 'ab'.repeat(32);

/** How to run each command. A new one without a line here fails, so that nobody forgets its `--json`. */
const uses = ({
  key,
  revocable,
  budget,
  limit,
  token,
  price,
  job,
  drain,
  capture,
  call,
  stream,
}: Ids): Readonly<Record<string, Use>> => ({
  'headgate up': { args: ['--lab', '--port', '0', '--data', 'another'], report: 'up', endless: true },
  'headgate init': { args: ['--out', 'made.yaml'], report: 'init' },
  'headgate check': { args: ['good.yaml'], report: 'check' },
  'headgate tenants create': { args: ['t2'], report: null },
  'headgate tenants audit-cache': {
    args: [
      'small',
      '--victim',
      'acme',
      '--attacker',
      'idle',
      '--samples',
      '1',
      '--letters',
      '16',
      '--pause',
      '0',
      '--yes',
    ],
    report: 'cache_audit',
  },
  'headgate tenants list': { args: [], report: 'tenants' },
  'headgate tenants report': { args: [], report: 'tenant_report' },
  'headgate tenants update': { args: ['acme', '--name', 'Acme'], report: null },
  'headgate tenants disable': { args: ['idle'], report: null },
  'headgate tenants enable': { args: ['idle'], report: null },
  'headgate tenants explain': { args: ['acme'], report: 'explain' },
  'headgate teams create': { args: ['acme', 'core'], report: null },
  'headgate teams list': { args: [], report: 'teams' },
  'headgate keys create': { args: ['--tenant', 'acme', '--name', 'n'], report: null },
  'headgate keys import': { args: ['--tenant', 'acme', '--name', 'n', '--sha256', SHA], report: null },
  'headgate keys list': { args: [], report: 'keys' },
  'headgate keys update': { args: [key, '--owner', 'o'], report: null },
  'headgate keys rotate': { args: [key], report: null },
  'headgate keys revoke': { args: [revocable], report: null },
  'headgate budgets create': { args: ['--tenant', 'acme', '--limit', '5'], report: null },
  'headgate budgets list': { args: [], report: 'budgets' },
  'headgate budgets raise': { args: [budget, '--by', '1', '--for', '1h', '--reason', 'r'], report: null },
  'headgate budgets remove': { args: [budget], report: null },
  'headgate limits set': { args: ['--tenant', 'acme', '--limit', '1000'], report: null },
  'headgate limits list': { args: [], report: 'limits' },
  'headgate limits near': { args: [], report: 'limit_use' },
  'headgate limits raise': { args: [limit, '--by', '-1', '--for', '1h', '--reason', 'r'], report: null },
  'headgate limits remove': { args: [limit], report: null },
  'headgate layers set': { args: ['--tenant', 'acme', '--template', 'prompt.txt'], report: null },
  'headgate layers list': { args: [], report: 'layers' },
  'headgate layers show': { args: ['tenant:idle'], report: 'layer' },
  'headgate layers diff': { args: ['tenant:idle'], report: 'layer_diff' },
  'headgate layers remove': { args: ['tenant:idle'], report: null },
  'headgate spend': { args: [], report: 'spend' },
  'headgate spend attribution': { args: [], report: 'attribution' },
  'headgate spend margin': { args: [], report: 'margin' },
  'headgate spend reconcile': { args: ['costs.csv', '--provider', 'lab'], report: 'reconcile' },
  'headgate spend close': { args: ['2026-01', '--yes'], report: 'attribution' },
  'headgate spend export': { args: ['--out', 'calls.csv'], report: 'spend_export' },
  'headgate feeds': { args: [], report: 'feeds' },
  'headgate calls list': { args: [], report: 'calls' },
  'headgate calls show': { args: ['latest'], report: 'call' },
  'headgate calls tail': { args: [], report: 'call', endless: true },
  'headgate demo': { args: ['--calls', '2', '--speed', '1000', '--model', 'small'], report: 'demo' },
  'headgate capture start': { args: ['--tenant', 'acme', '--reason', 'r'], report: null },
  'headgate capture list': { args: [], report: 'captures' },
  'headgate capture stop': { args: [capture], report: null },
  'headgate calls diff': { args: [call, call], report: 'calls_diff' },
  'headgate now': { args: [], report: 'now' },
  'headgate drain start': { args: ['lab/other', '--reason', 'r', '--for', '1s'], report: null },
  'headgate drain list': { args: [], report: 'drains' },
  'headgate drain stop': { args: [drain], report: null },
  'headgate config show': { args: ['--config', 'good.yaml'], report: 'config' },
  'headgate providers list': { args: ['--config', 'good.yaml'], report: 'providers' },
  'headgate providers test': { args: ['lab'], report: 'provider_test' },
  'headgate alerts list': { args: [], report: 'alerts' },
  'headgate alerts test': { args: [], report: 'alerts_test' },
  'headgate sessions list': { args: [], report: 'sessions' },
  'headgate sessions show': { args: ['task'], report: 'session' },
  'headgate cache status': { args: [], report: 'cache' },
  'headgate cache clear': { args: ['--tenant', 'acme'], report: null },
  'headgate jobs list': { args: [], report: 'jobs' },
  'headgate jobs show': { args: [job], report: 'job' },
  'headgate jobs retry': { args: [job], report: null },
  'headgate streams live': { args: [], report: 'streams_live' },
  'headgate streams cancel': { args: [stream], report: 'stream_cancelled' },
  'headgate streams report': { args: [], report: 'streams' },
  'headgate tokens create': { args: ['reader', '--scope', 'reader'], report: null },
  'headgate tokens list': { args: [], report: 'tokens' },
  'headgate tokens revoke': { args: [token], report: null },
  'headgate quality': { args: [], report: 'quality' },
  'headgate quality plan': { args: ['--feature', 'search', '--judge', 'helpful'], report: 'quality_plan' },
  'headgate streams doctor': { args: ['--open'], report: 'echo_ticket' },
  'headgate import litellm': { args: ['litellm.yaml', '--dry-run'], report: 'import' },
  'headgate import portkey': { args: ['portkey.json', '--model', 'chat', '--dry-run'], report: 'import' },
  'headgate connect': { args: ['openai', '--tenant', 'acme'], report: 'connect' },
  'headgate completion': { args: ['bash'], report: 'completion' },
  'headgate prices list': { args: [], report: 'prices' },
  'headgate prices import': { args: ['prices.json', '--dry-run'], report: 'prices_import' },
  'headgate prices check': { args: [], report: 'prices_check' },
  'headgate prices set': { args: ['lab-small', '--input', '1', '--output', '2'], report: null },
  'headgate prices remove': { args: [price], report: null },
  'headgate prices reprice': { args: ['--since', '1h', '--dry-run'], report: 'reprice' },
  'headgate errors': { args: [], report: 'errors' },
  'headgate version': { args: [], report: 'version' },
});

describe('--json in every command', () => {
  let provider: Provider;
  let gate: GateProcess;
  let work: string;
  let ids: Ids;
  /** Of the stream that somebody reads. */
  let reading: ReadableStream;
  const table = commandsOf({ name: 'headgate', target: commands });

  before(async () => {
    work = mkdtempSync(join(tmpdir(), 'headgate-json-'));
    provider = await startProvider({ seed: 20261125 });
    gate = await startGate({ config: config(provider.url), env: { CAPTURE_KEY: SHA } });
    writeFileSync(join(work, 'good.yaml'), config(provider.url));
    writeFileSync(join(work, 'prompt.txt'), 'Be brief.\n');
    for (const id of ['acme', 'idle']) await gate.admin('POST', '/tenants', { id });
    const [key, revocable] = await Promise.all(
      [1, 2].map(() => gate.admin('POST', '/keys', { tenant: 'acme', name: 'k' })),
    );
    const budget = await gate.admin('POST', '/budgets', { level: 'tenant', tenant: 'idle', limitUsd: '1' });
    const limit = await gate.admin('POST', '/limits', { level: 'tenant', tenant: 'idle', limit: 100 });
    await gate.admin('POST', '/layers', { level: 'tenant', tenant: 'idle', template: { text: 'Be kind.' } });
    const token = await gate.admin('POST', '/tokens', { name: 'other', scope: 'reader' });
    const price = await gate.admin('POST', '/prices', PRICE);
    const drain = await gate.admin('POST', '/drains', { target: 'lab/other', reason: 'r' });
    const scope = { tenant: 'demo', reason: 'r' };
    const capture = await gate.admin('POST', '/captures', scope);
    await gate.admin('POST', '/captures', scope);
    ids = {
      key: key.id,
      revocable: revocable.id,
      budget: budget.id,
      limit: limit.id,
      token: token.id,
      price: price.id,
      drain: drain.id,
      capture: capture.id,
      call: '',
      stream: await openStream(),
      job: await backgroundJob(),
    };
    writeFileSync(join(work, 'prices.json'), PRICE_MAP);
    writeFileSync(join(work, 'costs.csv'), 'usage_date_utc,model,cost_usd\n2026-11-03,lab-small,0.01\n');
    writeFileSync(join(work, 'portkey.json'), PORTKEY);
    writeFileSync(
      join(work, 'litellm.yaml'),
      'model_list: [{ model_name: a, litellm_params: { model: openai/gpt-5 } }]',
    );
    ids = { ...ids, call: await call() };
    await gate.until('a call in the store', async () => (await gate.admin('GET', '/calls')).calls.length > 0);
  });
  after(async () => {
    await reading?.cancel().catch(() => undefined);
    await gate?.stop();
    await provider?.close();
    rmSync(work, { recursive: true, force: true });
  });

  /** A background response that is far from its end. */
  async function backgroundJob(): Promise<string> {
    const response = await fetch(`${gate.url}/v1/responses`, {
      method: 'POST',
      headers: { authorization: `Bearer ${gate.key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'small', input: '[[lab after=600000]]', background: true }),
    });
    await response.arrayBuffer();
    const jobs = async (): Promise<{ id: string }[]> => (await gate.admin('GET', '/jobs')).jobs;
    await gate.until('its job', async () => (await jobs()).length > 0);
    return (await jobs())[0]!.id;
  }

  /** A stream that is far from its end, and goes on without a reader. */
  async function openStream(): Promise<string> {
    const response = await fetch(`${gate.url}/v1/chat/completions`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${gate.key}`,
        'content-type': 'application/json',
        'x-headgate-resume': 'true',
      },
      body: JSON.stringify({
        ...{ model: 'small', stream: true },
        messages: [{ role: 'user', content: '[[lab output=50 fault=stall@3]]' }],
      }),
    });
    reading = response.body!;
    return response.headers.get('x-headgate-call-id')!;
  }

  async function call(): Promise<string> {
    const response = await fetch(`${gate.url}/v1/chat/completions`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${gate.key}`,
        'content-type': 'application/json',
        'x-headgate-session': 'task',
      },
      body: JSON.stringify({ model: 'small', max_tokens: 3, messages: [{ role: 'user', content: 'hi' }] }),
    });
    await response.arrayBuffer();
    return response.headers.get('x-headgate-call-id')!;
  }

  async function run(args: readonly string[], { endless }: Partial<Use> = {}) {
    const bin = join(import.meta.dirname, '../../bin/headgate.js');
    const env = {
      ...{ PATH: process.env['PATH'] ?? '', HEADGATE_DATA: join(gate.dataDir, 'state'), TZ: 'UTC' },
      CAPTURE_KEY: SHA,
    };
    const child = spawn(process.execPath, [bin, ...args], { cwd: work, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk;
      if (endless && stdout.includes('\n')) child.kill('SIGINT');
    });
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk));
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
    // What follows calls needs some to follow.
    const feeding = endless ? setInterval(() => void call(), 300) : undefined;
    const code = await ended;
    clearInterval(feeding);
    return { code, stdout, stderr };
  }

  test('the table of this test names every command, and each takes --json', () => {
    const none = {
      key: '',
      revocable: '',
      budget: '',
      limit: '',
      token: '',
      price: '',
      job: '',
      drain: '',
      capture: '',
      call: '',
      stream: '',
    };
    const known = uses(none);
    assert.deepEqual(table.map(({ name }) => name).toSorted(), Object.keys(known).toSorted(), 'say here how to run it');
    const deaf = table.filter(({ name, command }) => {
      const { flags } = commandPage({ name, command });
      return !flags.some((flag) => flag.name === '--json');
    });
    assert.deepEqual(
      deaf.map(({ name }) => name),
      [],
    );
  });

  test('each prints JSON alone on stdout, with the version first', async () => {
    // Removing comes last: what it removes is used before.
    for (const [name, use] of Object.entries(uses(ids))) {
      const args = [...name.split(' ').slice(1), ...use.args, '--json'];
      const { code, stdout, stderr } = await run(args, use);
      if (!use.endless) assert.equal(code, 0, `${name}\n${stderr}`);
      const text = use.endless ? stdout.slice(0, stdout.indexOf('\n')) : stdout;
      const value = JSON.parse(text) as Record<string, unknown>;
      assert.equal(Object.keys(value)[0], 'version', name);
      assert.equal(value['version'], 1, name);
      if (use.report === null) assert.ok(value['id'], name);
      else assert.equal(value['report'], use.report, name);
      assert.doesNotMatch(text, /NanoUsd|\u001b/, name);
    }
  });

  test('headgate errors: every row of the table, one by its code, and the nearest of a wrong one', async () => {
    const all = JSON.parse((await run(['errors', '--json'])).stdout);
    assert.deepEqual(
      Object.fromEntries(all.errors.map(({ code, ...row }: any) => [code, row])),
      JSON.parse(JSON.stringify(ERRORS)),
    );
    const text = (await run(['errors'])).stdout;
    for (const [code, { status }] of Object.entries(ERRORS))
      assert.match(text, new RegExp(`^${code} +${status} `, 'm'));
    const one = await run(['errors', 'budget_exceeded']);
    assert.match(
      one.stdout,
      /^budget_exceeded\n[\s\S]*402[\s\S]*insufficient_quota \(OpenAI\), billing_error \(Anthropic\)[\s\S]*hint: Ask/,
    );
    const wrong = await run(['errors', 'budget_exceded']);
    assert.equal(wrong.code, 2);
    assert.match(wrong.stderr, /^error not_found: .*\nhint: did you mean `budget_exceeded`/);
  });
});

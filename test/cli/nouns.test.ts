import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { startProvider, type Provider } from '#lab/provider/provider.ts';
import { root as commands } from '#cli/app.ts';
import { wordsOf } from '#cli/completion/script.ts';
import { startGate, type GateProcess } from '../harness/gate-process.ts';

const root = join(import.meta.dirname, '..', '..');
let provider: Provider;
let gate: GateProcess;
let work: string;

interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

async function headgate(args: readonly string[], env: Record<string, string> = {}): Promise<Ran> {
  const child = spawn(process.execPath, [join(root, 'bin/headgate.js'), ...args], {
    cwd: work,
    env: {
      PATH: process.env['PATH'] ?? '',
      HEADGATE_DATA: join(gate.dataDir, 'state'),
      TZ: 'UTC',
      COLUMNS: '160',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, stdout, stderr };
}
const json = async (args: readonly string[], env: Record<string, string> = {}): Promise<any> => {
  const { code, stdout, stderr } = await headgate([...args, '--json'], env);
  assert.equal(code, 0, stderr);
  const value = JSON.parse(stdout);
  assert.equal(value.version, 1);
  return value;
};

const CONFIG = (url: string): string => `providers:
  lab: { kind: lab, baseUrl: "${url}/v1", headers: { x-team: blue, x-api-token: very-secret } }
  other: { kind: lab, baseUrl: "http://127.0.0.1:9/v1", timers: { connect: 2s } }
  cloud: { kind: openai, apiKey: "\${env:NOT_SET_HERE}" }
models:
  dear: { deployments: [{ provider: lab, model: lab-large }] }
  cheap: { deployments: [{ provider: lab, model: lab-small }] }
  safe: { deployments: [{ provider: other, model: x }, { provider: lab, model: lab-small, order: 1 }] }
prices:
  - { provider: lab, model: lab-small, perMillion: { input: "1", output: "2" } }
  - { provider: lab, model: lab-large, perMillion: { input: "10", output: "20" } }
labels: [env]
retry: { attempts: 2, backoff: 1ms }
limits: { bodyBytes: 8MiB }
log: { level: silent }
`;

before(async () => {
  work = mkdtempSync(join(tmpdir(), 'headgate-nouns-'));
  provider = await startProvider({ seed: 5 });
  gate = await startGate({ config: CONFIG(provider.url), env: { NOT_SET_HERE: 'sk-of-the-gate' } });
});
after(async () => {
  await gate?.stop();
  await provider?.close();
  rmSync(work, { recursive: true, force: true });
});

const call = async (model: string, headers: Record<string, string> = {}): Promise<number> => {
  const response = await fetch(`${gate.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${gate.key}`, 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ model, messages: [{ role: 'user', content: 'Hello there' }], max_tokens: 8 }),
  });
  await response.arrayBuffer();
  return response.status;
};
const settled = (calls: number): Promise<void> =>
  gate.until(`${calls} calls`, async () => (await gate.admin('GET', '/calls?limit=100')).calls.length >= calls);

describe('headgate sessions', () => {
  before(async () => {
    const task = { 'x-headgate-session': 'task-7', 'x-headgate-agent': 'coder' };
    await call('cheap', task);
    await call('dear', task);
    provider.setFaults([{ fault: '400', from: 1, to: 99 }]);
    await call('cheap', task);
    provider.setFaults([]);
    await call('cheap', task);
    await call('cheap', { 'x-headgate-session': 'other-task' });
    await call('cheap');
    await settled(6);
  });

  test('list sums the calls of each, and leaves out those without one', async () => {
    const { sessions, callsRead, complete } = await json(['sessions', 'list']);
    assert.deepEqual([callsRead, complete], [6, true]);
    assert.deepEqual(
      sessions.map(({ session }: any) => session),
      ['other-task', 'task-7'],
      'the one that moved last first',
    );
    const task = sessions[1];
    assert.deepEqual([task.calls, task.failed, task.models, task.agents], [4, 1, ['cheap', 'dear'], ['coder']]);
    const { calls } = await gate.admin('GET', '/calls?session=task-7&limit=100');
    const sum = calls.reduce((all: number, entry: any) => all + Number(entry.cost?.total ?? 0), 0);
    assert.ok(Math.abs(Number(task.costUsd) - sum) < 1e-9);
    assert.equal(
      task.inputTokens,
      calls.reduce((all: number, { usage }: any) => all + (usage.inputTokens ?? 0), 0),
    );
    const text = (await headgate(['sessions', 'list'])).stdout;
    assert.match(text, /task-7 +demo +\S+, \S+ +4 +1 /);
  });

  test('show goes call by call in order, and says where it failed and that it went on', async () => {
    const { stdout, code } = await headgate(['sessions', 'show', 'task-7']);
    assert.equal(code, 0);
    assert.match(stdout, /^session task-7 · demo · agents coder/);
    assert.match(stdout, /4 calls over .* 1 failed · /);
    assert.match(stdout, /^ *\+0 ms +call_\w+ +coder +cheap +ok/m);
    assert.match(stdout, /failed first at \+.*: cheap .*; 1 call came after it/);
    const report = await json(['sessions', 'show', 'task-7']);
    assert.deepEqual(
      report.calls.map(({ modelAsked }: any) => modelAsked),
      ['cheap', 'dear', 'cheap', 'cheap'],
    );
    assert.equal(report.failedFirst, report.calls[2].id);
    assert.match((await headgate(['sessions', 'show', 'latest'])).stdout, /^session other-task/);
  });

  test('an unknown session is an error with a hint, and a session of two tenants asks which', async () => {
    const none = await headgate(['sessions', 'show', 'nothing']);
    assert.equal(none.code, 2);
    assert.match(none.stderr, /^error not_found: .*\nhint: /);
    await gate.admin('POST', '/tenants', { id: 'acme' });
    const { key } = await gate.admin('POST', '/keys', { tenant: 'acme', name: 'k' });
    assert.equal(await call('cheap', { authorization: `Bearer ${key}`, 'x-headgate-session': 'task-7' }), 200);
    await settled(7);
    const both = await headgate(['sessions', 'show', 'task-7']);
    assert.match(both.stderr, /2 tenants have a session task-7: .*\nhint: name one with --tenant/);
    assert.match((await headgate(['sessions', 'show', 'task-7', '--tenant', 'acme'])).stdout, /1 call over/);
  });
});

describe('headgate providers', () => {
  test('list says of each whether its key is there, how attempts at it went, and the last error', async () => {
    assert.equal(await call('safe'), 200);
    await gate.until('the fallback', async () => (await gate.admin('GET', '/calls?model=safe')).calls.length === 1);
    const { providers } = await json(['providers', 'list']);
    const [lab, other, cloud] = providers;
    assert.deepEqual([lab.key, lab.models], ['none', ['dear', 'cheap', 'safe']]);
    assert.equal(lab.health.failed, 0, 'a request that is refused is no failure of the provider’s');
    assert.ok(lab.health.attempts >= 6);
    assert.deepEqual([other.health.attempts, other.health.failed], [1, 1], 'though another answered in its place');
    assert.equal(other.health.errors.length, 1);
    assert.equal(other.health.errors[0].count, 1);
    assert.ok(other.health.lastError.call.startsWith('call_'));
    assert.deepEqual([cloud.key, cloud.keyReference, cloud.health.attempts], ['missing', '${env:NOT_SET_HERE}', 0]);
    const text = (await headgate(['providers', 'list'])).stdout;
    assert.match(text, /^cloud +openai +https:\/\/api\.openai\.com\/v1 +missing \$\{env:NOT_SET_HERE\} +0 +0 +–/m);
    assert.match(text, /^other +lab .* 1 \(100\.0 %\)/m);
    assert.match(text, /hint: headgate providers test other/);
    assert.doesNotMatch(text, /sk-of-the-gate/);
    assert.equal((await json(['providers', 'list'], { NOT_SET_HERE: 'x' })).providers[2].key, 'present');
  });

  test('test makes one call on the cheapest model, says its cost and the limits left, and leaves no key', async () => {
    const report = await json(['providers', 'test', 'lab']);
    assert.deepEqual([report.ok, report.model, report.deployment], [true, 'cheap', 'lab/lab-small']);
    assert.ok(Number(report.cost) > 0);
    assert.ok(report.limits.some(({ name }: any) => /remaining/.test(name)));
    const entry = await gate.admin('GET', `/calls/${report.call}`);
    assert.equal(entry.tenant, 'headgate-tests', 'metered as every call, and no tenant of yours pays');
    const { keys } = await gate.admin('GET', '/keys?tenant=headgate-tests');
    assert.ok(keys.length > 0 && keys.every(({ revokedAt }: any) => revokedAt !== null));
  });

  test('several kinds of failure are counted by what they were', async () => {
    // Faults are given by the number of a request since the provider began.
    const next = provider.log.length + 1;
    provider.setFaults([
      { fault: '529', from: next, to: next + 1 },
      { fault: '429', from: next + 2, to: next + 2 },
    ]);
    await call('cheap');
    await call('cheap');
    provider.setFaults([]);
    await gate.until('the failures', async () => (await json(['providers', 'list'])).providers[0].health.failed >= 3);
    assert.match((await headgate(['providers', 'list'])).stdout, /^lab: 2 × 529.*, 1 × 429/m);
  });

  test('a provider that fails is named as failing, also where another answers in its place', async () => {
    const { code, stdout } = await headgate(['providers', 'test', 'other']);
    assert.equal(code, 1);
    assert.match(stdout, /^other did not answer · model safe/);
    assert.match(stdout, /another provider answered in its place/);
    const unknown = await headgate(['providers', 'test', 'labb']);
    assert.equal(unknown.code, 2);
    assert.match(unknown.stderr, /no provider labb.*\nhint: did you mean `lab`/);
  });
});

describe('headgate config show', () => {
  test('each value has its source: file and line, default, environment or command line', async () => {
    const { values, runningAt, file } = await json(['config', 'show', '--effective']);
    assert.equal(runningAt, gate.url);
    assert.equal(file, join(gate.dataDir, 'headgate.yaml'));
    const of = (path: string): any => values.find((one: any) => one.path === path);
    assert.match(of('limits.bodyBytes').source, /headgate\.yaml:14$/);
    assert.equal(of('limits.bodyBytes').value, '8 MiB');
    assert.deepEqual([of('limits.inFlight').value, of('limits.inFlight').source], ['10000', 'default']);
    assert.equal(of('retry.backoff').value, '1.0 ms');
    assert.equal(of('providers.other.timers.connect').value, '2.00 s');
    assert.equal(of('providers.cloud.apiKey').value, '${env:NOT_SET_HERE}');
    // Free text of the operator: no name tells for certain what holds a credential.
    assert.equal(of('providers.lab.headers.x-team').value, '(not shown)');
    assert.equal(of('providers.lab.headers.x-api-token').value, '(not shown)');
    assert.equal(of('dataDir').source, 'environment HEADGATE_DATA');
    const said = await json(['config', 'show']);
    assert.ok(said.values.every(({ isDefault }: any) => !isDefault) && said.values.length < values.length);
  });

  test('without a file it shows what a start would make; a wrong file is a list of problems', async () => {
    const alone = { HEADGATE_DATA: join(work, 'none') };
    const made = await headgate(['config', 'show'], { ...alone, OPENAI_API_KEY: 'sk-very-secret' });
    assert.equal(made.code, 0, made.stderr);
    assert.match(made.stdout, /^no file: made from the environment\n/);
    assert.match(made.stdout, /providers\.openai\.apiKey +\$\{env:OPENAI_API_KEY\} +environment OPENAI_API_KEY/);
    assert.doesNotMatch(made.stdout, /sk-very-secret/);
    writeFileSync(join(work, 'bad.yaml'), 'lables: []\n');
    const bad = await headgate(['config', 'show', '--config', 'bad.yaml'], alone);
    assert.equal(bad.code, 2);
    assert.match(bad.stderr, /unknown key `lables`/);
  });
});

describe('headgate completion', () => {
  const words = wordsOf(commands);
  const wanted = (path: string): string[] => words.find((one) => one.path === path)!.choices.map(({ word }) => word);
  const lines: readonly (readonly [line: string, path: string, partial: string])[] = [
    ['headgate ', '', ''],
    ['headgate ke', '', 'ke'],
    ['headgate keys ', 'keys', ''],
    ['headgate keys create --te', 'keys create', '--te'],
    ['headgate calls show call_1 --', 'calls show', '--'],
    ['headgate connect c', 'connect', 'c'],
  ];
  const cases = lines.map(([line, path, partial]) => ({
    line,
    expected: wanted(path)
      .filter((word) => word.startsWith(partial))
      .sort(),
  }));

  const scriptFor = async (shell: string): Promise<string> => {
    const { code, stdout } = await headgate(['completion', shell]);
    assert.equal(code, 0);
    const file = join(work, `completion.${shell}`);
    writeFileSync(file, stdout);
    return file;
  };
  const has = (shell: string): boolean => spawnSync(shell, ['--version']).status === 0;

  test('bash completes commands, flags and clients', async () => {
    const file = await scriptFor('bash');
    for (const { line, expected } of cases) {
      const script = `source "$1"; COMP_WORDS=($2); [[ $2 == *' ' ]] && COMP_WORDS+=(''); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); _headgate; printf '%s\\n' "\${COMPREPLY[@]}"`;
      const ran = spawnSync('bash', ['-c', script, 'bash', file, line], { encoding: 'utf8' });
      assert.deepEqual(ran.stdout.split('\n').filter(Boolean).sort(), expected, line + ran.stderr);
    }
  });

  test('fish completes commands, flags and clients', async (t) => {
    if (!has('fish')) return t.skip('fish is not installed');
    const file = await scriptFor('fish');
    for (const { line, expected } of cases) {
      const ran = spawnSync('fish', ['--no-config', '-c', 'source $argv[1]; complete -C $argv[2]', file, line], {
        encoding: 'utf8',
      });
      const got = ran.stdout
        .split('\n')
        .filter(Boolean)
        .map((row) => row.split('\t')[0]!);
      assert.equal(ran.stderr, '');
      assert.deepEqual(got.sort(), expected, line);
    }
  });

  test('zsh completes commands, flags and clients', async (t) => {
    if (!has('zsh')) return t.skip('zsh is not installed');
    const file = await scriptFor('zsh');
    const script = `autoload -Uz compinit; compinit -u -D; source $1
_describe() { print -l -- $choices }; _files() { }
words=(\${(s: :)2}); [[ $2 == *' ' ]] && words+=(''); CURRENT=$#words; _headgate`;
    for (const { line, expected } of cases) {
      const ran = spawnSync('zsh', ['-f', '-c', script, 'zsh', file, line], { encoding: 'utf8' });
      const partial = line.split(' ').at(-1)!;
      // zsh itself leaves out what does not begin so.
      const got = ran.stdout
        .split('\n')
        .filter(Boolean)
        .map((row) => row.split(':')[0]!)
        .filter((word) => word.startsWith(partial));
      assert.deepEqual(got.sort(), expected, line + ran.stderr);
    }
  });
});

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { startProvider, type Provider } from '#lab/provider/provider.ts';
import { CLIENTS } from '#gateway/snippets/index.ts';
import { CLIENT_NAMES } from '#gateway/snippets/names.ts';
import { startGate, type GateProcess } from '../harness/gate-process.ts';

const root = join(import.meta.dirname, '..', '..');
let provider: Provider;
let gate: GateProcess;

interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

async function run(command: string, args: readonly string[], cwd: string, env: Record<string, string>): Promise<Ran> {
  const child = spawn(command, [...args], { cwd, env: { PATH: process.env['PATH'] ?? '', ...env } });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, stdout, stderr };
}
const headgate = (args: readonly string[], env: Record<string, string> = {}): Promise<Ran> =>
  run(process.execPath, [join(root, 'bin/headgate.js'), ...args], tmpdir(), {
    HEADGATE_DATA: join(gate.dataDir, 'state'),
    ...env,
  });

before(async () => {
  provider = await startProvider({ seed: 11 });
  gate = await startGate({
    config: `
providers: { lab: { kind: lab, baseUrl: "${provider.url}/v1" } }
models:
  embed-small: { deployments: [{ provider: lab, model: lab-embed }] }
  gpt-lab: { deployments: [{ provider: lab, model: lab-small }] }
  claude-lab: { deployments: [{ provider: lab, model: lab-small }] }
prices: [{ provider: lab, model: lab-small, perMillion: { input: "1", output: "2" } }]
features: { search: {} }
log: { level: silent }
`,
  });
});
after(async () => {
  await gate?.stop();
  await provider?.close();
});

describe('headgate connect', () => {
  test('the names of the command line are those of the snippets', () => {
    assert.deepEqual(
      CLIENTS.map(({ name }) => name),
      [...CLIENT_NAMES],
    );
    for (const { name, snippets, probe } of CLIENTS) {
      const all = snippets.map(({ text }) => text).join('\n');
      for (const part of ['{{url}}', '{{key}}']) assert.ok(all.includes(part), `${name}: ${part}`);
      assert.equal(probe.at(-1)!.method, 'POST', name);
    }
  });

  for (const name of CLIENT_NAMES) {
    test(`${name}: the settings name this gate, and a call as the client makes it is answered, metered and priced`, async () => {
      const { code, stdout, stderr } = await headgate(['connect', name, '--test', '--json', '--feature', 'search']);
      assert.equal(code, 0, stderr + stdout);
      const report = JSON.parse(stdout);
      assert.equal(report.version, 1);
      assert.equal(report.model, name === 'claude-code' ? 'claude-lab' : 'gpt-lab', 'no model of embeddings');
      assert.equal(report.test.ok, true);
      assert.ok(Number(report.test.costUsd) > 0);
      const text = report.settings.map((one: { text: string }) => one.text).join('\n');
      assert.ok(text.includes(gate.url) && !text.includes('{{'), text);
      const entry = await gate.admin('GET', `/calls/${report.test.call}`);
      assert.deepEqual([entry.feature, entry.key, entry.status], ['search', report.key.id, 'ok']);
      if (name === 'claude-code') assert.equal(entry.session, 'headgate-connect');
      // What is written as JSON is JSON.
      for (const { language, text: snippet } of report.settings) if (language === 'json') JSON.parse(snippet);
    });
  }

  for (const name of ['openai', 'anthropic', 'google', 'ai-sdk'] as const) {
    test(`${name}: the program that is printed runs as printed, on the real library`, async () => {
      const { settings } = JSON.parse((await headgate(['connect', name, '--json'])).stdout);
      const of = (language: string): string => settings.find((one: any) => one.language === language).text;
      const env = Object.fromEntries(
        [...of('sh').matchAll(/^export (\w+)=(\S+)$/gm)].map(([, key, value]) => [key!, value!]),
      );
      const file = join(root, 'test/sdk', `snippet-${name}-${process.pid}.mjs`);
      writeFileSync(file, of('ts'));
      try {
        const ran = await run(process.execPath, [file], join(root, 'test/sdk'), env);
        assert.equal(ran.code, 0, ran.stderr);
        assert.ok(ran.stdout.trim().length > 3, 'it prints the answer');
      } finally {
        rmSync(file);
      }
    });
  }

  test('for people: settings, notes, and what the test has shown', async () => {
    const { stdout } = await headgate(['connect', 'cursor', '--test']);
    assert.match(stdout, /does not reach http:\/\/127\.0\.0\.1:\d+: give the public HTTPS address with --url/);
    assert.match(stdout, /test passed\n {2}POST \/v1\/chat\/completions {2}200\n/);
    assert.match(stdout, /cost \$0\.0/);
    assert.match(stdout, /hint: headgate calls show call_/);
    const elsewhere = await headgate(['connect', 'cursor', '--url', 'https://ai.example.com/']);
    assert.match(elsewhere.stdout, /Override OpenAI Base URL {3}https:\/\/ai\.example\.com\/v1\n/);
    assert.doesNotMatch(elsewhere.stdout, /does not reach/);
  });

  test('the tenant of providers’ tests is nobody’s choice, and among several one has to be named', async () => {
    assert.equal((await headgate(['providers', 'test', 'lab'])).code, 0);
    assert.equal((await headgate(['connect', 'openai'])).code, 0);
    await gate.admin('POST', '/tenants', { id: 'acme' });
    const several = await headgate(['connect', 'openai']);
    assert.equal(several.code, 2);
    assert.match(several.stderr, /There are 2 tenants.\nhint: name one with --tenant: demo, acme/);
    assert.equal((await headgate(['connect', 'openai', '--tenant', 'acme'])).code, 0);
    await gate.admin('PATCH', '/tenants/acme', { disabled: true });
  });

  test('a key that there is comes by the environment or stdin, and no other is made', async () => {
    const before = (await gate.admin('GET', '/keys')).keys.length;
    const given = await headgate(['connect', 'codex', '--key', '${env:MY_KEY}', '--test', '--json'], {
      MY_KEY: gate.key,
    });
    assert.equal(given.code, 0, given.stderr);
    assert.equal(JSON.parse(given.stdout).key, null);
    const missing = await headgate(['connect', 'codex', '--key', '${env:NOT_SET}']);
    assert.equal(missing.code, 2);
    assert.equal((await gate.admin('GET', '/keys')).keys.length, before);
  });

  test('what cannot work fails with the gate’s own words, and leaves no key that nobody has seen', async () => {
    const wrong = await headgate(['connect', 'openai', '--model', 'nobody', '--test']);
    assert.equal(wrong.code, 1);
    assert.match(wrong.stdout, /test failed\n {2}POST \/v1\/chat\/completions {2}404\n {2}model_not_found: /);
    assert.match((await headgate(['connect', 'claudecode'])).stderr, /did you mean `claude-code`/);
    const dir = mkdtempSync(join(tmpdir(), 'headgate-connect-'));
    const empty = await startGate({ config: 'providers: {}' });
    const refused = await headgate(['connect', 'openai'], { HEADGATE_DATA: join(empty.dataDir, 'state') });
    assert.equal(refused.code, 2);
    assert.match(refused.stderr, /lists no model by its full name.\nhint: name one with --model/);
    const { keys } = await empty.admin('GET', '/keys');
    assert.ok(keys.filter(({ name }: any) => name === 'openai').every(({ revokedAt }: any) => revokedAt !== null));
    await empty.stop();
    rmSync(dir, { recursive: true, force: true });
  });
});

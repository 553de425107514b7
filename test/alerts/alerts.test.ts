import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { startGate, temporaryFolder, type GateProcess } from '../harness/gate-process.ts';
import { json, startUpstream, type ScriptedUpstream } from '../clients-rules/scripted-upstream.ts';
import { readExposition } from '../operate/exposition.ts';
import { ANSWER, ask, SECRET_WORDS } from '../telemetry/asking.ts';
import { accept, never, startCollector, status, type Collector, type Received } from '../telemetry/collector.ts';

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const sdk = join(import.meta.dirname, '../sdk');
const judgeSkip = existsSync(join(sdk, 'node_modules/standardwebhooks'))
  ? false
  : 'the official SDKs are not installed (npm run test:sdks:install)';

const config = (upstream: string, hooks: string, rules: string): string => `
environment: staging
providers: { first: { kind: lab, baseUrl: "${upstream}/v1" } }
models:
  m: { deployments: [{ provider: first, model: up }] }
  unpriced: { deployments: [{ provider: first, model: nobody-knows }] }
prices: [{ provider: first, model: up, perMillion: { input: "1000", output: "2000" } }]
retry: { attempts: 1, backoff: 0ms }
alerts:
  interval: 1s
  webhooks:
${hooks}
  rules:
${rules}
`;

const failed = json('{"error":{"message":"no","type":"server_error","code":"busy"}}', 500);
const bodyOf = ({ body }: Received) => JSON.parse(body.toString('utf8'));

interface World {
  readonly gate: GateProcess;
  readonly upstream: ScriptedUpstream;
  readonly hook: Collector;
  readonly dataDir: string;
}

/** A gate with these rules and a webhook \`ops\`. */
function inAlertsWorld(
  rules: string,
  hooks: (hook: string) => string = (url) => `    ops: { url: "${url}/in", secret: "\${env:HOOK_SECRET}" }`,
) {
  const world: { -readonly [K in keyof World]: World[K] } & { start: () => Promise<void> } = {} as never;
  world.start = async () => {
    world.gate = await startGate({
      config: config(world.upstream.url, hooks(world.hook.url), rules),
      env: { HOOK_SECRET: SECRET },
      dataDir: world.dataDir,
    });
  };
  before(async () => {
    world.dataDir = temporaryFolder('alerts');
    mkdirSync(world.dataDir, { recursive: true });
    [world.upstream, world.hook] = await Promise.all([startUpstream(), startCollector()]);
    await world.start();
  });
  after(async () => {
    await world.gate?.stop();
    await Promise.all([world.upstream?.close(), world.hook?.close()]);
    rmSync(world.dataDir, { recursive: true, force: true });
  });
  return world;
}

const messages = (world: World, type: string): any[] =>
  world.hook.received.map(bodyOf).filter((body) => body.type === `alert.${type}`);

async function metric({ gate }: World, name: string, labels: Record<string, string> = {}): Promise<number> {
  const response = await fetch(`${gate.url}/metrics`, { headers: { authorization: `Bearer ${gate.adminToken}` } });
  const { samples } = readExposition(await response.text()).find((family) => family.name === name)!;
  return (
    samples.find((one) => Object.entries(labels).every(([label, value]) => one.labels[label] === value))?.value ?? 0
  );
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe('an alert from its first sign to its end', { skip: judgeSkip }, () => {
  const world = inAlertsWorld(`
    errors: { kind: error-rate, threshold: 0.5, window: 1m, minCalls: 4, each: model, severity: critical, for: 2s, summary: "Calls fail", runbook: "https://example.com/r#errors" }
    unpriced: { kind: price-unknown, severity: info }
`);
  const key = (): string => world.gate.key;

  test('it fires once, signed so that the official library takes it', async () => {
    world.upstream.answer(failed);
    for (let i = 0; i < 6; i++) await ask(world.gate, { key: key() });
    await world.gate.until('the message', () => messages(world, 'firing').length > 0);
    await pause(2_500);
    assert.equal(messages(world, 'firing').length, 1);
    const [received] = world.hook.received;
    assert.equal(received!.path, '/in');
    const { Webhook } = createRequire(join(sdk, 'package.json'))('standardwebhooks');
    const judge = new Webhook(SECRET);
    assert.doesNotThrow(() => judge.verify(received!.body.toString('utf8'), received!.headers));
    assert.throws(() => judge.verify(`${received!.body.toString('utf8')} `, received!.headers));
    const { data } = bodyOf(received!);
    assert.equal(data.rule, 'errors');
    assert.equal(data.severity, 'critical');
    assert.equal(data.environment, 'staging');
    assert.equal(data.summary, 'Calls fail');
    assert.equal(data.runbook, 'https://example.com/r#errors');
    assert.deepEqual(data.alerts[0].labels, { model: 'm' });
    assert.match(data.alerts[0].text, /model m: 6 of 6 calls failed/);
    assert.equal(await metric(world, 'headgate_alerts_firing', { severity: 'critical' }), 1);
  });

  test('the admin operation shows it, with what became of its message', async () => {
    const view = await world.gate.admin('GET', '/alerts');
    assert.equal(view.report, 'alerts');
    assert.equal(view.firing, 1);
    const [errors, unpriced] = view.rules;
    assert.deepEqual([errors.rule, errors.state, unpriced.state], ['errors', 'firing', 'ok']);
    assert.equal(errors.alerts[0].phase, 'firing');
    assert.equal(view.delivery.sent, 1);
    assert.deepEqual(view.webhooks[0], {
      ...{ name: 'ops', host: new URL(world.hook.url).host, format: 'standard', minSeverity: 'info', signed: true },
    });
    assert.ok(!JSON.stringify(view).includes(SECRET));
    const { verdict, alerts, findings } = await world.gate.admin('GET', '/now');
    assert.deepEqual([verdict, alerts.length, alerts[0].rule], ['trouble', 1, 'errors']);
    const { text, evidence } = findings.find(({ about }: { about: string }) => about === 'alert');
    assert.match(text, /^Alert errors: model m: 6 of 6 calls failed/);
    assert.equal(evidence.at(-1), 'runbook: https://example.com/r#errors');
  });

  test('a restart in its middle says nothing again, and a death neither', async () => {
    await world.gate.stop();
    await world.start();
    assert.equal((await world.gate.admin('GET', '/alerts')).rules[0].state, 'firing', 'known before the first look');
    await pause(3_000);
    assert.equal(messages(world, 'firing').length, 1);
    await world.gate.kill();
    await world.start();
    await pause(2_500);
    assert.equal(messages(world, 'firing').length, 1);
    assert.equal(messages(world, 'resolved').length, 0);
  });

  test('a call without a price is an alert of its own', async () => {
    const { id: tenant } = (await world.gate.admin('GET', '/tenants')).tenants[0];
    const made = await world.gate.admin('POST', '/keys', { tenant, name: 'second' });
    world.upstream.answer(json(ANSWER));
    await ask(world.gate, { key: made.key, model: 'unpriced' });
    await world.gate.until('the message', () => messages(world, 'firing').length === 2);
    const { data } = messages(world, 'firing')[1];
    assert.deepEqual([data.rule, data.severity, data.alerts[0].labels], ['unpriced', 'info', { model: 'unpriced' }]);
  });

  test('it is resolved once, when calls answer again', async () => {
    const { id: tenant } = (await world.gate.admin('GET', '/tenants')).tenants[0];
    const made = await world.gate.admin('POST', '/keys', { tenant, name: 'third' });
    for (let i = 0; i < 10; i++) await ask(world.gate, { key: made.key });
    await world.gate.until('the end', () => messages(world, 'resolved').length > 0);
    await pause(2_000);
    const resolved = messages(world, 'resolved');
    assert.equal(resolved.length, 1);
    assert.equal(resolved[0].data.rule, 'errors');
    assert.ok(resolved[0].data.alerts[0].endedAt);
    assert.equal(await metric(world, 'headgate_alerts_firing', { severity: 'critical' }), 0);
  });

  test('a message of a test, by the admin operation', async () => {
    const { results } = await world.gate.admin('POST', '/alerts/test', { webhook: 'ops' });
    assert.deepEqual([results[0].webhook, results[0].ok, results[0].httpStatus], ['ops', true, 200]);
    assert.equal(messages(world, 'test').length, 1);
    await assert.rejects(world.gate.admin('POST', '/alerts/test', { webhook: 'opps' }), /404.*Did you mean `ops`/s);
  });

  test('no word of a prompt or an answer is in any message or in the file of the state', () => {
    for (const { body } of world.hook.received) assert.ok(!body.includes(SECRET_WORDS));
    assert.ok(!readFileSync(join(world.dataDir, 'state/alerts.json'), 'utf8').includes(SECRET_WORDS));
  });
});

describe('webhooks that fail', () => {
  let elsewhere: Collector;
  let slow: Collector;
  before(async () => {
    [elsewhere, slow] = await Promise.all([startCollector(), startCollector()]);
    slow.answer(never);
  });
  after(() => Promise.all([elsewhere.close(), slow.close()]));
  const world = inAlertsWorld(
    '    unpriced: { kind: price-unknown }',
    (url) => `    ops: { url: "${url}/in" }
    slow: { url: "${slow.url}/", timeout: 300ms }
    dead: { url: "http://127.0.0.1:9/" }
    redirected: { url: "${elsewhere.url}/from" }
    quiet: { url: "${url}/quiet", minSeverity: critical }
    chat: { url: "${url}/slack", format: slack }
    inside: { url: "http://localhost.localdomain.invalid/" }`,
  );

  test('a dead, a slow and a redirecting one hold no other; 5xx is tried again under the same id', async () => {
    elsewhere.answer(status(302, { location: `${world.hook.url}/stolen` }));
    let tries = 0;
    world.hook.answer((response, received) => {
      if (received.path === '/in' && tries++ === 0) return status(500)(response, received);
      return accept(response, received);
    });
    world.upstream.answer(json(ANSWER));
    await ask(world.gate, { model: 'unpriced' });
    const at = (path: string): Received[] => world.hook.received.filter((one) => one.path === path);
    await world.gate.until('the second try', () => at('/in').length === 2);
    const [first, second] = at('/in');
    assert.equal(first!.headers['webhook-id'], second!.headers['webhook-id']);
    assert.equal(first!.headers['webhook-signature'], undefined, 'without a secret there is no signature');
    assert.deepEqual(first!.body, second!.body);
    assert.equal(at('/quiet').length, 0, 'a warning is below its severity');
    assert.equal(at('/stolen').length, 0, 'a redirect is not followed');
    assert.equal(elsewhere.received.length, 1);
    const [slack] = at('/slack').map(bodyOf);
    assert.match(slack.text, /^\*FIRING\* unpriced \(warning, staging\)\n• model unpriced: 1 call has no known price/);
    assert.equal(await metric(world, 'headgate_alert_messages_total', { result: 'rejected' }), 1);
    await world.gate.until(
      'tries',
      async () => (await metric(world, 'headgate_alert_messages_total', { result: 'retried' })) >= 4,
    );
    assert.equal(await metric(world, 'headgate_alert_messages_waiting'), 3);
    assert.equal((await ask(world.gate)).status, 200, 'and calls go on');
  });

  test('what is owed outlives a restart, and goes out under its id', async () => {
    const id = slow.received[0]!.headers['webhook-id'];
    const before = slow.received.length;
    await world.gate.stop();
    slow.answer(accept);
    await world.start();
    await world.gate.until('the message', () => slow.received.length > before);
    assert.equal(slow.received.at(-1)!.headers['webhook-id'], id);
    await pause(1_500);
    assert.equal(slow.received.length, before + 1);
  });

  test('a test says how each of them answers', async () => {
    const { results } = await world.gate.admin('POST', '/alerts/test', {});
    const of = (name: string) => results.find(({ webhook }: { webhook: string }) => webhook === name);
    assert.deepEqual([of('ops').ok, of('redirected').ok, of('redirected').httpStatus], [true, false, 302]);
    assert.equal(of('dead').errorCode, 'ECONNREFUSED');
    assert.equal(of('dead').httpStatus, null);
  });
});

describe('rules that the file no longer has', () => {
  const world = inAlertsWorld('    unpriced: { kind: price-unknown, severity: critical }');

  test('who was told of an alert is told that its rule is gone', async () => {
    world.upstream.answer(json(ANSWER));
    await ask(world.gate, { model: 'unpriced' });
    await world.gate.until('the message', () => messages(world, 'firing').length === 1);
    await world.gate.stop();
    world.gate = await startGate({
      config: config(world.upstream.url, `    ops: { url: "${world.hook.url}/in" }`, '    lag: { kind: spool-lag }'),
      dataDir: world.dataDir,
    });
    await world.gate.until('the end', () => messages(world, 'resolved').length === 1);
    const { data } = messages(world, 'resolved')[0];
    assert.deepEqual([data.rule, data.severity, data.alerts[0].text], ['unpriced', 'critical', 'the rule was removed']);
  });
});

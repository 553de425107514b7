import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { ERRORS } from '#kernel/errors.ts';
import type { LedgerEntry } from '#ports/entry.ts';
import { CallMeter, MOST_PAIRS, OTHER_MODEL } from '#gateway/call-meter.ts';
import { call, inRulesWorld, keyOf } from '../clients-rules/rules-world.ts';
import { EVENTS, json, stream } from '../clients-rules/scripted-upstream.ts';
import { readExposition, type Family } from './exposition.ts';

const CHAT = '/v1/chat/completions';
const ANSWER =
  '{"id":"c1","object":"chat.completion","created":1,"model":"up","choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":11,"completion_tokens":7,"total_tokens":18}}';
const OUTCOMES = [
  'ok',
  'provider_error',
  'timeout',
  'truncated',
  'cancelled',
  'refused',
  'interrupted',
  'internal_error',
];

/** Rows of the page's table: names with their labels, and the type of each. */
function documented(): Map<string, { labels: string[]; type: string }> {
  const page = readFileSync(join(import.meta.dirname, '../../docs/operate/metrics.md'), 'utf8');
  const rows = [...page.matchAll(/^\| (`[^|]+`) \| ([^|]+) \| ([^|]+) \|$/gm)];
  return new Map(
    rows.flatMap(([, names, types]) =>
      [...names!.matchAll(/`([a-z_]+)(?:\{([a-z_,]+)\})?`/g)].map(([, name, labels], i) => {
        const all = types!.split(',').map((type) => type.trim());
        return [name!, { labels: labels?.split(',') ?? [], type: all[i] ?? all[0]! }] as const;
      }),
    ),
  );
}

describe('GET /metrics', () => {
  const world = inRulesWorld();
  const scrape = async (): Promise<Map<string, Family>> => {
    const response = await fetch(`${world.gate.url}/metrics`, {
      headers: { authorization: `Bearer ${world.gate.adminToken}` },
    });
    assert.equal(response.status, 200);
    assert.match(response.headers.get('content-type')!, /^text\/plain; version=0\.0\.4/);
    return new Map(readExposition(await response.text()).map((family) => [family.name, family]));
  };
  const value = (families: Map<string, Family>, name: string, labels: Record<string, string> = {}): number =>
    families
      .get(name)!
      .samples.find((sample) => Object.entries(labels).every(([label, text]) => sample.labels[label] === text))
      ?.value ?? 0;

  test('needs the admin token: no key opens it, and nothing at all does not', async () => {
    for (const authorization of [undefined, `Bearer ${world.gate.key}`, 'Bearer hga_wrong', 'Basic YTpi']) {
      const response = await fetch(`${world.gate.url}/metrics`, { headers: authorization ? { authorization } : {} });
      assert.equal(response.status, 401);
      const text = await response.text();
      assert.match(text, /admin_unauthorized/);
      assert.doesNotMatch(text, /headgate_/);
    }
  });

  test('every metric is documented with its type and labels, and every documented one is there', async () => {
    world.first.answer(json(ANSWER));
    await call(world, CHAT, { model: 'm' });
    await call(world, CHAT, { model: 'm' }, { key: 'hg_nobody_0123456789' });
    const families = await scrape();
    const page = documented();
    assert.ok(page.size >= 9);
    assert.deepEqual([...families.keys()].toSorted(), [...page.keys()].toSorted());
    for (const [name, { type, help, samples }] of families) {
      assert.equal(type, page.get(name)!.type, name);
      assert.ok(help.endsWith('.'), name);
      for (const { labels, value: figure } of samples) {
        assert.deepEqual(Object.keys(labels), page.get(name)!.labels, name);
        assert.ok(Number.isFinite(figure) && figure >= 0, name);
      }
      if (type === 'counter') assert.match(name, /_total$/);
    }
  });

  test('the figures move by what happened', async () => {
    const before = await scrape();
    world.first.answer(json(ANSWER));
    for (let i = 0; i < 3; i++) await call(world, CHAT, { model: 'm' });
    world.first.answer(json('{"error":{"message":"no"}}', 400));
    await call(world, CHAT, { model: 'm' });
    for (let i = 0; i < 2; i++) await call(world, CHAT, { model: 'm' }, { key: 'hg_nobody_0123456789' });
    const now = await scrape();
    const moved = (name: string, labels: Record<string, string>): number =>
      value(now, name, labels) - value(before, name, labels);
    assert.equal(moved('headgate_calls_total', { outcome: 'ok' }), 3);
    assert.equal(moved('headgate_calls_total', { outcome: 'provider_error' }), 1);
    assert.equal(moved('headgate_refusals_total', { code: 'invalid_api_key' }), 2);
    assert.equal(value(now, 'headgate_calls_in_flight'), 0);
    assert.equal(value(now, 'headgate_spool_disk_full'), 0);
    assert.ok(value(now, 'process_resident_memory_bytes') > 10_000_000);
    assert.ok(moved('process_cpu_seconds_total', {}) > 0);
    world.first.answer((response) => void setTimeout(() => json(ANSWER)(response, undefined as never), 400));
    const running = call(world, CHAT, { model: 'm' });
    await world.gate.until('one in flight', async () => value(await scrape(), 'headgate_calls_in_flight') === 1);
    await running;
    await world.gate.until(
      'the spool is empty',
      async () => value(await scrape(), 'headgate_spool_unshipped_calls') === 0,
    );
  });

  test('latency, tokens and money of each provider and model are those of the calls', async () => {
    const before = await scrape();
    const pair = { provider: 'first', model: 'm' };
    const moved = (now: Map<string, Family>, name: string, labels: Record<string, string>, part?: string): number => {
      const find = (families: Map<string, Family>): number =>
        families
          .get(name)!
          .samples.find((one) => one.part === part && Object.entries(labels).every(([k, v]) => one.labels[k] === v))
          ?.value ?? 0;
      return find(now) - find(before);
    };
    const { start, text, finish, usage, end } = EVENTS[CHAT];
    world.first.answer(stream([start, text, 60, text, finish, usage, end]));
    await call(world, CHAT, { model: 'm', stream: true });
    world.first.answer(json(ANSWER));
    await call(world, CHAT, { model: 'm' });
    world.first.answer(json('{"error":{"message":"slow down"}}', 429));
    await call(world, CHAT, { model: 'm' });
    await world.gate.until('the figures', async () => moved(await scrape(), 'headgate_tokens_total', pair) >= 22);
    const now = await scrape();
    const ok = { ...pair, kind: 'generate', outcome: 'ok' };
    assert.equal(moved(now, 'headgate_call_duration_seconds', ok, 'count'), 2);
    assert.equal(moved(now, 'headgate_time_to_first_token_seconds', ok, 'count'), 1);
    assert.equal(moved(now, 'headgate_time_per_output_token_seconds', ok, 'count'), 1);
    // 60 ms for the six tokens after the first.
    const each = moved(now, 'headgate_time_per_output_token_seconds', ok, 'sum');
    assert.ok(each > 0.005 && each < 0.05, String(each));
    assert.equal(moved(now, 'headgate_tokens_total', { ...pair, type: 'input' }), 22);
    assert.equal(moved(now, 'headgate_tokens_total', { ...pair, type: 'output' }), 14);
    assert.ok(Math.abs(moved(now, 'headgate_cost_dollars_total', pair) - (22 * 1e-3 + 14 * 2e-3)) < 1e-9);
    const limited = { provider: 'first', class: 'rate_limited' };
    assert.ok(moved(now, 'headgate_upstream_errors_total', limited) >= 1);
  });

  test('budgets stand there with their money', async () => {
    const { id: tenant } = await world.gate.admin('POST', '/tenants', { id: 'metered' });
    const key = await keyOf(world, 'metered-too', {});
    const budget = await world.gate.admin('POST', '/budgets', { level: 'tenant', tenant, limitUsd: '4' });
    const other = await world.gate.admin('POST', '/budgets', {
      level: 'tenant',
      tenant: 'metered-too',
      limitUsd: '100',
    });
    world.first.answer(json(ANSWER));
    const answered = await call(world, CHAT, { model: 'm' }, { key });
    assert.equal(answered.status, 200, answered.body.toString());
    const used = async (id: string): Promise<number | undefined> =>
      (await scrape()).get('headgate_budget_used_ratio')!.samples.find(({ labels }) => labels['budget'] === id)?.value;
    await world.gate.until('the budget', async () => (await used(other.id)) === 0.00025);
    assert.equal(await used(budget.id), 0);
  });

  test('a model beyond the bound counts as `other`', () => {
    const meter = new CallMeter();
    const entry = (model: string): LedgerEntry =>
      ({
        ...{
          provider: 'p',
          modelAsked: model,
          kind: 'generate',
          status: 'ok',
          attempts: [],
          stream: false,
          cost: null,
        },
        ...{ usage: {}, timing: { totalMs: 1, firstTokenMs: null, lastTokenMs: null } },
      }) as never;
    for (let i = 0; i < MOST_PAIRS + 50; i++) meter.settled(entry(`made-up-${i}`));
    const models = [...meter.uses()].map(({ model, unpriced }) => [model, unpriced] as const);
    assert.equal(models.length, MOST_PAIRS + 1);
    assert.deepEqual(models.at(-1), [OTHER_MODEL, 50]);
  });

  test('labels are closed sets, whatever callers send', async () => {
    world.first.answer(json(ANSWER));
    for (let i = 0; i < 40; i++) {
      const key = i % 2 === 0 ? `hg_stranger_${i}_0123456789` : world.gate.key;
      await call(world, CHAT, { model: `model-${i}"},\n{` }, { key, headers: { 'x-headgate-feature': `f-${i}` } });
      await call(world, CHAT, { model: `model-${i}` }, { key, path: `/v1/path-${i}` });
    }
    const families = await scrape();
    const codes = new Set(Object.keys(ERRORS));
    for (const { labels } of families.get('headgate_refusals_total')!.samples) assert.ok(codes.has(labels['code']!));
    for (const { labels } of families.get('headgate_calls_total')!.samples)
      assert.ok(OUTCOMES.includes(labels['outcome']!));
    const text = JSON.stringify([...families.values()].map(({ samples }) => samples));
    assert.doesNotMatch(text, /model-|path-|stranger|f-\d/);
  });
});

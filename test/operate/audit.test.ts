import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startProvider, type Provider } from '#lab/provider/provider.ts';
import { startGate, type GateProcess } from '../harness/gate-process.ts';

const config = (url: string): string => `
providers: { lab: { kind: lab, baseUrl: "${url}/v1" } }
models:
  m: { deployments: [{ provider: lab, model: lab-small }] }
  spare: { deployments: [{ provider: lab }] }
features: { search: {} }
capture: { key: "\${env:CAPTURE_KEY}" }
`;
const ENV = { CAPTURE_KEY: 'ab'.repeat(32) };

/** What stands in the place of a path's parameters, made anew for each operation. */
interface Made {
  readonly tenant: string;
  readonly team: string;
  readonly key: string;
  readonly budget: string;
  readonly limit: string;
  readonly layer: string;
  readonly token: string;
  readonly price: string;
  /** Of a background response; made by the recipe that uses it. */
  job: string;
  readonly drain: string;
  readonly capture: string;
  /** Of the echo. */
  readonly ticket: string;
  /** A call that streams; made by the recipe that uses it. */
  call: string;
  /** Raw text of the key. */
  readonly raw: string;
}

interface Recipe {
  readonly body: (made: Made) => object;
  readonly action: string;
  /** Whom the entry is about; default: the id of the answer. */
  readonly subject?: string;
  /** What must be there before the operation changes anything. */
  readonly before?: (gate: GateProcess, made: Made) => Promise<void>;
}

const RAW = 'sk-of-an-earlier-gateway-0123456789';

/**
 * How to use each operation that changes something. A new operation without a line here fails, so that nobody forgets
 * its audit entry.
 */
const RECIPES: Readonly<Record<string, Recipe>> = {
  'POST /admin/tenants': { body: () => ({ id: 'made-here' }), action: 'tenant.create' },
  'PATCH /admin/tenants/{tenant}': { body: () => ({ disabled: true }), action: 'tenant.update' },
  'POST /admin/teams': { body: ({ tenant }) => ({ tenant, name: 'made-here' }), action: 'team.create' },
  'PATCH /admin/teams/{team}': { body: () => ({ name: 'Renamed' }), action: 'team.update' },
  'POST /admin/keys': { body: ({ tenant }) => ({ tenant, name: 'made here' }), action: 'key.create' },
  'POST /admin/keys/import': { body: ({ tenant }) => ({ tenant, name: 'old', raw: RAW }), action: 'key.import' },
  'PATCH /admin/keys/{key}': { body: () => ({ owner: 'somebody else' }), action: 'key.update' },
  'POST /admin/keys/{key}/rotate': { body: () => ({ overlap: '1h' }), action: 'key.rotate' },
  'POST /admin/keys/{key}/revoke': { body: () => ({}), action: 'key.revoke' },
  'POST /admin/budgets': {
    body: ({ tenant }) => ({ level: 'tenant', tenant, limitUsd: '5' }),
    action: 'budget.create',
  },
  'PATCH /admin/budgets/{budget}': { body: () => ({ limitUsd: '6' }), action: 'budget.update' },
  'POST /admin/budgets/{budget}/raise': {
    body: () => ({ byUsd: '1', for: '1h', reason: 'launch' }),
    action: 'budget.raise',
  },
  'DELETE /admin/budgets/{budget}': { body: () => ({}), action: 'budget.remove' },
  'POST /admin/limits': { body: ({ tenant }) => ({ level: 'tenant', tenant, limit: 71 }), action: 'limit.create' },
  'PATCH /admin/limits/{limit}': { body: () => ({ limit: 72 }), action: 'limit.update' },
  'POST /admin/limits/{limit}/raise': {
    body: () => ({ by: 73, for: '1h', reason: 'launch' }),
    action: 'limit.raise',
  },
  'DELETE /admin/limits/{limit}': { body: () => ({}), action: 'limit.remove' },
  'POST /admin/tokens': {
    body: ({ tenant }) => ({ name: `of ${tenant}`, scope: 'tenant', tenant }),
    action: 'token.create',
  },
  'POST /admin/tokens/{token}/revoke': { body: () => ({}), action: 'token.revoke' },
  'POST /admin/layers': {
    body: ({ tenant }) => ({ level: 'tenant', tenant, values: { a: 'b' } }),
    action: 'layer.create',
  },
  'PATCH /admin/layers/{layer}': { body: () => ({ values: { a: 'c' } }), action: 'layer.update' },
  'DELETE /admin/layers/{layer}': { body: () => ({}), action: 'layer.remove' },
  'POST /admin/cache-audits': {
    body: ({ tenant }) => ({
      ...{ report: 'cache_audit', at: '2026-11-27T00:00:00.000Z', tookMs: 1, model: 'audited', seed: 1, calls: 4 },
      ...{ victim: tenant, attacker: `${tenant}-other`, levels: [], verdict: 'cannot_tell' },
      plan: { samples: 1, letters: 9, warmups: 1, share: 0.95, levels: ['same', 'cross'], pauseMs: 0 },
    }),
    action: 'cache.audit',
    subject: 'audited',
    before: async (gate, { tenant }) => void (await gate.admin('POST', '/tenants', { id: `${tenant}-other` })),
  },
  'POST /admin/jobs/{job}/retry': { body: () => ({}), action: 'job.retry', before: jobThatWaits },
  'POST /admin/cache/clear': { body: ({ tenant }) => ({ tenant, feature: 'search' }), action: 'cache.clear' },
  'POST /admin/drains': { body: () => ({ target: 'spare', reason: 'incident 7' }), action: 'drain.start' },
  'DELETE /admin/drains/{drain}': { body: () => ({}), action: 'drain.stop' },
  'POST /admin/captures': {
    body: ({ tenant }) => ({ tenant, reason: 'incident 7', for: '1h' }),
    action: 'capture.start',
  },
  'DELETE /admin/captures/{capture}': { body: () => ({}), action: 'capture.stop' },
  'POST /admin/prices': {
    body: ({ tenant }) => ({ model: `set-${tenant}`, perMillion: { input: '2.5' } }),
    action: 'price.set',
  },
  'DELETE /admin/prices/{price}': { body: () => ({}), action: 'price.remove' },
  'POST /admin/prices/import': {
    body: () => ({
      ...{ list: 'litellm', hash: '0123456789abcdef', from: 'a-list.json', dryRun: false },
      rows: [{ book: 'openai', model: 'gpt-imported', prices: { input: '1', output: '2' } }],
    }),
    action: 'price.import',
    subject: 'litellm',
  },
  'POST /admin/attribution/close': { body: () => ({ month: '2026-01' }), action: 'month.close', subject: '2026-01' },
  'POST /admin/streams/echo-tickets': { body: () => ({ for: '1h', maxOpen: 7 }), action: 'echo_ticket.create' },
  'POST /admin/streams/{call}/cancel': { body: () => ({}), action: 'stream.cancel', before: streamThatGoesOn },
  'DELETE /admin/streams/echo-tickets/{ticket}': { body: () => ({}), action: 'echo_ticket.close' },
  'POST /admin/prices/reprice': {
    body: ({ tenant }) => ({ tenant, since: '1h', dryRun: false }),
    action: 'price.reprice',
    subject: 'all models',
    before: callThatCostsMoreNow,
  },
};

const NO_TENANT = /^(price|drain|echo_ticket|month)\./;

/** Asks a provider or a webhook how it is; nothing of ours changes. */
const CHANGES_NOTHING = ['POST /admin/providers/{provider}/test', 'POST /admin/alerts/test'];

/** A background response that is far from its end. */
async function jobThatWaits(gate: GateProcess, made: Made): Promise<void> {
  const response = await fetch(`${gate.url}/v1/responses`, {
    method: 'POST',
    headers: { authorization: `Bearer ${made.raw}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'm', input: '[[lab after=600000]]', background: true }),
  });
  assert.equal(response.status, 200);
  await gate.until('its job', async () => {
    const { jobs } = await gate.admin('GET', `/jobs?tenant=${made.tenant}`);
    made.job = jobs[0]?.id ?? '';
    return made.job !== '';
  });
}

/** A stream that is far from its end. */
async function streamThatGoesOn(gate: GateProcess, made: Made): Promise<void> {
  const response = await fetch(`${gate.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${made.raw}`, 'content-type': 'application/json', 'x-headgate-resume': 'true' },
    body: JSON.stringify({
      ...{ model: 'm', stream: true },
      messages: [{ role: 'user', content: 'Hello. [[lab output=50 fault=stall@3]]' }],
    }),
  });
  made.call = response.headers.get('x-headgate-call-id')!;
  await response.body!.cancel();
}

/** A call in the ledger whose price has changed since. */
async function callThatCostsMoreNow(gate: GateProcess, { tenant, raw }: Made): Promise<void> {
  const priced = (usd: string): Promise<unknown> =>
    gate.admin('POST', '/prices', {
      ...{ model: 'lab-small', validFrom: '1970-01-01T00:00:00Z' },
      perMillion: { input: usd, output: usd },
    });
  await priced('1');
  const response = await fetch(`${gate.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${raw}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'Hello. [[lab output=5]]' }] }),
  });
  assert.equal(response.status, 200);
  await response.arrayBuffer();
  await gate.until('the call is in the store', async () => {
    const { rows } = await gate.admin('GET', `/spend?by=tenant&tenant=${tenant}`);
    return rows.length > 0;
  });
  await priced('77');
}

describe('every change of state leaves an audit entry', () => {
  let provider: Provider;
  let gate: GateProcess;
  let changing: readonly string[];
  let count = 0;

  before(async () => {
    provider = await startProvider({ seed: 20261125 });
    gate = await startGate({ config: config(provider.url), env: ENV });
    const { paths } = await gate.admin('GET', '/openapi.json');
    changing = Object.entries(paths as Record<string, object>).flatMap(([path, methods]) =>
      Object.keys(methods)
        .filter((method) => method !== 'get')
        .map((method) => `${method.toUpperCase()} ${path}`)
        .filter((operation) => !CHANGES_NOTHING.includes(operation)),
    );
  });
  after(async () => {
    await gate?.stop();
    await provider?.close();
  });

  const audit = async (): Promise<any[]> => (await gate.admin('GET', '/audit?limit=1000')).entries;

  async function madeAnew(operation: string): Promise<Made> {
    const tenant = `audited-${++count}`;
    await gate.admin('POST', '/tenants', { id: tenant });
    const { id: team } = await gate.admin('POST', '/teams', { tenant, name: 'core' });
    const { id: key, key: raw } = await gate.admin('POST', '/keys', { tenant, name: 'k' });
    const { id: budget } = await gate.admin('POST', '/budgets', { level: 'key', tenant, id: key, limitUsd: '1' });
    const { id: limit } = await gate.admin('POST', '/limits', { level: 'key', tenant, id: key, limit: 70 });
    const { id: layer } = await gate.admin('POST', '/layers', { level: 'key', tenant, id: key, values: { a: 'b' } });
    const wantsToken = operation.includes('{token}');
    const token = wantsToken ? (await gate.admin('POST', '/tokens', { name: tenant, scope: 'tenant', tenant })).id : '';
    const { id: price } = await gate.admin('POST', '/prices', { model: tenant, perMillion: { input: '1' } });
    const { id: drain } = await gate.admin('POST', '/drains', { target: 'spare', reason: 'r' });
    // Few of these may be open at once.
    const wanted = async (name: string, path: string, body: object): Promise<string> =>
      operation.includes(`{${name}}`) ? (await gate.admin('POST', path, body)).id : '';
    const capture = await wanted('capture', '/captures', { tenant, for: '1h', reason: 'r' });
    const ticket = await wanted('ticket', '/streams/echo-tickets', {});
    return { tenant, team, key, budget, limit, layer, price, drain, capture, ticket, token, raw, job: '', call: '' };
  }

  const fill = (path: string, made: Made): string =>
    path.replace(/\{(\w+)\}/g, (_, name: keyof Made) => encodeURIComponent(made[name])).replace(/^\/admin/, '');

  test('the table of this test names each operation that changes something, and no other', () => {
    assert.deepEqual(changing.toSorted(), Object.keys(RECIPES).toSorted(), 'say here how to use the operation');
  });

  test('each leaves exactly one entry: who, when, what, whose, and no secret', async () => {
    for (const operation of changing) {
      const [method, path] = operation.split(' ') as [string, string];
      const { body, action, subject, before } = RECIPES[operation]!;
      const made = await madeAnew(operation);
      await before?.(gate, made);
      const earlier = await audit();
      const at = Date.now();
      const answer = await gate.admin(method, fill(path, made), body(made));
      const [entry, ...rest] = await audit();
      assert.deepEqual(rest, earlier, `${operation}: one entry more, the others as they were`);
      assert.equal(entry.action, action, operation);
      assert.equal(entry.actor, 'admin');
      assert.ok(Math.abs(Date.parse(entry.at) - at) < 5_000, entry.at);
      const ofPrices = action.startsWith('price.');
      assert.equal(entry.subject, subject ?? (ofPrices ? `${answer.provider}/${answer.model}` : answer.id), operation);
      assert.ok(
        [made.tenant, 'made-here', ...(NO_TENANT.test(action) ? [null] : [])].includes(entry.tenant),
        `${operation}: whose`,
      );
      if (!ofPrices)
        for (const value of Object.values(body(made)))
          if (value !== RAW) assert.ok(JSON.stringify(entry).includes(noted(value)), `${operation}: ${value}`);
      const text = JSON.stringify(entry);
      for (const secret of [answer.key, answer.ticket, RAW]) if (secret) assert.ok(!text.includes(secret), operation);
      assert.doesNotMatch(text, ofPrices ? /"secret"|\b[0-9a-f]{64}\b/ : /"hash"|"secret"|\b[0-9a-f]{64}\b/);
      if (entry.tenant === null) continue;
      const own = (await gate.admin('GET', `/audit?tenant=${entry.tenant}&limit=1000`)).entries;
      assert.deepEqual(own[0], entry, 'the tenant’s own trail has it too');
    }
  });

  test('what is refused leaves none, and neither does what only reads', async () => {
    const before = await audit();
    for (const operation of changing) {
      const [method, path] = operation.split(' ') as [string, string];
      const nobody = {
        tenant: 'nobody',
        team: 'nobody.x',
        key: 'key_none',
        budget: 'bud_none',
        limit: 'lim_none',
        layer: 'tenant:nobody',
        price: 'price_none',
        job: 'job_none',
        drain: 'drn_none',
        capture: 'cap_none',
        ticket: 'echo_none',
        token: '',
        call: 'call_none',
        raw: '',
      };
      await assert.rejects(gate.admin(method, fill(path, nobody), { unknown: 1 }), / 4\d\d /);
    }
    for (const path of ['/tenants', '/teams', '/keys', '/budgets', '/spend', '/calls']) await gate.admin('GET', path);
    assert.deepEqual(await audit(), before);
  });

  test('the first start’s own key is in the trail as well', async () => {
    const first = (await audit()).at(-1);
    assert.deepEqual([first.actor, first.action, first.tenant], ['system', 'key.create', 'demo']);
  });

  test('the trail outlives the process', async () => {
    const before = await audit();
    const { dataDir } = gate;
    const next = await startAgain(gate, config(provider.url), dataDir);
    gate = next;
    assert.deepEqual(await audit(), before);
  });
});

/** Spans are noted in milliseconds. */
const noted = (value: unknown): string =>
  value === '1h' ? '3600000' : typeof value === 'object' ? JSON.stringify(value) : String(value);

/** Kills the gate and starts another on its folder. */
async function startAgain(gate: GateProcess, text: string, dataDir: string): Promise<GateProcess> {
  await gate.kill();
  return startGate({ config: text, dataDir, env: ENV });
}

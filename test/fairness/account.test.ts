import assert from 'node:assert/strict';
import { after, afterEach, describe, test } from 'node:test';
import { startProvider, type Provider } from '#lab/provider/provider.ts';
import { startGate, type GateProcess } from '../harness/gate-process.ts';

const SEED = 20261126;
/** 250 tokens a second; a call takes about 110 of them. */
const ACCOUNT = { requestsPerMinute: 100_000, tokensPerMinute: 15_000 };

interface World {
  readonly lab: Provider;
  readonly gate: GateProcess;
  readonly keys: Readonly<Record<string, string>>;
}

interface Answer {
  readonly status: number;
  readonly id: string;
  readonly ms: number;
  readonly body: any;
  readonly retryAfter: string | null;
}

const open: World[] = [];
const close = async ({ gate, lab }: World): Promise<void> => {
  await gate.stop();
  await lab.close();
};
afterEach(async () => {
  await Promise.all(open.splice(0).map(close));
});

async function world(fairness: string, more = ''): Promise<World> {
  const lab = await startProvider({ seed: SEED, account: ACCOUNT });
  const gate = await startGate({
    config: `
providers: { up: { kind: lab-chat, baseUrl: "${lab.url}/v1" }${more} }
models: { m: { deployments: [{ provider: up, model: lab-text }${more ? ', { provider: spare, model: lab-text }' : ''}] } }
prices: [{ provider: "*", model: "*", perMillion: { input: "1", output: "1" } }]
fairness: ${fairness}
retry: { attempts: 2 }
`,
  });
  const keys: Record<string, string> = {};
  for (const tenant of ['greedy', 'small', 'heavy']) {
    await gate.admin('POST', '/tenants', { id: tenant });
    keys[tenant] = (await gate.admin('POST', '/keys', { tenant, name: 'k' })).key;
  }
  const made = { lab, gate, keys };
  open.push(made);
  return made;
}

async function call({ gate, keys }: World, tenant: string, signal?: AbortSignal): Promise<Answer> {
  const startedAt = performance.now();
  const response = await fetch(`${gate.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${keys[tenant]}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      ...{ model: 'm', max_tokens: 100 },
      messages: [{ role: 'user', content: 'A question. [[lab output=100]]' }],
    }),
    ...(signal && { signal }),
  });
  const body = await response.json();
  return {
    status: response.status,
    id: response.headers.get('x-headgate-call-id')!,
    ms: performance.now() - startedAt,
    body,
    retryAfter: response.headers.get('retry-after'),
  };
}

/** Takes all of the account past the gate, until the provider refuses; then the gate is told by its next call. */
async function emptied(all: World): Promise<void> {
  const { lab } = all;
  const ask = (): Promise<number> =>
    fetch(`${lab.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: 'Bearer k', 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'lab-text', messages: [{ role: 'user', content: 'A. [[lab output=400]]' }] }),
    }).then(async (response) => {
      await response.arrayBuffer();
      return response.status;
    });
  while ((await ask()) !== 429);
  await call(all, 'greedy');
}

describe('an account’s limits, shared among tenants', () => {
  test('one tenant floods: another with little to ask waits for a turn or two, and the provider refuses nobody', async () => {
    const all = await world('{ wait: 60s }');
    await emptied(all);
    const before = all.lab.log.length;
    const leaving = new AbortController();
    // As many as the account gives in half a minute.
    const flood = Array.from({ length: 70 }, () => call(all, 'greedy', leaving.signal).catch(() => null));
    await new Promise((resolve) => setTimeout(resolve, 300));
    const small: Answer[] = [];
    for (let i = 0; i < 6; i++) small.push(await call(all, 'small'));
    assert.deepEqual(
      small.map(({ status }) => status),
      Array(6).fill(200),
    );
    // A turn comes every half second; behind the flood it would be half a minute.
    for (const { ms } of small) assert.ok(ms < 5_000, `waited ${Math.round(ms)} ms`);
    const refused = all.lab.log.slice(before).filter(({ status }) => status === 429).length;
    assert.ok(refused <= 2, `the provider refused ${refused}`);
    leaving.abort();
    await Promise.all(flood);
    const { id } = small.at(-1)!;
    await all.gate.until(
      'its entry',
      async () => (await all.gate.admin('GET', '/calls?tenant=small')).calls.length === 6,
    );
    const entry = await all.gate.admin('GET', `/calls/${id}`);
    assert.ok(entry.timing.queuedMs > 0, 'the entry says how long it waited');
    assert.ok(entry.timing.queuedMs < entry.timing.totalMs);
  });

  test('without turns the same flood makes the provider refuse the other tenant', async () => {
    const all = await world('{ enabled: false }');
    await emptied(all);
    const flood = setInterval(() => void call(all, 'greedy').catch(() => null), 20);
    const small: Answer[] = [];
    for (let i = 0; i < 12; i++) small.push(await call(all, 'small'));
    clearInterval(flood);
    assert.ok(small.filter(({ status }) => status === 429).length >= 3, small.map(({ status }) => status).join(' '));
  });

  test('a tenant of weight 3 gets three times as many tokens', async () => {
    const all = await world('{ wait: 60s, weights: { heavy: 3 } }');
    await emptied(all);
    const before = all.lab.log.length;
    const leaving = new AbortController();
    const done: string[] = [];
    const flood = ['small', 'heavy'].flatMap((tenant) =>
      Array.from({ length: 40 }, () =>
        call(all, tenant, leaving.signal).then(
          ({ status }) => status === 200 && done.push(tenant),
          () => null,
        ),
      ),
    );
    await all.gate.until('twenty turns', async () => done.length >= 20);
    leaving.abort();
    await Promise.all(flood);
    const heavy = done.slice(0, 20).filter((tenant) => tenant === 'heavy').length;
    assert.ok(heavy >= 14 && heavy <= 16, `${heavy} of 20, ${all.lab.log.length - before} sent`);
  });

  test('who leaves while it waits is never sent, and owes an entry that says so', async () => {
    const all = await world('{ wait: 60s }');
    await emptied(all);
    const flood = new AbortController();
    const others = Array.from({ length: 30 }, () => call(all, 'greedy', flood.signal).catch(() => null));
    await new Promise((resolve) => setTimeout(resolve, 200));
    const leaving = new AbortController();
    const gone = call(all, 'greedy', leaving.signal);
    await new Promise((resolve) => setTimeout(resolve, 200));
    const sent = all.lab.log.length;
    leaving.abort();
    flood.abort();
    await assert.rejects(gone);
    await Promise.all(others);
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    assert.ok(all.lab.log.length - sent <= 2, 'one may have been on its way');
    await all.gate.until('the entries', async () => {
      const { calls } = await all.gate.admin('GET', '/calls?tenant=greedy&limit=1000');
      return calls.filter((one: any) => one.status === 'cancelled' && one.attempts.length === 0).length >= 25;
    });
  });

  test('whose turn does not come in time gets a 429 that says when, and an attempt that nobody sent', async () => {
    const all = await world('{ wait: 200ms }');
    await emptied(all);
    const answers = await Promise.all(Array.from({ length: 12 }, () => call(all, 'small')));
    const late = answers.find(({ body }) => body.error?.code === 'account_busy')!;
    assert.ok(late, answers.map(({ status, body }) => `${status} ${body.error?.code ?? ''}`).join(', '));
    assert.equal(late.status, 429);
    assert.ok(Number(late.retryAfter) >= 1);
    assert.ok(late.ms < 5_000);
    await all.gate.until('its entry', async () => {
      const entry = await all.gate.admin('GET', `/calls/${late.id}`).catch(() => null);
      return entry?.attempts[0]?.errorCode === 'account_busy' && Number(entry.cost?.totalUsd ?? 0) === 0;
    });
  });

  test('another deployment serves whose turn does not come', async () => {
    const spare = await startProvider({ seed: SEED });
    after(() => spare.close());
    const all = await world('{ wait: 100ms }', `, spare: { kind: lab-chat, baseUrl: "${spare.url}/v1" }`);
    await emptied(all);
    const answers = await Promise.all(Array.from({ length: 12 }, () => call(all, 'small')));
    for (const { status } of answers) assert.equal(status, 200);
    assert.ok(spare.log.length >= 8);
  });
});

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { seededRng } from '#kernel/rng.ts';
import { startProvider, type Provider } from '#lab/provider/provider.ts';
import { headgate } from '../harness/cli.ts';
import { startGate, temporaryFolder, type GateProcess } from '../harness/gate-process.ts';
import { neverWas } from '../isolation/trespass.ts';

const SEED = 20261127;

describe('quality of tenants', () => {
  let provider: Provider;
  let gate: GateProcess;
  const keys: Record<string, string> = {};
  const dataDir = temporaryFolder('quality');
  const start = async (): Promise<GateProcess> =>
    startGate({
      dataDir,
      config: `
providers: { lab: { kind: lab, baseUrl: "${provider.url}/v1" } }
models: { small: { deployments: [{ provider: lab, model: lab-small }] }, large: { deployments: [{ provider: lab, model: lab-large }] } }
prices: [{ provider: "*", model: "*", perMillion: { input: "1", output: "2" } }]
features: { search: { quality: { rules: [length, failure, retry] } }, chat: {} }
retry: { attempts: 1 }
`,
    });

  before(async () => {
    provider = await startProvider({ seed: SEED });
    gate = await start();
    for (const tenant of ['acme', 'globex']) {
      await gate.admin('POST', '/tenants', { id: tenant });
      const rights = { features: '*' };
      keys[tenant] = (await gate.admin('POST', '/keys', { tenant, name: 'k', rights, defaultFeature: 'search' })).key;
    }
  });
  after(async () => {
    await gate?.stop();
    await provider?.close();
  });

  async function call(tenant: string, content = 'hi [[lab output=3]]', more: object = {}): Promise<string> {
    const response = await fetch(`${gate.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${keys[tenant]}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'small', messages: [{ role: 'user', content }], ...more }),
    });
    await response.text();
    return response.headers.get('x-headgate-call-id')!;
  }
  async function score(tenant: string, body: object): Promise<{ status: number; body: any }> {
    const response = await fetch(`${gate.url}/v1/headgate/scores`, {
      method: 'POST',
      headers: { authorization: `Bearer ${keys[tenant]}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    return { status: response.status, body: await response.json() };
  }
  const stored = (id: string): Promise<void> =>
    gate.until('the entry', async () => (await gate.admin('GET', `/calls/${id}`).catch(() => null)) !== null);
  const lineOf = async (tenant: string, name: string): Promise<any> => {
    const { lines } = await gate.admin('GET', `/quality?tenant=${tenant}&score=${name}`);
    return lines[0];
  };

  test('a score is kept once; of another tenant’s call it is refused in the words for a call that never was', async () => {
    const id = await call('acme');
    await stored(id);
    const given = { call: id, name: 'helpful', value: 0.5, comment: 'half of it' };
    assert.deepEqual(await score('acme', given), {
      status: 200,
      body: { scores: [{ call: id, name: 'helpful', kept: true }] },
    });
    assert.equal((await score('acme', { ...given, value: 1 })).body.scores[0].kept, false);
    const foreign = await score('globex', given);
    const never = await score('globex', { ...given, call: neverWas(id) });
    assert.equal(foreign.status, 404);
    assert.deepEqual(foreign, never);
    const { scored } = await lineOf('acme', 'helpful');
    assert.deepEqual(scored, { n: 1, mean: 0.5 });
    assert.equal(await lineOf('globex', 'helpful'), undefined);
  });

  test('bad input is named', async () => {
    const id = await call('acme');
    for (const [body, field] of [
      [{ call: id, name: 'helpful', value: 2 }, 'value'],
      [{ call: 'nonsense', name: 'helpful', value: 1 }, 'call'],
      [{ call: id, name: 'No Name', value: 1 }, 'name'],
      [{ scores: [] }, 'scores'],
      [{ scores: Array.from({ length: 101 }, () => ({ call: id, name: 'a', value: 1 })) }, 'scores'],
    ] as const) {
      const { status, body: answer } = await score('acme', body);
      assert.deepEqual([status, answer.error.param], [400, field], JSON.stringify(answer));
    }
    const unknown = await fetch(`${gate.url}/v1/headgate/scores`, { method: 'POST', body: '{}' });
    assert.equal(unknown.status, 401);
    const read = await fetch(`${gate.url}/v1/headgate/scores`, {
      headers: { authorization: `Bearer ${keys['acme']}` },
    });
    assert.deepEqual([read.status, read.headers.get('allow')], [405, 'POST']);
  });

  test('rules of the feature score each call by its entry', async () => {
    const before = (await lineOf('globex', 'length'))?.scored.n ?? 0;
    await call('globex');
    await call('globex', 'hi [[lab output=50]]', { max_tokens: 5 });
    await call('globex', 'hi [[lab fault=500]]');
    await gate.until('three more', async () => (await lineOf('globex', 'failure'))?.scored.n >= before + 3);
    const line = async (name: string): Promise<object> => (await lineOf('globex', name)).scored;
    assert.deepEqual(await line('length'), { n: before + 2, mean: 0.5 });
    const failure = (await line('failure')) as { n: number; mean: number };
    assert.ok(Math.abs(failure.mean - 2 / 3) < 1e-9, JSON.stringify(failure));
    assert.deepEqual(await line('retry'), { n: 3, mean: 1 });
  });

  test('a tenant whose scores fall is named: report, now, and the command', async (t) => {
    const rng = seededRng(SEED);
    const ids = new Map<string, string[]>();
    for (const tenant of ['acme', 'globex']) {
      const own = await Promise.all(Array.from({ length: 60 }, () => call(tenant)));
      for (const id of own) await stored(id);
      ids.set(tenant, own);
    }
    // Each call is judged under twenty names by each of several judges: as many scores as a month has.
    for (let round = 0; round < 12; round++)
      for (const tenant of ['acme', 'globex']) {
        const isDown = tenant === 'acme' && round >= 6;
        const scores = ids.get(tenant)!.map((call) => ({
          ...{ call, name: `helpful.${round}` },
          value: Number(rng.next() >= (isDown ? 0.5 : 0.05)),
        }));
        assert.equal((await score(tenant, { scores })).status, 200);
      }
    t.diagnostic(`seed ${SEED}`);
    const { lines } = await gate.admin('GET', '/quality?score=helpful.11');
    assert.ok(
      lines.every(({ verdict }: any) => verdict === 'not_enough'),
      'sixty scores are too few, and it says so',
    );
    assert.ok(lines[0].missing > 60);
    const { code, out } = await headgate(['quality', '--score', 'helpful.11'], gate);
    assert.equal(code, 0);
    assert.match(out, /not enough data: about \d+ more/);
  });

  test('enough scores of one name: one fell, and the other did not; it outlives a kill', async () => {
    const rng = seededRng(SEED + 1);
    for (let i = 0; i < 8; i++)
      for (const tenant of ['acme', 'globex']) {
        const own = await Promise.all(Array.from({ length: 100 }, () => call(tenant)));
        await stored(own.at(-1)!);
        await gate.until('all entries', async () => {
          const { calls } = await gate.admin('GET', `/calls?tenant=${tenant}&limit=1000`);
          const there = new Set(calls.map(({ id }: any) => id));
          return own.every((id) => there.has(id)) || calls.length >= 1000;
        });
        const isDown = tenant === 'acme' && i >= 4;
        const scores = own.map((call) => ({
          call,
          name: 'solved',
          value: Number(rng.next() >= (isDown ? 0.4 : 0.05)),
        }));
        const { status, body } = await score(tenant, { scores });
        assert.equal(status, 200, JSON.stringify(body));
      }
    const verdicts = async (): Promise<unknown> =>
      (await gate.admin('GET', '/quality?score=solved')).lines.map(({ tenant, verdict }: any) => [tenant, verdict]);
    const expected = [
      ['acme', 'fell'],
      ['globex', 'no_change'],
    ];
    assert.deepEqual(await verdicts(), expected, `seed ${SEED + 1}`);
    const { findings, quality } = await gate.admin('GET', '/now');
    assert.match(
      findings.find(({ about }: any) => about === 'quality').text,
      /^Answers to acme became worse: solved of search/,
    );
    assert.equal(quality.length, 1);
    const { code, out } = await headgate(['quality', '--score', 'solved', '--ci'], gate);
    assert.equal(code, 3, out);
    assert.match(out, /acme fell/);
    assert.match(out, /FELL/);
    await gate.kill();
    gate = await start();
    await gate.until(
      'the scores are followed',
      async () => (await gate.admin('GET', '/quality?score=solved')).lines.length === 2,
    );
    assert.deepEqual(await verdicts(), expected);
  });

  test('another model is another basis: compared with the one before', async () => {
    const own = await Promise.all(
      Array.from({ length: 100 }, () => call('globex', 'hi [[lab output=3]]', { model: 'large' })),
    );
    for (const id of own) await stored(id);
    const scores = own.map((call) => ({ call, name: 'solved', value: 0 }));
    assert.equal((await score('globex', { scores })).status, 200);
    const { lines } = await gate.admin('GET', '/quality?tenant=globex&score=solved');
    const line = lines.find(({ basis }: any) => basis === 'large');
    assert.equal(line.change.from, 'small');
    assert.deepEqual([line.change.before.n, line.change.since.n, line.change.fell], [800, 100, true]);
    assert.equal(line.verdict, 'not_enough');
    const { out } = await headgate(['quality', '--tenant', 'globex', '--score', 'solved'], gate);
    assert.match(out.replaceAll(/\s+/g, ' '), /small became large: worse/);
  });
});

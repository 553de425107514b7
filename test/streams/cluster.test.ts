import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { ticketOf } from '../client/page.ts';
import { startUpstream, stream, type ScriptedUpstream, type StreamPart } from '../clients-rules/scripted-upstream.ts';
import { startGate } from '../harness/gate-process.ts';
import { startRedisCluster, type RedisCluster } from '../harness/redis-cluster.ts';
import { redisSkip, startRedis } from '../harness/redis-server.ts';
import { chunk } from './shared-world.ts';
import { callIdOf, endOf, eventsOf, openWith, type Reading } from './stream-client.ts';
import { startTwoGates, type TwoGates } from './two-gates.ts';

const paced = (pauseMs: number): StreamPart[] => [
  ...Array.from({ length: 20 }, (_, i) => [chunk(`word${i} `), pauseMs]).flat(),
  ...[chunk(null, 'stop'), 'data: [DONE]\n\n'],
];
const configOf = (upstream: string, more: string): string => `
providers: { chat: { kind: lab-chat, baseUrl: "${upstream}/v1" } }
models: { chat: { deployments: [{ provider: chat, model: up }] } }
prices: [{ provider: "*", model: "*", perMillion: { input: "1000", output: "2000" } }]
retry: { attempts: 1 }
${more}
`;
const logsAt = (url: string, more: string): string =>
  `stream: { heartbeat: 300ms, resume: { grace: 2s }, logs: { kind: valkey, url: "${url}", lease: 5s, ${more} } }`;

describe('two gates on a cluster', { skip: redisSkip }, () => {
  const world = {} as { up: ScriptedUpstream; cluster: RedisCluster; gates: TwoGates };
  before(async () => {
    world.up = await startUpstream();
    world.cluster = await startRedisCluster('{demo}');
    const [url, ...others] = world.cluster.urls;
    const nodes = `cluster: true, nodes: ${JSON.stringify(others)}`;
    world.gates = await startTwoGates(configOf(world.up.url, logsAt(url!, nodes)));
  });
  after(async () => {
    await world.gates?.stop();
    await world.cluster?.stop();
    await world.up?.close();
  });

  const call = (at: 'a' | 'b', key: string): Promise<Reading> =>
    openWith(
      { url: world.gates[at].url, key: world.gates.key },
      {
        ...{ method: 'POST', path: '/v1/chat/completions', headers: { 'idempotency-key': key } },
        body: { model: 'chat', stream: true, messages: [{ role: 'user', content: 'hi' }] },
      },
    );

  test('a stream is read at the other gate, its key is used once, its ticket opens once', async () => {
    const { up, gates } = world;
    up.answer(stream(paced(30)));
    const [key, before] = [randomUUID(), up.seen.length];
    const live = await call('a', key);
    await gates.a.until('words', () => live.text().includes('word3'));
    const there = await call('b', key);
    assert.deepEqual(await Promise.all([live.ended, there.ended]), ['clean', 'clean']);
    assert.equal(there.response.headers['idempotent-replayed'], 'true');
    assert.equal(eventsOf(there.text()), eventsOf(live.text()));
    assert.match(there.text(), /word19/);
    assert.equal(up.seen.length, before + 1);
    const id = callIdOf(live);
    const ticket = await ticketOf({ ...gates.a, key: gates.key }, id);
    const read = (at: 'a' | 'b') => fetch(`${gates[at].url}/v1/streams/${id}?ticket=${ticket}`);
    assert.deepEqual([(await read('b')).status, (await read('a')).status], [200, 401]);
  });

  test('the node with a stream dies in mid-stream: its reader has all of it, and its replica serves the other gate', async () => {
    const { up, gates, cluster } = world;
    const node = cluster.nodeOf('{demo}');
    up.answer(stream(paced(200)));
    const live = await call('a', randomUUID());
    await gates.a.until('words', () => live.text().includes('word3'));
    await cluster.kill(node);
    assert.equal(await live.ended, 'clean');
    assert.match(live.text(), /word19/);
    let there = live;
    await gates.b.until('its replica has the slots', async () => {
      there = await openWith(
        { url: gates.b.url, key: gates.key },
        { method: 'GET', path: `/v1/streams/${callIdOf(live)}?end=event` },
      );
      await there.ended;
      return there.response.statusCode === 200;
    });
    assert.equal(endOf(there.text()).status, 'ok');
    assert.equal(eventsOf(there.text()), eventsOf(live.text()));
  });
});

describe('a server of the wrong kind is refused at the start, in words', { skip: redisSkip }, () => {
  let cluster: RedisCluster;
  before(async () => void (cluster = await startRedisCluster()));
  after(() => cluster?.stop());

  const refusal = async (more: string, env: Record<string, string> = {}): Promise<string> => {
    const started = startGate({ config: configOf('http://127.0.0.1:1', more), env });
    return started.then(
      async (gate) => (await gate.stop(), 'it started'),
      (error: unknown) => String(error),
    );
  };

  test('limits on a cluster, said or found out; logs and answers on a cluster that is not said; what is none', async () => {
    const url = cluster.urls[0]!;
    const alone = await startRedis();
    const said = await refusal(`limitCounters: { kind: valkey, url: "${url}", cluster: true }`);
    assert.match(said, /a cluster has a step within one slot alone/);
    const found = await refusal(`limitCounters: { kind: valkey, url: "${url}" }`);
    assert.match(found, /limitCounters: the server at `url` is a node of a cluster: .*give one server/);
    assert.match(await refusal(logsAt(url, '')), /stream\.logs: .*say `cluster: true`/);
    const behind = `${logsAt(alone.url, '')}\nlimitCounters: { kind: valkey, url: "${url}" }`;
    assert.match(await refusal(behind), /give one server/, 'and what was opened before does not keep the process');
    const answers = `cache: { store: { kind: valkey, url: "${url}", secret: "\${env:ANSWERS}" } }`;
    assert.match(await refusal(answers, { ANSWERS: 'x'.repeat(32) }), /cache\.store: .*say `cluster: true`/);
    assert.match(await refusal(logsAt(alone.url, 'cluster: true')), /is no node of a cluster/);
    await alone.kill();
  });
});

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startGate } from '../harness/gate-process.ts';
import { redisSkip } from '../harness/redis-server.ts';
import { callIdOf, endOf, type Reading } from './stream-client.ts';
import { at, call, LONG, redriveWorld, resume, revive, sha256, TEXT, textOf, type Asked } from './redrive-world.ts';

/** An object of so many texts: its JSON takes a while. */
const SCHEMA = {
  type: 'object',
  properties: Object.fromEntries(Array.from({ length: 80 }, (_, i) => [`member${i}`, { type: 'string' }])),
  required: Array.from({ length: 80 }, (_, i) => `member${i}`),
};
const TOOL = { type: 'function', function: { name: 'look', parameters: SCHEMA } };
const directed = (directive: string): string => `[[lab ${directive}]]${TEXT}`;

const manyEvents = (text: string): boolean => text.split('\ndata: ').length > 12;

interface Refused extends Asked {
  readonly reason: string | undefined;
  /** Something of it has come; default: text. */
  readonly begun?: (text: string) => boolean;
}

/** One of each kind, all on the gate that dies. */
const REFUSED: Readonly<Record<string, Refused>> = {
  'a provider that begins a new answer': { model: 'hosted', reason: 'provider_cannot_continue' },
  'half of a tool call': {
    ...{ text: directed('tools=1'), body: { tools: [TOOL] }, reason: 'tool_call_in_flight' },
    begun: manyEvents,
  },
  thinking: {
    ...{ api: 'claude', text: directed('think=200'), body: { thinking: { type: 'enabled', budget_tokens: 1024 } } },
    ...{ reason: 'reasoning_in_flight', begun: manyEvents },
  },
  'several answers': { body: { n: 2 }, reason: 'several_choices' },
  'log probabilities': { body: { logprobs: true }, reason: 'logprobs' },
  'half of a JSON text': {
    ...{ model: 'words', reason: 'structured_output', begun: manyEvents },
    body: { response_format: { type: 'json_schema', json_schema: { name: 'all', schema: SCHEMA } } },
  },
  'a request that is too large to keep': { text: TEXT + ' '.repeat(20_000), reason: undefined },
  'a caller that wants no more than to read again': { headers: { 'x-headgate-resume': 'true' }, reason: undefined },
  'a tool that has to be called': {
    body: { tools: [TOOL], tool_choice: 'required' },
    ...{ reason: 'tool_call_in_flight', begun: manyEvents },
  },
};

describe('streams that nobody goes on with end as interrupted, and say why', { skip: redisSkip }, () => {
  const w = redriveWorld({ grace: '60s', resume: ', redrive: { requestBytes: 12KB }' });

  const kill = async (): Promise<void> => {
    await w.gates.a.kill();
    await sleep(50);
  };
  const begun = (live: Reading, begins: (text: string) => boolean): Promise<void> =>
    w.gates.a.until('it has begun', () => begins(live.text()));
  const says = (word: string) => (text: string) => textOf(text).includes(word);

  test('each by its own reason, with the exact beginning, and nothing is asked for again', async () => {
    const seen = w.provider.log.length;
    const live = await Promise.all(
      Object.entries(REFUSED).map(async ([name, asked]) => ({ name, asked, reading: await call(at(w, 'a'), asked) })),
    );
    for (const { asked, reading } of live) await begun(reading, asked.begun ?? says('w'));
    await kill();
    for (const { name, asked, reading } of live) {
      await reading.ended;
      const there = await resume(at(w, 'b'), callIdOf(reading));
      assert.equal(await there.ended, 'broken', name);
      const end = endOf(there.text());
      assert.deepEqual([end.status, end.reason], ['interrupted', asked.reason], name);
      assert.equal(end.redrivenBy, undefined);
      const again = await resume(at(w, 'b'), callIdOf(reading));
      await again.ended;
      assert.deepEqual(endOf(again.text()), end, 'whoever comes later has the same');
    }
    assert.equal(w.provider.log.length - seen, live.length);
  });

  test('a feature that wants it without logs in Valkey is an error of the configuration', async () => {
    const config =
      'providers: { lab: { kind: lab, baseUrl: "http://127.0.0.1:9/v1" } }\nfeatures: { safe: { resume: redrive } }';
    await assert.rejects(startGate({ config }), /features\.safe\.resume: `redrive` needs logs of streams in Valkey/);
  });

  test('an answer of which nothing was said begins anew, with any provider', async () => {
    const seen = w.provider.log.length;
    const live = await call(at(w, 'a'), { model: 'hosted', text: directed('fault=pause@1:2000') });
    const id = callIdOf(live);
    await kill();
    const there = await resume(at(w, 'b'), id);
    assert.equal(await there.ended, 'clean', there.text());
    assert.equal(textOf(there.text()), TEXT);
    assert.equal(endOf(there.text()).textSha256, sha256(TEXT));
    assert.equal(w.provider.log.length - seen, 2);
    assert.equal(w.provider.log.at(-1)!.continues, null);
  });

  test('a deadline holds over the death: what is late is not gone on with', async () => {
    const headers = { 'x-headgate-deadline-ms': '6000' };
    const [late, early] = [
      await call(at(w, 'a'), { text: LONG, headers }),
      await call(at(w, 'a'), { text: LONG, headers }),
    ];
    for (const reading of [late, early]) await begun(reading, says('wörd 1'));
    await kill();
    const going = await resume(at(w, 'b'), callIdOf(early));
    await sleep(6_000);
    const there = await resume(at(w, 'b'), callIdOf(late));
    await there.ended;
    assert.equal(endOf(there.text()).reason, 'deadline_exceeded');
    await going.ended;
    assert.notEqual(endOf(going.text()).status, 'ok', 'it was gone on with, and ended by the same deadline');
    assert.equal(endOf(going.text()).redrivenBy.length, 1);
  });

  test('budgets and limits are asked first: what they refuse is interrupted', async () => {
    const made = await w.gates.b.admin('POST', '/limits', { level: 'tenant', tenant: 'demo', limit: 1 });
    const live = await Promise.all([call(at(w, 'a')), call(at(w, 'a'))]);
    for (const reading of live) await begun(reading, says('wörd 3'));
    const seen = w.provider.log.length;
    await kill();
    const [first, second] = live;
    const taken = await resume(at(w, 'b'), callIdOf(first));
    assert.equal(await taken.ended, 'clean');
    const limited = await resume(at(w, 'b'), callIdOf(second));
    await limited.ended;
    assert.deepEqual([endOf(limited.text()).status, endOf(limited.text()).reason], ['interrupted', 'rate_limited']);
    await w.gates.b.admin('DELETE', `/limits/${made.id}`);

    await revive(w);
    await w.gates.b.admin('POST', '/budgets', { level: 'tenant', tenant: 'demo', limitUsd: '0.000001' });
    const paid = await call(at(w, 'a'));
    await begun(paid, says('wörd 3'));
    await kill();
    const refused = await resume(at(w, 'b'), callIdOf(paid));
    await refused.ended;
    assert.deepEqual([endOf(refused.text()).status, endOf(refused.text()).reason], ['interrupted', 'budget_exceeded']);
    assert.equal(w.provider.log.length - seen, 2, 'one that had room, and the one that died');
  });
});

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startUpstream, type ScriptedUpstream } from '../clients-rules/scripted-upstream.ts';
import { startGate, type GateProcess } from '../harness/gate-process.ts';

const SECRET =
  'You are the concierge of the Grand Aurora and you never offer more than a twelve percent discount without the code of the night manager';
const RUN = SECRET.split(' ').slice(4, 24).join(' ');
const CANARY = 'ZX-9981-aurora-canary';

describe('the leak watch', () => {
  let up: ScriptedUpstream;
  let gate: GateProcess;
  const keys: Record<string, string> = {};
  /** Pieces of the next answer. */
  let answer: readonly string[] = [];

  before(async () => {
    up = await startUpstream();
    up.answer(async (response, { body }) => {
      const pieces = answer;
      if (!String(body).includes('"stream":true')) {
        response.writeHead(200, { 'content-type': 'application/json' });
        return void response.end(JSON.stringify(chat(pieces.join(''))));
      }
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      for (const piece of pieces) {
        response.write(`data: ${JSON.stringify(chunk({ content: piece }, null))}\n\n`);
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
      response.write(`data: ${JSON.stringify(chunk({}, 'stop'))}\n\ndata: [DONE]\n\n`);
      response.end();
    });
    gate = await startGate({
      config: `
providers: { lab: { kind: lab-chat, baseUrl: "${up.url}/v1" } }
models: { m: { deployments: [{ provider: lab }] } }
prices: [{ provider: "*", model: "*", perMillion: { input: "1", output: "2" } }]
leakWatch: { action: stop, canaries: { acme: ["${CANARY}"] } }
`,
    });
    for (const id of ['acme', 'globex']) {
      await gate.admin('POST', '/tenants', { id });
      keys[id] = (await gate.admin('POST', '/keys', { tenant: id, name: 'k' })).key;
    }
    await gate.admin('POST', '/layers', {
      ...{ level: 'tenant', tenant: 'acme' },
      template: { text: `${SECRET}. Greet {{guest}}.`, variables: { guest: { from: 'call', default: 'them' } } },
    });
  });
  after(async () => {
    await gate?.stop();
    await up?.close();
  });
  /** Of a call: it is written beside the answer, and stands there soon after. */
  async function incidentOf(call: string): Promise<any> {
    let found: any;
    await gate.until('the incident', async () => {
      const { entries } = await gate.admin('GET', '/audit?limit=100');
      const own = entries.filter((one: any) => one.action === 'leak.found' && one.subject === call);
      assert.ok(own.length <= 1);
      return (found = own[0]) !== undefined;
    });
    return { ...found, facts: found.detail };
  }
  async function entryOf(call: string): Promise<any> {
    let entry: any;
    await gate.until('the entry', async () => {
      entry = await gate.admin('GET', `/calls/${call}`).catch(() => null);
      return entry !== null;
    });
    return entry;
  }
  const found = async (): Promise<number> => {
    const text = await (
      await fetch(`${gate.url}/metrics`, { headers: { authorization: `Bearer ${gate.adminToken}` } })
    ).text();
    return Number(/headgate_leaks_total\{action="stop"\} (\d+)/.exec(text)![1]);
  };

  async function ask(tenant: string, path: string, more: object = {}, prompt = 'hi') {
    const response = await fetch(`${gate.url}${path}`, {
      method: 'POST',
      headers: {
        ...{ authorization: `Bearer ${keys[tenant]}`, 'content-type': 'application/json' },
        ...(path === '/v1/messages' && { 'anthropic-version': '2023-06-01' }),
      },
      body: JSON.stringify({ model: 'm', max_tokens: 99, messages: [{ role: 'user', content: prompt }], ...more }),
    });
    const text = await response.text().catch((error: unknown) => `broken: ${String(error)}`);
    return { status: response.status, text, id: response.headers.get('x-headgate-call-id') ?? '' };
  }
  /** What came before the connection broke. */
  async function stream(tenant: string, path: string, prompt = 'hi') {
    const response = await fetch(`${gate.url}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${keys[tenant]}`, 'content-type': 'application/json' },
      body: JSON.stringify({
        ...{ model: 'm', max_tokens: 99, stream: true, messages: [{ role: 'user', content: prompt }] },
      }),
    });
    let [text, broken] = ['', false];
    try {
      for await (const piece of response.body!) text += Buffer.from(piece).toString();
    } catch {
      broken = true;
    }
    return { text, broken, id: response.headers.get('x-headgate-call-id') ?? '' };
  }
  const words = (text: string): string =>
    [...text.matchAll(/"(?:content|text)":"([^"]*)"/g)].map(([, one]) => one).join('');

  test('an answer in one piece is withheld, and the incident says whose text it was, and not what', async () => {
    answer = [`Sure. ${RUN}, and so on.`];
    const { status, text, id } = await ask('globex', '/v1/chat/completions');
    assert.equal(status, 403, text);
    assert.match(text, /answer_withheld/);
    assert.doesNotMatch(text, /concierge|acme|discount/);
    const incident = await incidentOf(id);
    assert.equal(incident.tenant, 'acme');
    assert.equal(incident.facts.tenant, 'globex');
    assert.equal(incident.facts.text, 'tenant:acme@1');
    assert.doesNotMatch(JSON.stringify(incident), /concierge/);
    const entry = await entryOf(id);
    assert.equal(entry.errorCode, 'answer_withheld');
    assert.ok(BigInt(entry.costNanoUsd ?? entry.cost?.totalNanoUsd ?? '1') > 0n);
  });

  for (const path of ['/v1/chat/completions', '/v1/messages'])
    test(`a stream of ${path} ends before the words that complete the run`, async () => {
      const pieces = `Well then ${RUN} and more`.match(/[\s\S]{1,5}/g)!;
      answer = pieces;
      const { text, broken, id } = await stream('globex', path);
      assert.ok(broken, text);
      assert.match(text, /answer_withheld|withholds the rest/);
      const came = words(text);
      assert.ok(came.startsWith('Well then'), came);
      const leaked = RUN.split(' ').filter((_, i) =>
        came.includes(
          RUN.split(' ')
            .slice(0, i + 1)
            .join(' '),
        ),
      ).length;
      assert.ok(leaked <= 12, `${leaked} words of the run came`);
      assert.equal((await incidentOf(id)).facts.action, 'stop');
      const entry = await entryOf(id);
      assert.deepEqual(
        [entry.status, entry.cancelledBy, entry.errorCode],
        ['cancelled', 'operator', 'answer_withheld'],
      );
    });

  test('a canary ends a stream, whatever its case and however it is cut', async () => {
    answer = `the code is ${CANARY.toUpperCase()} indeed`.match(/[\s\S]{1,4}/g)!;
    const { text, broken, id } = await stream('globex', '/v1/chat/completions');
    assert.ok(broken);
    assert.doesNotMatch(words(text), /CANARY/);
    assert.equal((await incidentOf(id)).facts.text, 'canary');
  });

  test('its own tenant, a caller who sent the words itself, and other words pass', async () => {
    const before = await found();
    answer = [`Sure. ${RUN}, and so on.`];
    assert.equal((await ask('acme', '/v1/chat/completions')).status, 200);
    const own = await ask('globex', '/v1/chat/completions', {}, `Translate: "${RUN.toUpperCase()}"`);
    assert.equal(own.status, 200, own.text);
    answer = ['You are the concierge of the Grand Aurora, I suppose; any other hotel offers more.'];
    assert.equal((await ask('globex', '/v1/chat/completions')).status, 200);
    assert.equal(await found(), before);
  });

  test('`headgate now` names whose text it was and who was answered', async () => {
    const { verdict, findings, leaks, changes } = await gate.admin('GET', '/now');
    const [{ newestCall, ...pair }] = leaks;
    assert.deepEqual(pair, { owner: 'acme', reader: 'globex', incidents: 4, stopped: 4 });
    assert.equal(verdict, 'warned');
    const found = findings.find(({ about }: any) => about === 'leak');
    assert.equal(found.text, '4 answers to globex held a text of acme.');
    assert.equal(found.next[0], `headgate calls show ${newestCall}`);
    assert.ok(!JSON.stringify(changes).includes('leak.found'));
  });

  test('a layer that is changed protects from then on, and one that is gone no more', async () => {
    const text =
      'Every invoice of this house is due within nine days of the first of the following month without exception';
    await gate
      .admin('POST', '/layers', { level: 'team', tenant: 'acme', id: 'acme.x', template: { text } })
      .catch(async () => gate.admin('PATCH', '/layers/tenant%3Aacme', { template: { text } }));
    answer = [text];
    assert.equal((await ask('globex', '/v1/chat/completions')).status, 403);
    await gate.admin('PATCH', '/layers/tenant%3Aacme', { template: null });
    assert.equal((await ask('globex', '/v1/chat/completions')).status, 200);
  });
});

const base = { id: 'c', created: 1, model: 'm' };
const chat = (content: string) => ({
  ...{ ...base, object: 'chat.completion', usage: { prompt_tokens: 3, completion_tokens: 9, total_tokens: 12 } },
  choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }],
});
const chunk = (delta: object, finish: string | null) => ({
  ...{ ...base, object: 'chat.completion.chunk' },
  choices: [{ index: 0, delta, finish_reason: finish }],
});

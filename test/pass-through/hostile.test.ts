import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { json, startUpstream, stream, type ScriptedUpstream } from '../clients-rules/scripted-upstream.ts';
import { startGate, type GateProcess } from '../harness/gate-process.ts';
import { headBytes, rawExchange, requestBytes, type RawAnswer } from '../hostile/raw-http.ts';

const MB = 1024 * 1024;

const config = (first: string, second: string): string => `
providers:
  first: { kind: lab, baseUrl: "${first}/v1" }
  second: { kind: lab, baseUrl: "${second}/v1" }
models:
  m: { deployments: [{ provider: first, model: up }] }
  same: { deployments: [{ provider: first }] }
  pair: { deployments: [{ provider: first, model: up, order: 0 }, { provider: second, model: other, order: 1 }] }
  free: { deployments: [{ provider: first, model: nobody-knows }] }
prices:
  - { provider: "*", model: up, perMillion: { character: "1000", audioSecond: "1000", image: "1000", searchUnit: "1000" } }
  - { provider: "*", model: other, perMillion: { character: "2000", audioSecond: "2000" } }
  - { provider: "*", model: same, perMillion: { audioSecond: "1000" } }
retry: { attempts: 2, backoff: 0ms }
stream: { heartbeat: 300ms }
limits: { answerBytes: 2MiB, bodyBytes: 64MiB }
`;

const TYPE = 'multipart/form-data; boundary=xx';
const field = (name: string, value: string): string =>
  `--xx\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
const file = (content: Uint8Array): Buffer =>
  Buffer.concat([
    Buffer.from('--xx\r\nContent-Disposition: form-data; name="file"; filename="a.mp3"\r\n\r\n'),
    content,
    Buffer.from('\r\n'),
  ]);
const form = (...parts: (string | Buffer)[]): Buffer =>
  Buffer.concat([...parts.map((part) => Buffer.from(part as string)), Buffer.from('--xx--\r\n')]);

describe('pass-through endpoints with odd callers and odd providers', () => {
  let first: ScriptedUpstream;
  let second: ScriptedUpstream;
  let gate: GateProcess;

  before(async () => {
    [first, second] = await Promise.all([startUpstream(), startUpstream()]);
    gate = await startGate({ config: config(first.url, second.url) });
  });
  after(async () => {
    await gate?.stop();
    await Promise.all([first?.close(), second?.close()]);
  });

  const post = (path: string, body: string | Uint8Array, headers: Record<string, string> = {}): Promise<RawAnswer> =>
    rawExchange(gate.url, [requestBytes(body, { path, key: gate.key, headers })], { patienceMs: 30_000 });
  const upload = (bytes: Uint8Array, type = TYPE): Promise<RawAnswer> =>
    post('/v1/audio/transcriptions', bytes, { 'content-type': type });
  const speak = (model: string, more: object = {}): Promise<RawAnswer> =>
    post('/v1/audio/speech', JSON.stringify({ model, input: 'four', voice: 'v', ...more }));
  const errorOf = (answer: RawAnswer) => JSON.parse(answer.body.toString()).error;
  async function entryOf(answer: RawAnswer): Promise<any> {
    let entry: any = null;
    await gate.until('the entry', async () => {
      entry = await gate.admin('GET', `/calls/${answer.headers['x-headgate-call-id']}`).catch(() => null);
      return entry !== null;
    });
    return entry;
  }

  test('a form that cannot be trusted is a 400 that says why, and nothing is sent', async () => {
    const sound = file(Buffer.from('sound'));
    const seen = first.seen.length;
    for (const [bytes, type, field_, words] of [
      [form(sound), TYPE, 'model', /model/],
      [form(field('model', 'm')), TYPE, 'file', /must be a file/],
      [form(field('model', 'm'), field('model', 'same'), sound), TYPE, 'model', /twice/],
      [form(field('model', 'm'), field('model[]', 'same'), sound), TYPE, 'model[]', /own name/],
      [form(field('model', 'm'), sound), 'multipart/form-data', 'content-type', /boundary/],
      [
        form(field('model', 'm'), sound),
        `multipart/form-data; boundary=${'b'.repeat(5_000)}`,
        'content-type',
        /boundary/,
      ],
      [form(field('model', 'm'), sound), 'application/json', 'content-type', /multipart/],
      [
        form(`--xx\r\nContent-Disposition: form-data; name="a"\r\nX: ${'y'.repeat(100_000)}\r\n\r\nv\r\n`, sound),
        TYPE,
        null,
        /8 KB/,
      ],
      [form(field('model', 'm'), sound).subarray(0, -10), TYPE, null, /boundary/],
      [form(field('model', 'm'), field('stream', 'yes'), sound), TYPE, 'stream', /true/],
      [form(field('model', 'm'.repeat(300)), sound), TYPE, 'model', /256/],
    ] as const) {
      const answer = await upload(bytes, type);
      const error = errorOf(answer);
      assert.deepEqual([answer.status, error.param], [400, field_], error.message);
      assert.match(error.message, words);
      assert.equal(answer.headers['x-should-retry'], 'false');
    }
    assert.equal(first.seen.length, seen);
  });

  test('a body that is cut is the client’s leaving, and nothing is sent', async () => {
    const seen = first.seen.length;
    const head = requestBytes(form(field('model', 'm'), file(Buffer.alloc(1000))), {
      path: '/v1/audio/transcriptions',
      key: gate.key,
      headers: { 'content-type': TYPE },
    });
    await rawExchange(gate.url, [head.subarray(0, -500)], { halfClose: true, patienceMs: 2_000 });
    assert.equal(first.seen.length, seen);
  });

  test('only the model’s bytes change, whatever stands around it', async () => {
    first.answer(json('{"text":"heard"}'));
    const noise = Buffer.from(Array.from({ length: 512 }, (_, i) => i % 256));
    const own = form(field('language', 'de'), file(noise), field('model', 'm'), field('prompt', 'näme'));
    assert.equal((await upload(own)).status, 200);
    const sent = first.seen.at(-1)!;
    const expected = Buffer.from(own.toString('latin1').replace('\r\n\r\nm\r\n', '\r\n\r\nup\r\n'), 'latin1');
    assert.ok(sent.body.equals(expected));
    assert.equal(sent.headers['content-type'], TYPE);
    const same = form(field('model', 'same'), file(noise));
    await upload(same);
    assert.ok(first.seen.at(-1)!.body.equals(same));
  });

  test('60 MB pass with bounded memory, and more is refused', async (t) => {
    first.answer(json('{"text":"heard"}'));
    const rssMb = (): number =>
      Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${gate.child.pid}/status`, 'utf8'))![1]) / 1024;
    const peakMb = (): number =>
      Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${gate.child.pid}/status`, 'utf8'))![1]) / 1024;
    const before_ = rssMb();
    const large = form(field('model', 'm'), file(Buffer.alloc(60 * MB, 0x2c)));
    for (let i = 0; i < 4; i++) assert.equal((await upload(large)).status, 200);
    t.diagnostic(
      `RSS ${Math.round(before_)} MB before, ${Math.round(rssMb())} after 4 uploads of 60 MB, peak ${Math.round(peakMb())}`,
    );
    // The body, and its copy with another model.
    assert.ok(peakMb() - before_ < 60 * 4, `${peakMb() - before_} MB`);
    const head = headBytes({
      path: '/v1/audio/transcriptions',
      key: gate.key,
      headers: { 'content-type': TYPE, 'content-length': String(65 * MB) },
    });
    const refused = await rawExchange(gate.url, [head]);
    assert.equal(refused.status, 413);
  });

  test('an answer that is larger than the limit, JSON where sound was asked for, HTML, an error under 200', async () => {
    const odd = [
      json(JSON.stringify({ error: { message: 'no voice', type: 'invalid_request_error', code: 'bad_voice' } })),
      json('{"sound":"none"}'),
      json('<html><title>Login</title></html>', 200, { 'content-type': 'text/html' }),
      json('x'.repeat(3 * MB), 200, { 'content-type': 'application/json' }),
      json('', 200),
    ];
    for (const script of odd) {
      first.answer(script);
      const answer = await speak('m');
      assert.ok(answer.status >= 400, String(answer.status));
      const entry = await entryOf(answer);
      assert.deepEqual(
        [entry.status, entry.attempts.length],
        ['provider_error', 2].slice(0, 1).concat(entry.attempts.length),
      );
      assert.equal(entry.kind, 'speech');
    }
    first.answer(json('<html></html>', 200, { 'content-type': 'text/html' }));
    const heard = await upload(form(field('model', 'm'), file(Buffer.from('s'))));
    assert.ok(heard.status >= 400);
  });

  test('a provider that fails before the first byte is replaced; the other one’s model goes into the form', async () => {
    const sound = form(field('model', 'pair'), file(Buffer.from('sound')));
    first.answer(json('{"error":{"message":"busy","type":"server_error"}}', 503));
    second.answer(json('{"text":"heard","usage":{"type":"duration","seconds":7}}'));
    const answer = await upload(sound);
    assert.equal(answer.status, 200);
    assert.match(second.seen.at(-1)!.body.toString('latin1'), /name="model"\r\n\r\nother\r\n/);
    const entry = await entryOf(answer);
    assert.deepEqual(
      entry.attempts.map(({ status }: any) => status),
      ['provider_error', 'ok'],
    );
    assert.equal(Math.round(Number(entry.cost.total) * 1e9), 7 * 2_000_000);
    first.answer((response) => void response.writeHead(200, { 'content-type': 'audio/mpeg' }).destroy());
    second.answer((response) => void response.writeHead(200, { 'content-type': 'audio/mpeg' }).end('sound'));
    const spoken = await speak('pair');
    assert.deepEqual([spoken.status, spoken.body.toString()], [200, 'sound']);
  });

  test('sound that breaks off breaks the connection, and its entry says so', async () => {
    first.answer(async (response) => {
      response.writeHead(200, { 'content-type': 'audio/mpeg' });
      response.write(Buffer.alloc(50_000, 1));
      await new Promise((resolve) => setTimeout(resolve, 50));
      response.write(Buffer.alloc(50_000, 2));
      await new Promise((resolve) => setTimeout(resolve, 50));
      response.destroy();
    });
    const answer = await speak('m');
    assert.deepEqual([answer.status, answer.end], [200, 'closed']);
    const entry = await entryOf(answer);
    assert.deepEqual([entry.status, entry.truncated, entry.usage.units], ['truncated', true, { character: 4 }]);
    assert.equal(Math.round(Number(entry.cost.total) * 1e9), 4_000_000);
  });

  test('headers of the provider that are not on the list stay out of a binary answer', async () => {
    const headers = { 'content-type': 'audio/mpeg', 'set-cookie': 'a=b', 'openai-organization': 'org-1', 'x-odd': '1' };
    first.answer((response) => void response.writeHead(200, headers).end('sound'));
    const answer = await speak('m');
    for (const name of ['set-cookie', 'openai-organization', 'x-odd']) assert.equal(answer.headers[name], undefined);
    assert.equal(answer.headers['content-type'], 'audio/mpeg');
  });

  test('a client that leaves ends the provider’s work, and the entry says who left', async () => {
    let id = '';
    first.answer(async (response) => {
      response.writeHead(200, { 'content-type': 'audio/mpeg' });
      for (let i = 0; i < 200 && !response.destroyed; i++) {
        response.write(Buffer.alloc(1_000, i));
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      response.end();
    });
    const leaving = new AbortController();
    const response = await fetch(`${gate.url}/v1/audio/speech`, {
      method: 'POST',
      headers: { authorization: `Bearer ${gate.key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'm', input: 'four', voice: 'v' }),
      signal: leaving.signal,
    });
    id = response.headers.get('x-headgate-call-id')!;
    const reader = response.body!.getReader();
    await reader.read();
    leaving.abort();
    await gate.until('the provider is left', () => first.seen.at(-1)!.closedAtMs !== null);
    const entry = await entryOf({ headers: { 'x-headgate-call-id': id } } as never);
    assert.deepEqual([entry.status, entry.cancelledBy, entry.usage.units], ['cancelled', 'client', { character: 4 }]);
    assert.equal(Math.round(Number(entry.cost.total) * 1e9), 4_000_000);
  });

  test('a stream of events that ends without its last one is cut in band', async () => {
    first.answer(stream(['data: {"type":"transcript.text.delta","delta":"he"}\n\n']));
    const cut = await upload(form(field('model', 'm'), field('stream', 'true'), file(Buffer.from('s'))));
    assert.match(cut.body.toString(), /"error"/);
    const entry = await entryOf(cut);
    assert.deepEqual([entry.status, entry.cost], ['truncated', null]);
    first.answer(stream(['event: error\ndata: {"error":{"message":"no","type":"server_error"}}\n\n']));
    const failed = await upload(form(field('model', 'm'), field('stream', 'true'), file(Buffer.from('s'))));
    assert.ok(failed.status >= 500);
  });

  test('under a budget an unpriced model is refused, and a priced one holds what was asked for', async () => {
    await gate.admin('POST', '/tenants', { id: 'poor' });
    const { key } = await gate.admin('POST', '/keys', { tenant: 'poor', name: 'poor' });
    await gate.admin('POST', '/budgets', {
      level: 'tenant',
      tenant: 'poor',
      limitUsd: '0.01',
      window: 'day',
      mode: 'strict',
    });
    const asPoor = (path: string, body: object): Promise<RawAnswer> =>
      rawExchange(gate.url, [requestBytes(JSON.stringify(body), { path, key })], { patienceMs: 10_000 });
    first.answer((response) => void response.writeHead(200, { 'content-type': 'audio/mpeg' }).end('sound'));
    const speech = { input: 'x'.repeat(9), voice: 'v' };
    const unpriced = await asPoor('/v1/audio/speech', { ...speech, model: 'free' });
    assert.deepEqual([unpriced.status, errorOf(unpriced).code], [402, 'price_unknown']);
    assert.equal((await asPoor('/v1/audio/speech', { ...speech, model: 'm' })).status, 200);
    // 9 of 10 milli-dollars are gone.
    const seen = first.seen.length;
    const beyond = await asPoor('/v1/audio/speech', { ...speech, model: 'm' });
    assert.deepEqual([beyond.status, errorOf(beyond).code], [402, 'budget_exceeded']);
    const images = await asPoor('/v1/images/generations', { model: 'm', prompt: 'p', n: 2 });
    assert.equal(images.status, 402);
    assert.equal(first.seen.length, seen);
  });
});

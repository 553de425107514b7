import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { describe, test } from 'node:test';
import { sdksSkip } from '../harness/sdks.ts';
import { chatLine, endOf, makeBatch, uploadLines } from './batch-lines.ts';
import { entriesOf, inStoredWorld, personOf, type Person } from './stored-world.ts';

type Refusal = { status: number; code: string; param: string | null; message: string };

/** What an upload of lines is refused with. */
async function refusalOf(person: Person, lines: readonly string[]): Promise<Refusal> {
  return uploadLines(person, lines).then(
    () => assert.fail('the file was taken'),
    (error: Refusal) => error,
  );
}

const line = (change: object): string => JSON.stringify({ ...JSON.parse(chatLine('a', 'x')), ...change });
const body = (change: object): string => {
  const whole = JSON.parse(chatLine('a', 'x'));
  return JSON.stringify({ ...whole, body: { ...whole.body, ...change } });
};

describe('batches and files that are wrong', { skip: sdksSkip }, () => {
  const world = inStoredWorld({ more: 'jobs: { poll: 50ms, giveUpAfter: 300ms }\nfiles: { maxBytes: 130MB }' });

  const WRONG: readonly (readonly [what: string, lines: readonly string[], status: number, says: RegExp])[] = [
    ['no JSONL', ['%PDF-1.7'], 400, /^400 Line 1: .*not valid JSON/],
    ['a broken second line', [chatLine('a', 'x'), '{"custom_id": "b"'], 400, /Line 2: /],
    ['no lines', ['', '  '], 400, /at least one line/],
    ['a list', ['[]'], 400, /Line 1: .*one JSON object/],
    ['a custom id twice', [chatLine('a', 'x'), chatLine('b', 'x'), chatLine('a', 'y')], 400, /Line 3: .*custom_id/],
    ['no custom id', [line({ custom_id: '' })], 400, /Line 1: .*custom_id/],
    ['another method', [line({ method: 'GET' })], 400, /Line 1: .*method/],
    ['an endpoint that no batch has', [line({ url: '/v1/images/generations' })], 400, /Line 1: .*url/],
    [
      'two endpoints',
      [chatLine('a', 'x'), line({ custom_id: 'b', url: '/v1/responses', body: { model: 'echo', input: 'x' } })],
      400,
      /Line 2: .*one endpoint/,
    ],
    ['no body', [line({ body: undefined })], 400, /Line 1: .*body/],
    ['a model that is none', [body({ model: 'nonsense' })], 404, /Line 1: .*does not exist/],
    [
      'a field twice',
      [chatLine('a', 'x').replace('"model":"echo"', '"model":"echo","model":"other"')],
      400,
      /Line 1: .*appears twice/,
    ],
    ['a stream', [body({ stream: true })], 400, /Line 1: .*streamed/],
    ['too many choices', [body({ n: 9 })], 400, /Line 1: .*at most 8/],
    ['a salt', [body({ cache_salt: 'x' })], 400, /Line 1: .*cache_salt/],
  ];
  for (const [what, lines, status, says] of WRONG)
    test(`${what}: ${status}, and nothing was sent`, async () => {
      const seen = world.provider.log.length;
      const error = await refusalOf(world.ann, lines);
      assert.equal(error.status, status, error.message);
      assert.match(error.message, says);
      assert.equal(world.provider.log.length, seen);
    });

  test('a model that this key may not call reads as none; one forbidden since the upload too', async () => {
    const person = await personOf(world.gate, 'ten_narrow', { models: ['echo', 'small'] });
    const error = await refusalOf(person, [chatLine('a', 'x', 'other')]);
    assert.deepEqual([error.status, /does not exist/.test(error.message)], [404, true]);
    const file = await uploadLines(person, [chatLine('a', 'x', 'small')]);
    const [key] = (await world.gate.admin('GET', '/keys?tenant=ten_narrow')).keys;
    await world.gate.admin('PATCH', `/keys/${key.id}`, { models: ['echo'] });
    await assert.rejects(
      person.openai.batches.create({
        input_file_id: file.id,
        endpoint: '/v1/chat/completions',
        completion_window: '24h',
      }),
      (refusal: Refusal) => refusal.status === 404 && refusal.code === 'model_not_found',
    );
  });

  test('a line that names another tenant’s file', async () => {
    const file = await world.ann.openai.files.create({ file: new File(['x'], 'a.txt'), purpose: 'user_data' });
    const parts = [{ type: 'file', file: { file_id: file.id } }];
    const lines = [chatLine('a', 'x'), body({ messages: [{ role: 'user', content: parts }] }).replace('"a"', '"b"')];
    const error = await refusalOf(world.bob, lines);
    assert.deepEqual([error.status, /Line 2: There is no file/.test(error.message)], [404, true]);
    assert.match((await uploadLines(world.ann, lines)).id, /^file-/);
  });

  test('a file for another purpose, another endpoint, no purpose, no file', async () => {
    const { openai } = world.ann;
    const other = await openai.files.create({ file: new File([chatLine('a', 'x')], 'a.jsonl'), purpose: 'user_data' });
    const create = (input_file_id: string, endpoint: '/v1/responses' | '/v1/chat/completions') =>
      openai.batches.create({ input_file_id, endpoint, completion_window: '24h' });
    await assert.rejects(
      create(other.id, '/v1/chat/completions'),
      (e: Refusal) => e.status === 400 && e.param === 'input_file_id',
    );
    const file = await uploadLines(world.ann, [chatLine('a', 'x')]);
    await assert.rejects(create(file.id, '/v1/responses'), (e: Refusal) => e.status === 400 && e.param === 'endpoint');
    await assert.rejects(create('file-nobody', '/v1/responses'), (e: Refusal) => e.status === 404);
    const post = async (fields: Record<string, string | File>) => {
      const form = new FormData();
      for (const [name, value] of Object.entries(fields)) form.append(name, value);
      const answer = await fetch(`${world.gate.url}/v1/files`, {
        method: 'POST',
        headers: { authorization: `Bearer ${world.ann.key}` },
        body: form,
      });
      return [answer.status, ((await answer.json()) as any).error?.param];
    };
    assert.deepEqual(await post({ file: new File(['x'], 'x') }), [400, 'purpose']);
    assert.deepEqual(await post({ file: new File(['x'], 'x'), purpose: 'mischief' }), [400, 'purpose']);
    assert.deepEqual(await post({ purpose: 'user_data' }), [400, 'file']);
    assert.deepEqual(await post({ other: new File(['x'], 'x'), purpose: 'user_data' }), [400, 'other']);
  });

  test('what the provider refuses leaves nothing held', async () => {
    const person = await personOf(world.gate, 'ten_refused');
    const file = await uploadLines(person, [chatLine('a', 'x')]);
    const window = '1h' as '24h';
    await assert.rejects(
      person.openai.batches.create({
        input_file_id: file.id,
        endpoint: '/v1/chat/completions',
        completion_window: window,
      }),
      (error: Refusal) => error.status === 400 && /completion_window/.test(error.message),
    );
    assert.deepEqual((await person.openai.batches.list()).data, []);
    assert.equal((await world.gate.admin('GET', '/calls?tenant=ten_refused')).calls.length, 0);
  });

  test('a provider that cannot be reached at the creation leaves nothing held and nothing to do', async () => {
    const person = await personOf(world.gate, 'ten_unreached');
    const { id } = await world.gate.admin('POST', '/budgets', {
      ...{ level: 'tenant', tenant: person.tenant, limitUsd: '1', window: 'total' },
    });
    const file = await uploadLines(person, [chatLine('a', 'x')]);
    const back = world.provider.refuse(1_500);
    await assert.rejects(
      person.openai.batches.create({
        ...{ input_file_id: file.id, endpoint: '/v1/chat/completions', completion_window: '24h' },
      }),
      (error: Refusal) => error.status === 502,
    );
    await back;
    assert.equal((await world.gate.admin('GET', `/budgets/${id}`)).reservedUsd, '0');
    const { jobs } = await world.gate.admin('GET', `/jobs?tenant=${person.tenant}`);
    assert.deepEqual(
      jobs.map(({ state }: any) => state),
      ['cancelled'],
    );
  });

  test('a file of 100 MB goes through in bounded memory, and calls are served meanwhile', async () => {
    const rss = (): number =>
      Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${world.gate.child.pid}/status`, 'utf8'))![1]) / 1024;
    const megabyte = Buffer.alloc(1024 * 1024, 'abcdefghijklmnop');
    const before = rss();
    let most = before;
    const watch = setInterval(() => (most = Math.max(most, rss())), 20);
    const file = new File(
      Array.from({ length: 100 }, () => megabyte),
      'large.bin',
    );
    const upload = world.ann.openai.files.create({ file, purpose: 'user_data' });
    const { openai } = world.bob;
    const slow = [];
    for (let i = 0; i < 10; i++) {
      const start = performance.now();
      await openai.chat.completions.create({ model: 'small', messages: [{ role: 'user', content: 'meanwhile' }] });
      slow.push(performance.now() - start);
    }
    const made = await upload;
    clearInterval(watch);
    assert.equal(made.bytes, 100 * 1024 * 1024);
    assert.ok(most - before < 60, `grew by ${Math.round(most - before)} MB`);
    await world.ann.openai.files.delete(made.id);
  });

  test('a file above the limit is a 413', async () => {
    const file = new File(
      Array.from({ length: 131 }, () => Buffer.alloc(1024 * 1024)),
      'large.bin',
    );
    const form = new FormData();
    form.append('purpose', 'user_data');
    form.append('file', file);
    const answer = await fetch(`${world.gate.url}/v1/files`, {
      method: 'POST',
      headers: { authorization: `Bearer ${world.ann.key}` },
      body: form,
    }).catch(() => null);
    if (answer) assert.equal(answer.status, 413);
    const { status } = await fetch(`${world.gate.url}/health/ready`);
    assert.equal(status, 200);
  });

  test('an upload that breaks off leaves nothing', async () => {
    const { port } = new URL(world.gate.url);
    const socket = connect(Number(port), '127.0.0.1');
    socket.write(
      `POST /v1/files HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${world.ann.key}\r\ncontent-length: 5000\r\n` +
        'content-type: multipart/form-data; boundary=b\r\n\r\n--b\r\ncontent-disposition: form-data; name="file"; filename="x"\r\n\r\nhalf',
    );
    await new Promise((resolve) => setTimeout(resolve, 100));
    const seen = world.provider.log.length;
    socket.destroy();
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.equal(world.provider.log.length, seen);
  });

  test('a provider that is away during the poll is asked again', async () => {
    const person = await personOf(world.gate, 'ten_away');
    await makeBatch(person, [chatLine('a', 'x')], 'ms=100');
    world.provider.setFaults([]);
    await world.provider.refuse(700);
    const [entry] = await entriesOf(world.gate, person.tenant, 1);
    assert.equal(entry.status, 'ok');
  });

  test('a batch that never ends is given up after its stated end, and its cost is unknown', async () => {
    const person = await personOf(world.gate, 'ten_never');
    const batch = await makeBatch(person, [chatLine('a', 'x'), chatLine('b', 'y')], 'ms=never,expires=1');
    const entries = await entriesOf(world.gate, person.tenant, 2);
    for (const entry of entries)
      assert.deepEqual(
        [entry.status, entry.errorCode, entry.cost, entry.usageSource],
        ['interrupted', 'batch_never_ended', null, 'none'],
      );
    assert.equal((await person.openai.batches.retrieve(batch.id)).status, 'in_progress');
    const { rows } = await world.gate.admin('GET', '/spend?tenant=ten_never');
    assert.equal(rows[0].unknownCostCalls, 2);
    await endOf(person, (await makeBatch(person, [chatLine('a', 'again')])).id);
  });
});

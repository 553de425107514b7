import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { sdksSkip } from '../harness/sdks.ts';
import { chatLine, endOf, makeBatch, rowsOf, uploadLines } from './batch-lines.ts';
import { entriesOf, inStoredWorld, personOf, refused } from './stored-world.ts';

const sum = (numbers: readonly number[]): number => numbers.reduce((total, n) => total + n, 0);
/** Sums of decimal dollars, exact in nano-dollars. */
const nano = (usd: string): bigint => {
  const [whole, part = ''] = usd.split('.');
  return BigInt(whole! + part.padEnd(9, '0'));
};

describe('OpenAI’s batches through the official SDK', { skip: sdksSkip }, () => {
  const world = inStoredWorld({ more: 'jobs: { poll: 50ms }' });

  test('uploaded, run, read and settled: one entry a line, at half the price', async () => {
    const cat = await personOf(world.gate, 'ten_cat');
    const lines = [
      chatLine('a', 'first'),
      chatLine('b', 'second'),
      chatLine('c', '[[lab fault=400]] third'),
      chatLine('d', 'x', 'small'),
    ];
    const batch = await makeBatch(cat, lines);
    assert.equal(batch.status, 'in_progress');
    const end = await endOf(cat, batch.id);
    assert.equal(end.status, 'completed');
    const rows = await rowsOf(cat, end.output_file_id!);
    assert.deepEqual(rows.map((row) => row.custom_id).toSorted(), ['a', 'b', 'd']);
    assert.equal(rows.find((row) => row.custom_id === 'a').response.body.choices[0].message.content, 'first');
    assert.equal(
      rows.find((row) => row.custom_id === 'd').response.body.model,
      'lab-small',
      'sent under the id of the deployment',
    );
    const entries = await entriesOf(world.gate, 'ten_cat', 4);
    assert.equal(entries.length, 4);
    const used = (field: string) => sum(rows.map((row) => row.response.body.usage[field]));
    assert.equal(sum(entries.map((entry) => entry.usage.inputTokens ?? 0)), used('prompt_tokens'));
    assert.equal(sum(entries.map((entry) => entry.usage.outputTokens ?? 0)), used('completion_tokens'));
    const cost = entries.reduce((total, entry) => total + nano(entry.cost.total), 0n);
    assert.equal(cost, BigInt(used('prompt_tokens')) * 500n + BigInt(used('completion_tokens')) * 1000n);
    const failed = entries.find((entry) => entry.status === 'provider_error');
    assert.deepEqual([failed.httpStatus, failed.cost.total, failed.modelAsked], [400, '0', 'echo']);
    const { rows: spend } = await world.gate.admin('GET', '/spend?tenant=ten_cat&by=model');
    assert.deepEqual(spend.map((row: any) => [row.by[0], row.calls]).toSorted(), [
      ['echo', 3],
      ['small', 1],
    ]);
  });

  test('lists hold a tenant’s own files and batches, and another’s ids are a 404 everywhere', async () => {
    const { ann, bob } = world;
    const batch = await makeBatch(ann, [chatLine('a', 'mine')]);
    const end = await endOf(ann, batch.id);
    await entriesOf(world.gate, 'ten_ann', 1);
    const bobs = await uploadLines(bob, [chatLine('a', 'his')]);
    const files = (await ann.openai.files.list()).data.map(({ id }) => id);
    assert.ok(files.includes(batch.input_file_id) && files.includes(end.output_file_id!));
    assert.ok(!files.includes(bobs.id));
    assert.deepEqual(
      (await bob.openai.files.list()).data.map(({ id }) => id),
      [bobs.id],
    );
    assert.deepEqual((await bob.openai.batches.list()).data, []);
    assert.equal((await ann.openai.batches.list({ limit: 1 })).data[0]!.id, batch.id);
    const seen = world.provider.log.length;
    for (const forbidden of [
      () => bob.openai.batches.retrieve(batch.id),
      () => bob.openai.batches.cancel(batch.id),
      () => bob.openai.files.retrieve(batch.input_file_id),
      () => bob.openai.files.content(end.output_file_id!),
      () => bob.openai.files.delete(batch.input_file_id),
      () =>
        bob.openai.batches.create({
          input_file_id: batch.input_file_id,
          endpoint: '/v1/chat/completions',
          completion_window: '24h',
        }),
    ])
      await assert.rejects(async () => forbidden(), refused(404));
    assert.equal(world.provider.log.length, seen, 'the provider was not asked');
  });

  test('a file is looked at, filtered, downloaded byte for byte and deleted', async () => {
    const { openai } = await personOf(world.gate, 'ten_dan');
    const bytes = Buffer.from('%PDF-1.7 \r\n--x\r\n\0 binary ÿ');
    const made = await openai.files.create({
      file: new File([bytes], 'a "b".pdf', { type: 'application/pdf' }),
      purpose: 'user_data',
    });
    assert.equal(made.bytes, bytes.length);
    assert.deepEqual(Buffer.from(await (await openai.files.content(made.id)).arrayBuffer()), bytes);
    assert.equal((await openai.files.retrieve(made.id)).purpose, 'user_data');
    assert.deepEqual((await openai.files.list({ purpose: 'batch' })).data, []);
    assert.equal((await openai.files.list({ purpose: 'user_data' })).data.length, 1);
    assert.equal((await openai.files.delete(made.id)).deleted, true);
    assert.deepEqual((await openai.files.list()).data, []);
    await assert.rejects(openai.files.retrieve(made.id), refused(404));
  });

  test('a batch that cannot be paid is a 402, and nothing was sent', async () => {
    const eve = await personOf(world.gate, 'ten_eve');
    await world.gate.admin('POST', '/budgets', {
      level: 'tenant',
      tenant: 'ten_eve',
      limitUsd: '0.00001',
      window: 'total',
    });
    const file = await uploadLines(eve, [chatLine('a', 'x'.repeat(2000))]);
    const seen = world.provider.log.length;
    await assert.rejects(
      eve.openai.batches.create({ input_file_id: file.id, endpoint: '/v1/chat/completions', completion_window: '24h' }),
      (error: any) => error.status === 402 && error.code === 'budget_exceeded',
    );
    assert.equal(world.provider.log.length, seen);
  });

  test('a budget holds a batch until it ends, and then what it cost', async () => {
    const fay = await personOf(world.gate, 'ten_fay');
    const { id } = await world.gate.admin('POST', '/budgets', {
      level: 'tenant',
      tenant: 'ten_fay',
      limitUsd: '1',
      window: 'total',
    });
    const batch = await makeBatch(fay, [chatLine('a', 'one'), chatLine('b', 'two')], 'ms=400');
    const spent = () => world.gate.admin('GET', `/budgets/${id}`);
    const during = await spent();
    assert.ok(Number(during.reservedUsd) > 0, JSON.stringify(during));
    await endOf(fay, batch.id);
    const entries = await entriesOf(world.gate, 'ten_fay', 2);
    await world.gate.until('the hold ends', async () => Number((await spent()).reservedUsd) === 0);
    const cost = entries.reduce((total, entry) => total + nano(entry.cost.total), 0n);
    assert.equal(nano((await spent()).spentUsd), cost);
  });

  for (const [end, status] of [
    ['expired', 'timeout'],
    ['failed', 'provider_error'],
  ] as const)
    test(`a batch that ${end}: what ran is billed, the rest is told`, async () => {
      const person = await personOf(world.gate, `ten_${end}`);
      const batch = await makeBatch(
        person,
        [chatLine('a', 'ran'), chatLine('b', 'did not')],
        `ms=100,done=1,end=${end}`,
      );
      assert.equal((await endOf(person, batch.id)).status, end);
      const entries = await entriesOf(world.gate, person.tenant, 2);
      const ran = entries.filter((entry) => entry.status === 'ok').length;
      assert.equal(ran, end === 'expired' ? 1 : 0);
      assert.equal(entries.filter((entry) => entry.status === status && entry.cost.total === '0').length, 2 - ran);
    });

  test('a cancelled batch', async () => {
    const person = await personOf(world.gate, 'ten_cancel');
    const batch = await makeBatch(person, [chatLine('a', 'ran'), chatLine('b', 'did not')], 'ms=60000,done=1');
    await person.openai.batches.cancel(batch.id);
    const entries = await entriesOf(world.gate, person.tenant, 2);
    assert.deepEqual(entries.map(({ status }) => status).toSorted(), ['cancelled', 'ok']);
    assert.equal(entries.find(({ status }) => status === 'cancelled').cancelledBy, 'client');
  });

  test('a batch that is priced again costs half of the new price', async () => {
    const person = await personOf(world.gate, 'ten_again');
    await makeBatch(person, [chatLine('a', 'x', 'other')]);
    const [before] = await entriesOf(world.gate, person.tenant, 1);
    const perMillion = { input: '10', output: '20' };
    await world.gate.admin('POST', '/prices', { model: 'lab-other', validFrom: '1970-01-01T00:00:00Z', perMillion });
    await world.gate.admin('POST', '/prices/reprice', { tenant: person.tenant, since: '1h', dryRun: false });
    const { rows } = await world.gate.admin('GET', '/spend?tenant=ten_again');
    assert.deepEqual([rows[0].calls, nano(rows[0].costUsd)], [1, nano(before.cost.total) * 10n]);
  });

  test('embeddings and Responses in a batch', async () => {
    const person = await personOf(world.gate, 'ten_kinds');
    for (const [endpoint, body] of [
      ['/v1/embeddings', { model: 'embed', input: 'a text' }],
      ['/v1/responses', { model: 'echo', input: 'a text' }],
    ] as const) {
      const line = JSON.stringify({ custom_id: 'one', method: 'POST', url: endpoint, body });
      const file = await uploadLines(person, [line]);
      const batch = await person.openai.batches.create({ input_file_id: file.id, endpoint, completion_window: '24h' });
      assert.equal((await endOf(person, batch.id)).status, 'completed');
    }
    const entries = await entriesOf(world.gate, person.tenant, 2);
    assert.deepEqual(entries.map(({ kind }) => kind).toSorted(), ['embed', 'generate']);
    assert.ok(entries.every((entry) => entry.status === 'ok' && Number(entry.cost.total) > 0));
  });
});

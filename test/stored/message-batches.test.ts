import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { sdksSkip } from '../harness/sdks.ts';
import { entriesOf, inStoredWorld, personOf, refused, type Person } from './stored-world.ts';

const request = (custom_id: string, text: string, model = 'echo') => ({
  custom_id,
  params: { model, max_tokens: 50, messages: [{ role: 'user' as const, content: text }] },
});

const make = ({ anthropic }: Person, requests: ReturnType<typeof request>[], order = 'ms=100') =>
  anthropic.messages.batches.create({ requests }, { headers: { 'x-lab-batch': order } });

async function endOf({ anthropic }: Person, id: string) {
  for (let i = 0; i < 200; i++) {
    const batch = await anthropic.messages.batches.retrieve(id);
    if (batch.processing_status === 'ended') return batch;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('the batch does not end');
}

describe('Anthropic’s batches and files through the official SDK', { skip: sdksSkip }, () => {
  const world = inStoredWorld({ more: 'jobs: { poll: 50ms }' });

  test('made, run, results streamed through the gate, settled by one entry a request, deleted', async () => {
    const person = await personOf(world.gate, 'ten_cat');
    const made = await make(person, [
      request('a', 'first'),
      request('b', '[[lab fault=400]]'),
      request('c', 'x', 'small'),
    ]);
    assert.equal(made.processing_status, 'in_progress');
    const end = await endOf(person, made.id);
    assert.equal(end.results_url, `${world.gate.url}/v1/messages/batches/${made.id}/results`);
    const rows: any[] = [];
    for await (const row of await person.anthropic.messages.batches.results(made.id)) rows.push(row);
    const of = (id: string) => rows.find((row) => row.custom_id === id).result;
    assert.equal(of('a').message.content[0].text, 'first');
    assert.equal(of('c').message.model, 'lab-small');
    assert.equal(of('b').type, 'errored');
    const entries = await entriesOf(world.gate, person.tenant, 3);
    const usage = (field: string) => ['a', 'c'].reduce((sum, id) => sum + of(id).message.usage[field], 0);
    const total = (field: string) => entries.reduce((sum, entry) => sum + (entry.usage[field] ?? 0), 0);
    assert.equal(total('inputTokens'), usage('input_tokens'));
    assert.equal(total('outputTokens'), usage('output_tokens'));
    const cost = entries.reduce((sum, entry) => sum + Number(entry.cost.total), 0);
    assert.ok(Math.abs(cost - (usage('input_tokens') * 0.5 + usage('output_tokens')) / 1e6) < 1e-12);
    await person.anthropic.messages.batches.delete(made.id);
    await assert.rejects(person.anthropic.messages.batches.retrieve(made.id), refused(404));
    assert.equal((await person.anthropic.messages.batches.list()).data.length, 0);
    assert.equal((await entriesOf(world.gate, person.tenant, 3)).length, 3);
  });

  test('deleted as soon as it has ended, it is settled first', async () => {
    const person = await personOf(world.gate, 'ten_hasty');
    const made = await make(person, [request('a', 'hasty')], 'ms=0');
    await person.anthropic.messages.batches.delete(made.id);
    const [entry] = await entriesOf(world.gate, person.tenant, 1);
    assert.equal(entry.status, 'ok');
  });

  test('cancelled and expired requests are told and cost nothing', async () => {
    const person = await personOf(world.gate, 'ten_cancel');
    const made = await make(person, [request('a', 'ran'), request('b', 'not')], 'ms=60000,done=1');
    await person.anthropic.messages.batches.cancel(made.id);
    const entries = await entriesOf(world.gate, person.tenant, 2);
    assert.deepEqual(entries.map(({ status }) => status).toSorted(), ['cancelled', 'ok']);
    const other = await personOf(world.gate, 'ten_expire');
    await make(other, [request('a', 'ran'), request('b', 'not')], 'ms=50,done=1,end=expired');
    const late = await entriesOf(world.gate, other.tenant, 2);
    assert.deepEqual(late.map(({ status }) => status).toSorted(), ['ok', 'timeout']);
  });

  test('another tenant’s batches and files read as none; lists hold one’s own, by pages', async () => {
    const { ann, bob } = world;
    const made: string[] = [];
    for (const n of [1, 2, 3]) made.push((await make(ann, [request(`r${n}`, 'x')])).id);
    const listed = [];
    for await (const batch of ann.anthropic.messages.batches.list({ limit: 2 })) listed.push(batch.id);
    assert.deepEqual(listed, made.toReversed());
    const newer = await ann.anthropic.messages.batches.list({ before_id: made[0]!, limit: 5 });
    assert.deepEqual(
      newer.data.map(({ id }) => id),
      [made[2], made[1]],
    );
    assert.deepEqual((await bob.anthropic.messages.batches.list()).data, []);
    for (const forbidden of [
      () => bob.anthropic.messages.batches.retrieve(made[0]!),
      () => bob.anthropic.messages.batches.cancel(made[0]!),
      () => bob.anthropic.messages.batches.delete(made[0]!),
    ])
      await assert.rejects(async () => forbidden(), refused(404));
    const answer = await fetch(`${world.gate.url}/v1/messages/batches/${made[0]}/results`, {
      headers: { 'x-api-key': bob.key },
    });
    assert.equal(answer.status, 404);
  });

  test('files: uploaded, listed, looked at, downloaded, deleted', async () => {
    const { anthropic } = await personOf(world.gate, 'ten_files');
    const made = await anthropic.files.upload({ file: new File(['a,b\n1,2\n'], 'table.csv', { type: 'text/csv' }) });
    assert.match(made.id, /^file_/);
    assert.equal(made.size_bytes, 8);
    assert.deepEqual(
      (await anthropic.files.list()).data.map(({ id }) => id),
      [made.id],
    );
    assert.equal((await anthropic.files.retrieveMetadata(made.id)).filename, 'table.csv');
    assert.equal(await (await anthropic.files.download(made.id)).text(), 'a,b\n1,2\n');
    const { bob } = world;
    await assert.rejects(bob.anthropic.files.retrieveMetadata(made.id), refused(404));
    assert.deepEqual((await bob.anthropic.files.list()).data, []);
    await anthropic.files.delete(made.id);
    assert.deepEqual((await anthropic.files.list()).data, []);
  });

  test('a call may name the tenant’s own file, and not another’s', async () => {
    const { ann, bob } = world;
    const made = await ann.anthropic.files.upload({ file: new File(['text'], 'a.txt', { type: 'text/plain' }) });
    const ask = ({ anthropic }: Person) =>
      anthropic.messages.create({
        model: 'small',
        max_tokens: 10,
        messages: [
          {
            role: 'user',
            content: [
              { type: 'document', source: { type: 'file', file_id: made.id } } as never,
              { type: 'text', text: 'read it' },
            ],
          },
        ],
      });
    assert.equal((await ask(ann)).type, 'message');
    await assert.rejects(ask(bob), refused(404));
    await assert.rejects(
      make(bob, [
        {
          custom_id: 'a',
          params: {
            model: 'small',
            max_tokens: 5,
            messages: [{ role: 'user', content: [{ type: 'document', source: { type: 'file', file_id: made.id } }] }],
          },
        } as never,
      ]),
      (error: any) => error.status === 404 && /Line 1/.test(error.message),
    );
  });
});

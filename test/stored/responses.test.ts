import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { sdksSkip } from '../harness/sdks.ts';
import { entriesOf, inStoredWorld, refused } from './stored-world.ts';

describe('stored responses through the official SDK', { skip: sdksSkip }, () => {
  const world = inStoredWorld();

  test('fetched, with its input items, and deleted', async () => {
    const { openai } = world.ann;
    const made = await openai.responses.create({ model: 'echo', input: 'keep me' });
    const fetched = await openai.responses.retrieve(made.id);
    assert.equal(fetched.output_text, 'keep me');
    const items = await openai.responses.inputItems.list(made.id);
    assert.deepEqual((items.data[0] as any).content, [{ type: 'input_text', text: 'keep me' }]);
    await openai.responses.delete(made.id);
    await assert.rejects(openai.responses.retrieve(made.id), refused(404));
  });

  test('a stream is taken up again after the event that was seen last', async () => {
    const { openai } = world.ann;
    const made = await openai.responses.create({ model: 'echo', input: 'one two three four' });
    const seen: any[] = [];
    for await (const event of await openai.responses.retrieve(made.id, { stream: true, starting_after: 2 }))
      seen.push(event);
    assert.equal(seen[0].sequence_number, 3);
    assert.equal(seen.at(-1).type, 'response.completed');
  });

  test('another tenant’s id and one that nobody made read alike', async () => {
    const made = await world.ann.openai.responses.create({ model: 'echo', input: 'secret' });
    const { openai } = world.bob;
    const before = world.provider.log.length;
    for (const id of [made.id, 'resp_nobody'])
      for (const ask of [
        () => openai.responses.retrieve(id),
        () => openai.responses.delete(id),
        () => openai.responses.cancel(id),
        () => openai.responses.inputItems.list(id),
      ])
        await assert.rejects(
          async () => ask(),
          (error: any) => error.status === 404 && error.message.includes(`There is no response with the id`),
        );
    assert.equal(world.provider.log.length, before, 'the provider was not asked');
  });

  test('what the provider refuses is its own error', async () => {
    const made = await world.ann.openai.responses.create({ model: 'echo', input: 'done already' });
    await assert.rejects(
      world.ann.openai.responses.cancel(made.id),
      (error: any) => error.status === 400 && /Cannot cancel a synchronous response/.test(error.message),
    );
  });

  test('compact is a metered call with one entry', async () => {
    const before = await entriesOf(world.gate, 'ten_ann', 1);
    const compacted = await world.ann.openai.responses.compact({ model: 'small', input: 'a long conversation' });
    assert.equal(compacted.object, 'response.compaction');
    assert.equal(compacted.output[0]!.type, 'compaction');
    const entries = await entriesOf(world.gate, 'ten_ann', before.length + 1);
    const entry = entries.find((one) => one.dialect === 'openai-compact');
    assert.equal(entry.usage.inputTokens, compacted.usage.input_tokens);
    assert.equal(entry.usage.outputTokens, compacted.usage.output_tokens);
    assert.equal(entry.usageSource, 'provider');
    assert.ok(Number(entry.cost.total) > 0);
    assert.equal(world.provider.log.at(-1)!.path, '/v1/responses/compact');
  });

  test('a wrong method is a 405 that names the right ones; without a key it is a 401', async () => {
    const wrong = await fetch(`${world.gate.url}/v1/responses/resp_1`, { method: 'PUT' });
    assert.equal(wrong.status, 405);
    assert.equal(wrong.headers.get('allow'), 'GET, DELETE');
    assert.equal((await fetch(`${world.gate.url}/v1/responses/resp_1`)).status, 401);
  });
});

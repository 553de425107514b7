import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { lockFile } from '../conservation/locker.ts';
import { sdksSkip } from '../harness/sdks.ts';
import { chatLine, makeBatch, uploadLines } from './batch-lines.ts';
import { entriesOf, inStoredWorld, refused } from './stored-world.ts';

describe('the store of jobs is away', { skip: sdksSkip }, () => {
  const world = inStoredWorld({ more: 'jobs: { poll: 50ms }' });

  test('calls go on, batches wait, nothing new is promised, and all is settled when it is back', async () => {
    const { ann, gate, provider } = world;
    const batch = await makeBatch(ann, [chatLine('a', 'x'), chatLine('b', 'y')], 'ms=4000');
    const file = await uploadLines(ann, [chatLine('c', 'z')]);
    const background = await ann.openai.responses.create({
      model: 'small',
      input: '[[lab after=4000 output=9]]',
      background: true,
    });
    const unlock = await lockFile(join(gate.dataDir, 'state', 'work.db'));
    try {
      const { choices } = await ann.openai.chat.completions.create({
        model: 'echo',
        messages: [{ role: 'user', content: 'still here' }],
      });
      assert.equal(choices[0]!.message.content, 'still here');
      assert.equal((await ann.openai.batches.retrieve(batch.id)).id, batch.id);
      assert.equal((await ann.openai.responses.retrieve(background.id)).id, background.id);
      await assert.rejects(uploadLines(ann, [chatLine('d', 'z')]), refused(503));
      const last = provider.log.at(-1)!;
      assert.equal(last.method, 'DELETE', 'a file that nobody could ask for is not left at the provider');
      const create = { input_file_id: file.id, endpoint: '/v1/chat/completions', completion_window: '24h' } as const;
      await assert.rejects(ann.openai.batches.create(create), refused(503));
      const later = await ann.openai.responses.create({
        model: 'small',
        input: '[[lab after=0 output=7]]',
        background: true,
      });
      assert.equal(later.status, 'queued');
      await new Promise((resolve) => setTimeout(resolve, 5_000));
      const { rows } = await gate.admin('GET', '/spend?tenant=ten_ann&by=model');
      assert.equal(rows.find(({ by }: any) => by[0] === 'echo').calls, 1, 'the batch waits');
    } finally {
      await unlock();
    }
    await gate.until('the batch', async () => {
      const { rows } = await gate.admin('GET', '/spend?tenant=ten_ann&by=model');
      return rows.find(({ by }: any) => by[0] === 'echo').calls === 3;
    });
    const settled = async (tokens: number): Promise<boolean> =>
      (await entriesOf(gate, 'ten_ann', 1)).some(
        (entry) => entry.usageSource === 'provider' && entry.usage.outputTokens === tokens,
      );
    await gate.until('the first background response', () => settled(9));
    // Its job was written down by the housekeeping, every 15 s.
    for (let i = 0; i < 20 && !(await settled(7)); i++) await new Promise((resolve) => setTimeout(resolve, 1_000));
    assert.ok(await settled(7));
  });
});

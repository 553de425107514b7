import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { sdksSkip } from '../harness/sdks.ts';
import { entriesOf, inStoredWorld, personOf, refused, type Person, type StoredWorld } from './stored-world.ts';

const text = (afterMs: number): string => `[[lab after=${afterMs} output=30]] think`;
const begin = ({ openai }: Person, afterMs: number) =>
  openai.responses.create({ model: 'small', input: text(afterMs), background: true });

/** The entries that count, once the only one has the provider's word. */
async function settledEntry(world: StoredWorld, tenant: string): Promise<any> {
  let entry: any = null;
  await world.gate.until('the late settlement', async () => {
    [entry] = await entriesOf(world.gate, tenant, 1);
    return entry.usageSource === 'provider';
  });
  return entry;
}

describe('background responses', { skip: sdksSkip }, () => {
  const world = inStoredWorld({ more: 'jobs: { poll: 100ms }' });

  test('settled by the job where the client never asks: first an estimate, then what it used, once', async () => {
    const person = await personOf(world.gate, 'ten_job');
    const { id: budget } = await world.gate.admin('POST', '/budgets', {
      level: 'tenant',
      tenant: 'ten_job',
      limitUsd: '1',
      window: 'total',
    });
    const made = await begin(person, 600);
    assert.equal(made.status, 'queued');
    const [first] = await entriesOf(world.gate, 'ten_job', 1);
    assert.deepEqual([first.usageSource, first.status], ['estimated', 'ok']);
    assert.equal(first.usage.outputTokens, 4096, 'what was reserved');
    const entry = await settledEntry(world, 'ten_job');
    assert.equal(entry.usage.outputTokens, 30);
    assert.equal(entry.corrects, first.id);
    const { rows } = await world.gate.admin('GET', '/spend?tenant=ten_job');
    assert.deepEqual(
      [rows[0].calls, rows[0].outputTokens, rows[0].costUsd, rows[0].estimatedUsd],
      [1, 30, entry.cost.total, '0'],
    );
    assert.equal((await world.gate.admin('GET', `/budgets/${budget}`)).spentUsd, entry.cost.total);
  });

  test('settled by the client’s own fetch', async () => {
    const person = await personOf(world.gate, 'ten_client');
    const made = await begin(person, 0);
    const done = await person.openai.responses.retrieve(made.id);
    assert.equal(done.status, 'completed');
    const entry = await settledEntry(world, 'ten_client');
    assert.equal(entry.usage.outputTokens, done.usage!.output_tokens);
    await new Promise((resolve) => setTimeout(resolve, 500));
    assert.equal((await world.gate.admin('GET', '/spend?tenant=ten_client')).rows[0].calls, 1);
    assert.equal((await entriesOf(world.gate, 'ten_client', 1)).filter(({ corrects }) => corrects !== null).length, 1);
  });

  test('cancelled, its estimate stands; deleted when it is done, what it used is read first', async () => {
    const person = await personOf(world.gate, 'ten_ends');
    const made = await begin(person, 60_000);
    assert.equal((await person.openai.responses.cancel(made.id)).status, 'cancelled');
    const other = await personOf(world.gate, 'ten_deletes');
    const done = await begin(other, 0);
    await entriesOf(world.gate, 'ten_deletes', 1);
    await other.openai.responses.delete(done.id);
    assert.equal((await settledEntry(world, 'ten_deletes')).usage.outputTokens, 30);
    const [entry] = await entriesOf(world.gate, 'ten_ends', 1);
    assert.equal(entry.usageSource, 'estimated');
  });

  test('where nobody could fetch it later it is refused', async () => {
    const { openai } = world.ann;
    await assert.rejects(
      openai.responses.create({ model: 'small', input: 'x', background: true, store: false }),
      (error: any) => error.status === 400 && error.param === 'store',
    );
    await assert.rejects(
      openai.chat.completions.create({
        model: 'small',
        messages: [{ role: 'user', content: 'x' }],
        background: true,
      } as never),
      refused(400),
    );
    await assert.rejects(
      openai.responses.compact({ model: 'small', input: 'x', background: true } as never),
      refused(400),
    );
  });
});

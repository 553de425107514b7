import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { startProvider, type Provider } from '#lab/provider/provider.ts';
import { startGate, temporaryFolder, type GateProcess } from '../harness/gate-process.ts';
import { sdksSkip } from '../harness/sdks.ts';
import { chatLine, rowsOf, uploadLines } from './batch-lines.ts';
import { clientsOf, personOf, storedConfig, type Person } from './stored-world.ts';

const LINES = 6_000;

describe('killed while batches are settled', { skip: sdksSkip }, () => {
  let provider: Provider;
  let gate: GateProcess;
  let person: Person;
  const dataDir = temporaryFolder('death');
  const start = async (): Promise<void> => {
    gate = await startGate({ config: storedConfig(provider.url, 'jobs: { poll: 50ms }'), dataDir });
  };
  const calls = async (): Promise<number> => (await gate.admin('GET', '/spend?tenant=ten_ann')).rows[0]?.calls ?? 0;

  before(async () => {
    provider = await startProvider({ seed: 7 });
    await start();
    person = await personOf(gate, 'ten_ann');
  });
  after(async () => {
    await gate?.stop();
    await provider?.close();
    rmSync(dataDir, { recursive: true, force: true });
  });

  test('kill -9 in the middle, again and again: each line has one entry, sums and budgets are the results’', async () => {
    const { id: budget } = await gate.admin('POST', '/budgets', {
      level: 'tenant',
      tenant: 'ten_ann',
      limitUsd: '100',
      window: 'total',
    });
    const lines = Array.from({ length: LINES }, (_, i) => chatLine(`row ${i}`, `text number ${i}`));
    const file = await uploadLines(person, lines);
    const batch = await person.openai.batches.create(
      { input_file_id: file.id, endpoint: '/v1/chat/completions', completion_window: '24h' },
      { headers: { 'x-lab-batch': 'ms=300' } },
    );
    const reserved = async (): Promise<number> => Number((await gate.admin('GET', `/budgets/${budget}`)).reservedUsd);
    const held = await reserved();
    assert.ok(held > 0);
    // Each process dies as soon as it has brought some of the entries.
    let partly = 0;
    for (let there = 0; partly < 3 && there < LINES;) {
      const before = there;
      while ((there = await calls()) === before) await new Promise((resolve) => setTimeout(resolve, 5));
      await gate.kill();
      await start();
      there = await calls();
      if (there === LINES) break;
      partly++;
      assert.equal(await reserved(), held, 'the money is held again');
    }
    assert.ok(partly > 0, 'no death came in the middle');
    await gate.until('all entries', async () => (await calls()) === LINES);
    await gate.until('the end of the hold', async () => (await reserved()) === 0);
    person = { ...person, ...(await clientsOf(gate, person.key)) };
    const end = await person.openai.batches.retrieve(batch.id);
    const rows = await rowsOf(person, end.output_file_id!);
    const [{ calls: counted, inputTokens, outputTokens, costUsd, unknownCostCalls }] = (
      await gate.admin('GET', '/spend?tenant=ten_ann')
    ).rows;
    const used = (field: string): number => rows.reduce((sum, row) => sum + row.response.body.usage[field], 0);
    assert.deepEqual(
      [counted, inputTokens, outputTokens, unknownCostCalls],
      [LINES, used('prompt_tokens'), used('completion_tokens'), 0],
    );
    assert.equal(
      Number(costUsd).toFixed(9),
      ((used('prompt_tokens') * 0.5 + used('completion_tokens')) / 1e6).toFixed(9),
    );
    await gate.kill();
    await start();
    assert.equal((await gate.admin('GET', `/budgets/${budget}`)).spentUsd, costUsd, 'the same after one more death');
    assert.equal(await calls(), LINES);
  });

  test('kill -9 before the provider’s answer to the creation was written down: the batch is found by its file', async () => {
    person = { ...person, ...(await clientsOf(gate, person.key)) };
    const file = await uploadLines(person, [chatLine('lost', 'text')]);
    const before = await calls();
    const posts = (): number =>
      provider.log.filter(({ method, path, bodyBytes }) => method === 'POST' && path === '/v1/batches' && bodyBytes > 0)
        .length;
    const earlier = posts();
    const asked = person.openai.batches
      .create(
        { input_file_id: file.id, endpoint: '/v1/chat/completions', completion_window: '24h' },
        { headers: { 'x-lab-batch': 'answer=1000' } },
      )
      .catch(() => null);
    while (posts() === earlier) await new Promise((resolve) => setImmediate(resolve));
    await gate.kill();
    await asked;
    await start();
    const { jobs } = await gate.admin('GET', '/jobs?state=waiting');
    assert.equal(jobs.length, 1);
    await gate.admin('POST', `/jobs/${jobs[0].id}/retry`);
    await gate.until('its entry', async () => (await calls()) === before + 1);
    const { openai } = await clientsOf(gate, person.key);
    const [found] = (await openai.batches.list({ limit: 1 })).data;
    assert.equal(found!.input_file_id, file.id, 'and it stands in its tenant’s list');
  });
});

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { sdksSkip } from '../harness/sdks.ts';
import { inPassWorld, PRICES } from './world.ts';

describe('completions and moderations', { skip: sdksSkip }, () => {
  const world = inPassWorld(
    (url) => `
providers:
  lab: { kind: lab, baseUrl: "${url}/v1" }
  openai: { kind: openai, baseUrl: "${url}/v1", apiKey: "\${env:PASS_KEY}" }
models:
  instruct: { deployments: [{ provider: lab, model: lab-echo }] }
  omni-moderation-latest: { deployments: [{ provider: openai }] }
  guarded: { deployments: [{ provider: lab, model: lab-guard }] }
${PRICES}`,
  );

  test('completion, unary: text, usage and money', async () => {
    const { data, response } = await world.openai.completions
      .create({ model: 'instruct', prompt: 'Once upon a time', max_tokens: 50 })
      .withResponse();
    assert.equal(data.choices[0]!.text, 'Once upon a time');
    const entry = await world.entryOf(response);
    assert.deepEqual(
      [entry.kind, entry.dialect, entry.status, entry.usageSource, entry.finish],
      ['generate', 'openai-completions', 'ok', 'provider', 'stop'],
    );
    assert.equal(entry.usage.outputTokens, data.usage!.completion_tokens);
    assert.equal(entry.usage.inputTokens, data.usage!.prompt_tokens);
    const total = data.usage!.prompt_tokens * 1000 + data.usage!.completion_tokens * 2000;
    assert.equal(Math.round(Number(entry.cost.total) * 1e9), total);
  });

  test('completion, streamed: usage is asked for and withheld', async () => {
    const { data: stream, response } = await world.openai.completions
      .create({
        model: 'instruct',
        prompt: ['one text', 'another text'],
        n: 2,
        best_of: 3,
        max_tokens: 20,
        stream: true,
      })
      .withResponse();
    const texts = new Map<number, string>();
    for await (const chunk of stream) {
      assert.equal(chunk.usage ?? null, null);
      for (const { index, text } of chunk.choices) texts.set(index, (texts.get(index) ?? '') + text);
    }
    assert.deepEqual([...texts.values()], Array(4).fill('another text'));
    const entry = await world.entryOf(response);
    assert.equal(entry.stream, true);
    // Three answers are made for each prompt, and billed.
    assert.equal(entry.usage.outputTokens, 6 * 3);
    assert.equal(entry.usageSource, 'provider');
  });

  test('completion with echo and log probabilities, and token arrays', async () => {
    const answer = await world.openai.completions.create({
      model: 'instruct',
      prompt: [1, 2, 3],
      echo: true,
      logprobs: 1,
    });
    assert.equal(answer.choices[0]!.text, '1 2 31 2 3');
    assert.ok(answer.choices[0]!.logprobs!.tokens!.length > 0);
  });

  test('completion of a cut stream ends in a broken connection and an estimate', async () => {
    const response = await world.post(
      '/v1/completions',
      { model: 'instruct', prompt: 'words that are cut off in the middle', max_tokens: 50, stream: true },
      { 'x-lab-fault': 'cut@4' },
    );
    await assert.rejects(response.text());
    const entry = await world.entryOf(response);
    assert.deepEqual([entry.status, entry.truncated, entry.usageSource], ['truncated', true, 'estimated']);
    assert.ok(entry.usage.outputTokens > 0);
  });

  test('wrong fields name themselves', async () => {
    for (const [change, field] of [
      [{ prompt: [] }, 'prompt'],
      [{ prompt: ['a', 1] }, 'prompt[1]'],
      [{ best_of: 50 }, 'best_of'],
      [{ n: 9 }, 'n'],
      [{ model: 5 }, 'model'],
    ] as const) {
      const response = await world.post('/v1/completions', { model: 'instruct', prompt: 'x', ...change });
      assert.equal(response.status, 400);
      assert.equal(((await response.json()) as any).error.param, field);
    }
  });

  test('moderation by OpenAI costs nothing, and that is known', async () => {
    const { data, response } = await world.openai.moderations
      .create({ input: ['a kind text', 'a text of violence'] })
      .withResponse();
    assert.deepEqual(
      data.results.map(({ flagged }) => flagged),
      [false, true],
    );
    const entry = await world.entryOf(response);
    assert.deepEqual([entry.kind, entry.status, entry.modelAsked], ['moderation', 'ok', 'omni-moderation-latest']);
    assert.equal(Number(entry.cost.total), 0);
  });

  test('moderation elsewhere is an estimate by its text', async () => {
    const response = await world.post('/v1/moderations', { model: 'guarded', input: 'some text' });
    const entry = await world.entryOf(response);
    assert.equal(entry.usageSource, 'estimated');
    assert.ok(Number(entry.cost.total) > 0);
  });

  test('Azure’s path for completions', async () => {
    const response = await world.post('/openai/deployments/instruct/completions?api-version=2024-10-21', {
      prompt: 'hi',
    });
    assert.equal(((await response.json()) as any).choices[0].text, 'hi');
  });

  test('an error under status 200 is an error', async () => {
    for (const path of ['/v1/completions', '/v1/moderations']) {
      const body = { model: path.endsWith('s') ? 'guarded' : 'instruct', prompt: 'x', input: 'x' };
      const response = await world.post(path, body, { 'x-lab-fault': 'error-200' });
      assert.equal(response.status >= 500, true);
      assert.equal((await world.entryOf(response)).status, 'provider_error');
    }
  });
});

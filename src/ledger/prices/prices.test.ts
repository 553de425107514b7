import assert from 'node:assert/strict';
import { test } from 'node:test';
import { calcPrice, findProvider } from '@pydantic/genai-prices';
import { epochMs } from '#kernel/brand.ts';
import { seededRng, intBetween } from '#kernel/rng.ts';
import { NO_USAGE, type Usage } from '#wire/usage.ts';
import { ByteEstimator, VersionedPriceBook, loadPublicList } from './index.ts';

const at = epochMs(Date.parse('2026-11-20T12:00:00Z'));
const publicList = await loadPublicList();
const book = new VersionedPriceBook({ ...publicList, overrides: [] });
const row = (provider: string, model: string, when = at) => book.row({ provider, book: provider, model, at: when });

function randomUsage(rng: ReturnType<typeof seededRng>): Usage {
  const cachedReadTokens = intBetween(rng, 0, 300_000);
  const cacheWriteTokens = intBetween(rng, 0, 50_000);
  const input = intBetween(rng, 0, 150_000);
  return {
    ...NO_USAGE,
    inputTokens: input + cachedReadTokens + cacheWriteTokens,
    cachedReadTokens,
    cacheWriteTokens,
    outputTokens: intBetween(rng, 0, 60_000),
    reasoningTokens: 0,
  };
}

test('costs agree with the library that the prices come from, model by model, over random usage', () => {
  const seed = 20261124;
  const rng = seededRng(seed);
  let compared = 0;
  for (const provider of ['openai', 'anthropic', 'google', 'mistral', 'groq', 'deepseek', 'together', 'fireworks']) {
    for (const { id, prices } of findProvider({ providerId: provider })!.models) {
      const usage = randomUsage(rng);
      const theirs = calcPrice(
        {
          input_tokens: usage.inputTokens!,
          cache_read_tokens: usage.cachedReadTokens!,
          cache_write_tokens: usage.cacheWriteTokens!,
          output_tokens: usage.outputTokens!,
        },
        id,
        { providerId: provider, timestamp: new Date(at) },
      );
      const found = row(provider, id);
      const listed = (Array.isArray(prices) ? prices.map((one) => one.prices) : [prices]) as Record<string, unknown>[];
      const plain = listed.every((one) => 'input_mtok' in one && 'output_mtok' in one);
      if (!theirs || !found || !plain || theirs.model.id !== id) continue;
      const ours = book.cost(found, usage);
      assert.ok(ours, `${provider}/${id} has a price (seed ${seed})`);
      const difference = Math.abs(Number(ours.total) / 1e9 - theirs.total_price);
      assert.ok(
        difference < 1e-8 + theirs.total_price * 1e-9,
        `${provider}/${id}: ${ours.total} against ${theirs.total_price} (seed ${seed})`,
      );
      compared++;
    }
  }
  assert.ok(compared > 200, `compared ${compared} models`);
});

test('parts sum to the whole', () => {
  const rng = seededRng(7);
  for (let i = 0; i < 500; i++) {
    const cost = book.cost(row('anthropic', 'claude-sonnet-4-5')!, randomUsage(rng))!;
    assert.equal(cost.input + cost.cachedRead + cost.cacheWrite + cost.output + cost.other, cost.total);
  }
});

test('a price holds from its day on', () => {
  const before = row('anthropic', 'claude-opus-4-6', epochMs(Date.parse('2026-03-01T00:00:00Z')))!;
  const after = row('anthropic', 'claude-opus-4-6')!;
  assert.notEqual(before.version, after.version);
  const long = { ...NO_USAGE, inputTokens: 500_000, outputTokens: 0 };
  assert.equal(book.cost(before, long)!.total, 5_000_000_000n);
  assert.equal(book.cost(after, long)!.total, 2_500_000_000n);
});

test('an unknown model, tier or tool is unknown and never zero', () => {
  assert.equal(row('openai', 'no-such-model'), null);
  assert.equal(book.row({ provider: 'mine', book: null, model: 'llama', at }), null);
  const gpt = row('openai', 'gpt-4o')!;
  const usage = { ...NO_USAGE, inputTokens: 10, outputTokens: 10 };
  assert.ok(book.cost(gpt, { ...usage, serviceTier: 'default' }));
  assert.equal(book.cost(gpt, { ...usage, serviceTier: 'priority' }), null);
  assert.equal(book.cost(gpt, { ...usage, toolUses: { code_interpreter_sessions: 1 } }), null);
});

test('an override wins, also over a tier that the list does not price', () => {
  const own = new VersionedPriceBook({
    ...publicList,
    overrides: [
      {
        id: '1',
        provider: 'openai',
        model: 'gpt-4o',
        validFrom: epochMs(0),
        source: 'file',
        prices: { input: '1', output: '2', 'priority.input': '3', 'priority.output': '4' },
      },
      {
        id: '2',
        provider: '*',
        model: 'llama-*',
        validFrom: epochMs(0),
        source: 'file',
        prices: { input: '0', output: '0' },
      },
    ],
  });
  const usage = { ...NO_USAGE, inputTokens: 1_000_000, outputTokens: 1_000_000 };
  const gpt = own.row({ provider: 'openai', book: 'openai', model: 'gpt-4o', at })!;
  assert.equal(own.cost(gpt, usage)!.total, 3_000_000_000n);
  assert.equal(own.cost(gpt, { ...usage, serviceTier: 'priority' })!.total, 7_000_000_000n);
  const free = own.row({ provider: 'vllm', book: null, model: 'llama-3', at })!;
  assert.equal(own.cost(free, usage)!.total, 0n);
});

test('two accounts of one vendor have a price each; a layer’s account has its provider’s until it has its own', () => {
  const row = (provider: string, input: string, validFrom = 0) => ({
    ...{ id: `${provider} ${input}`, provider, model: 'gpt-4o', validFrom: epochMs(validFrom), source: 'file' },
    prices: { input, output: '0' },
  });
  const own = new VersionedPriceBook({
    ...publicList,
    overrides: [
      row('openai', '2'),
      row('openai-eu', '3'),
      row('*', '9', Number(at) - 1),
      row('openai@acme', '1.5', 1_000),
      row('openai@acme', '1.4', Number(at) + 1),
    ],
  });
  const million = { ...NO_USAGE, inputTokens: 1_000_000 };
  const costs = (provider: string, when = at): bigint =>
    own.cost(own.row({ provider, book: 'openai', model: 'gpt-4o', at: when })!, million)!.total;
  assert.equal(costs('openai'), 2_000_000_000n);
  assert.equal(costs('openai-eu'), 3_000_000_000n);
  assert.equal(costs('openai-us'), 9_000_000_000n);
  assert.equal(costs('openai@acme'), 1_500_000_000n);
  assert.equal(costs('openai@acme', epochMs(1)), 2_000_000_000n);
  assert.equal(costs('openai@acme', epochMs(Number(at) + 1)), 1_400_000_000n);
  assert.equal(costs('openai@globex'), 2_000_000_000n);
  assert.equal(costs('openai-eu@globex'), 3_000_000_000n);
});

test('units cost what their own buckets say, exactly, and a provider’s tokens go before them', () => {
  const prices = {
    ...{ image: '40000', 'hd-1024x1792.image': '120000', character: '15', audioSecond: '100', searchUnit: '2000' },
  };
  const ofUnits = { id: '1', provider: 'p', validFrom: epochMs(0), source: 'file' };
  const own = new VersionedPriceBook({
    list: null,
    source: 'none',
    overrides: [
      { ...ofUnits, model: 'units', prices },
      { ...ofUnits, id: '2', model: 'both', prices: { ...prices, input: '1', output: '2', outputImage: '4' } },
      { ...ofUnits, id: '3', model: 'tokens', prices: { input: '1', output: '2' } },
    ],
  });
  const costOf = (model: string, usage: Partial<typeof NO_USAGE>) =>
    own.cost(own.row({ provider: 'p', book: null, model, at })!, { ...NO_USAGE, ...usage });
  assert.equal(costOf('units', { units: { 'hd-1024x1792.image': 2 } })!.total, 240_000_000n);
  assert.equal(costOf('units', { units: { 'low-512x512.image': 3 } })!.other, 120_000_000n);
  assert.equal(costOf('units', { units: { character: 1 } })!.total, 15_000n);
  // A third of a nano-dollar a millisecond is rounded once, at the end.
  assert.equal(costOf('units', { units: { audioMs: 3_257 } })!.total, 325_700n);
  assert.equal(costOf('units', { units: { searchUnit: 2, character: 10 } })!.total, 4_150_000n);
  assert.equal(costOf('units', { units: { moonPhases: 1 } }), null);
  assert.equal(costOf('tokens', { units: { character: 5 } }), null);
  const tokens = { inputTokens: 10, outputTokens: 20, outputImageTokens: 20, units: { 'hd-1024x1792.image': 1 } };
  assert.equal(costOf('both', tokens)!.total, 10_000n + 20n * 4_000n);
  assert.equal(costOf('both', { units: tokens.units })!.total, 120_000_000n);
  assert.equal(costOf('units', tokens)!.total, 120_000_000n);
  assert.equal(costOf('units', { ...tokens, toolUses: { svg_tokens: 5 } }), null);
});

test('sound that the public list prices by the hour costs by the second', () => {
  const whisper = row('openai', 'whisper-1')!;
  assert.equal(book.cost(whisper, { ...NO_USAGE, units: { audioMs: 60_000 } })!.total, 6_000_000n);
});

test('a batch costs what the row states of it, else less the published discount, else nobody knows', () => {
  const stated = (prices: Record<string, string>) =>
    new VersionedPriceBook({
      list: null,
      source: 'none',
      overrides: [{ id: '1', provider: '*', model: 'm', validFrom: epochMs(0), source: 'file', prices }],
    });
  const key = { provider: 'p', book: null, model: 'm', at };
  const usage = { ...NO_USAGE, inputTokens: 1_000_000, outputTokens: 1_000_000, serviceTier: 'batch' };
  const plain = stated({ input: '3', output: '5.000000001', cachedRead: '1' });
  const row = plain.row(key)!;
  assert.equal(plain.batchRow(row, null), null);
  assert.equal(plain.cost(row, usage), null, 'a batch is never priced as a call');
  const half = plain.batchRow(row, 50)!;
  assert.equal(plain.cost(half, usage)!.total, 1_500_000_000n + 2_500_000_000n);
  assert.equal(plain.cost(half, { ...usage, cachedReadTokens: 1_000_000 })!.cachedRead, 500_000_000n);
  assert.notEqual(half.version, row.version);
  assert.match(half.source, /less the published 50 % of a batch/);
  assert.equal(half.quote.outputPerMillion, 2_500_000_000n);
  assert.equal(plain.batchRow(row, 50), half);
  const own = stated({ input: '3', output: '5', 'batch.input': '1', 'batch.output': '2' });
  const listed = own.batchRow(own.row(key)!, 50)!;
  assert.equal(own.cost(listed, usage)!.total, 3_000_000_000n);
  assert.equal(listed.version, own.row(key)!.version);
  assert.equal(listed.quote.inputPerMillion, 1_000_000_000n);
});

test('the estimator learns bytes per token and says how wrong it was', () => {
  const estimator = new ByteEstimator();
  assert.equal(estimator.inputTokens('m', 400), 100);
  assert.equal(estimator.error('m').input, null);
  for (let i = 0; i < 50; i++)
    estimator.learn('m', { bytesIn: 300, inputTokens: 100, textBytes: 0, outputTokens: null });
  assert.equal(estimator.inputTokens('m', 300), 100);
  assert.ok(estimator.error('m').input! < 0.2);
});

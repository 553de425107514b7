import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { epochMs } from '#kernel/brand.ts';
import { NO_USAGE } from '#wire/usage.ts';
import { HeadgateError } from '#kernel/errors.ts';
import { VersionedPriceBook } from '../book.ts';
import { bucketsOf, pricesOf } from '../bucket-name.ts';
import type { PriceOverride } from '#ports/state-store.ts';
import type { ListedPrice } from './parsed-list.ts';
import { ImportPlanner, type ImportFacts } from './plan-import.ts';
import { readPriceList } from './read-list.ts';

const bytes = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));

/** A small map in LiteLLM's form, with figures of our own. */
const LITELLM = {
  sample_spec: { litellm_provider: 'one of the providers', input_cost_per_token: 0, mode: 'chat' },
  'gpt-x': {
    litellm_provider: 'openai',
    mode: 'chat',
    max_tokens: 16384,
    supports_vision: true,
    input_cost_per_token: 2.5e-6,
    output_cost_per_token: 1e-5,
    cache_read_input_token_cost: 1.25e-6,
    input_cost_per_token_batches: 1.25e-6,
    output_cost_per_token_batches: 5e-6,
    input_cost_per_token_flex: 1e-6,
    output_cost_per_token_flex: 4e-6,
    input_cost_per_token_priority: 4.25e-6,
    output_cost_per_token_priority: 1.7e-5,
    search_context_cost_per_query: { search_context_size_low: 0.03 },
  },
  'gemini/gemini-x': {
    litellm_provider: 'gemini',
    mode: 'chat',
    input_cost_per_token: 1.25e-6,
    input_cost_per_token_above_200k_tokens: 2.5e-6,
    output_cost_per_token: 1e-5,
    output_cost_per_token_above_200k_tokens: 1.5e-5,
    cache_creation_input_token_cost: 3e-6,
    cache_creation_input_token_cost_above_1hr: 6e-6,
    moon_phase: 'full',
  },
  'embed-x': { litellm_provider: 'openai', mode: 'embedding', input_cost_per_token: 2e-8, output_cost_per_token: 0 },
  'free-x': { litellm_provider: 'groq', mode: 'chat', input_cost_per_token: 0, output_cost_per_token: 0 },
  'dall-x': {
    litellm_provider: 'openai',
    mode: 'image_generation',
    input_cost_per_token: 0,
    output_cost_per_image: 0.04,
  },
  'far-x': { litellm_provider: 'somewhere', mode: 'chat', input_cost_per_token: 1e-6, output_cost_per_token: 1e-6 },
};

/** The same models in the form of models.dev. */
const MODELS_DEV = {
  openai: {
    id: 'openai',
    models: {
      'gpt-x': {
        id: 'gpt-x',
        cost: { input: 2.5, output: 10, cache_read: 1.25 },
        limit: { context: 128000, output: 16384 },
      },
      'no-price': { id: 'no-price' },
      'fast-x': {
        cost: { input: 5, output: 25, cache_read: 0.5 },
        experimental: {
          modes: {
            fast: { cost: { input: 30, output: 150 }, provider: { body: { speed: 'fast' } } },
            sooner: { cost: { input: 10, output: 50 }, provider: { body: { service_tier: 'priority' } } },
            odd: { cost: { input: 1 } },
          },
        },
      },
    },
  },
  google: {
    id: 'google',
    models: {
      'gemini-x': {
        cost: {
          ...{ input: 1.25, output: 10, moon: 1 },
          tiers: [{ input: 2.5, output: 15, tier: { type: 'context', size: 200000 } }],
          context_over_200k: { input: 99, output: 99 },
        },
      },
      'gemini-older': { cost: { input: 1, output: 2, context_over_200k: { input: 2, output: 4 } } },
    },
  },
  elsewhere: { id: 'elsewhere', models: { x: { cost: { input: 1, output: 1 } } } },
};

const pricesIn = (list: ReturnType<typeof readPriceList>, model: string) =>
  list.rows.find((row) => `${row.book}/${row.model}` === model)?.prices;

describe('price lists', () => {
  test('LiteLLM: prices by token, batch, flex, priority and size of prompt; what is left out is told', () => {
    const list = readPriceList(bytes(LITELLM));
    assert.equal(list.list, 'litellm');
    assert.match(list.hash, /^[0-9a-f]{16}$/);
    assert.deepEqual(pricesIn(list, 'openai/gpt-x'), {
      input: '2.5',
      output: '10',
      cachedRead: '1.25',
      'batch.input': '1.25',
      'batch.output': '5',
      'flex.input': '1',
      'flex.output': '4',
      'priority.input': '4.25',
      'priority.output': '17',
    });
    assert.deepEqual(pricesIn(list, 'google/gemini-x'), {
      input: '1.25',
      'input>200000': '2.5',
      output: '10',
      'output>200000': '15',
      cacheWrite: '3',
      cacheWrite1h: '6',
    });
    assert.deepEqual(pricesIn(list, 'groq/free-x'), { input: '0', output: '0' });
    assert.deepEqual(pricesIn(list, 'openai/embed-x'), { input: '0.02', output: '0' });
    assert.deepEqual(pricesIn(list, 'openai/dall-x'), { image: '40000' });
    assert.deepEqual(Object.fromEntries(list.left), { 'provider somewhere': 1 });
    assert.deepEqual(Object.fromEntries(list.unread), { search_context_cost_per_query: 1 });
    assert.deepEqual(Object.fromEntries(list.unknown), { moon_phase: 1 });
    assert.deepEqual(list.refused, []);
  });

  test('LiteLLM: prices by the image, the character, the second and the search', () => {
    const zero = { input_cost_per_token: 0, output_cost_per_token: 0 };
    const list = readPriceList(
      bytes({
        'standard/1024-x-1024/painter': {
          litellm_provider: 'openai',
          mode: 'image_generation',
          input_cost_per_pixel: 3.81469e-8,
          output_cost_per_pixel: 0,
        },
        'hd/1024-x-1792/painter': {
          litellm_provider: 'openai',
          mode: 'image_generation',
          input_cost_per_pixel: 6.539e-8,
          output_cost_per_pixel: 0,
        },
        'azure/low/1024-x-1024/drawer': {
          litellm_provider: 'azure',
          mode: 'image_generation',
          input_cost_per_image: 0.011,
        },
        'azure/drawer': {
          litellm_provider: 'azure',
          mode: 'image_generation',
          input_cost_per_token: 5e-6,
          output_cost_per_image_token: 4e-5,
        },
        speaker: { litellm_provider: 'openai', mode: 'audio_speech', input_cost_per_character: 1.5e-5 },
        hearer: {
          litellm_provider: 'openai',
          mode: 'audio_transcription',
          input_cost_per_second: 0.0001,
          output_cost_per_second: 0,
        },
        ranker: { litellm_provider: 'cohere', mode: 'rerank', ...zero, input_cost_per_query: 0.002 },
        'voyage/ranker': {
          litellm_provider: 'voyage',
          mode: 'rerank',
          input_cost_per_token: 5e-8,
          output_cost_per_token: 0,
        },
        'free-guard': { litellm_provider: 'openai', mode: 'moderation', ...zero },
        nothing: { litellm_provider: 'openai', mode: 'rerank', ...zero },
        absurd: { litellm_provider: 'openai', mode: 'audio_speech', input_cost_per_character: 1 },
        chat: { litellm_provider: 'openai', mode: 'chat', input_cost_per_token: 1e-6, input_cost_per_second: 0.1 },
      }),
    );
    assert.deepEqual(pricesIn(list, 'openai/painter'), {
      'standard-1024x1024.image': '40000',
      'hd-1024x1792.image': '120000',
    });
    assert.deepEqual(pricesIn(list, 'azure/drawer'), { input: '5', outputImage: '40', 'low-1024x1024.image': '11000' });
    assert.deepEqual(pricesIn(list, 'openai/speaker'), { character: '15' });
    assert.deepEqual(pricesIn(list, 'openai/hearer'), { audioSecond: '100' });
    assert.deepEqual(pricesIn(list, 'cohere/ranker'), { searchUnit: '2000' });
    assert.deepEqual(pricesIn(list, 'voyageai/ranker'), { input: '0.05' });
    assert.deepEqual(pricesIn(list, 'openai/free-guard'), { input: '0', output: '0' });
    assert.deepEqual(pricesIn(list, 'openai/chat'), { input: '1' });
    assert.deepEqual(Object.fromEntries(list.left), { 'no price by token or unit': 1 });
    assert.match(list.refused[0]!.why, /input_cost_per_character is over \$100000 for a million/);
    assert.deepEqual(Object.fromEntries(list.unread), { input_cost_per_second: 1 });
  });

  test('models.dev: steps in both forms, of which the newer wins', () => {
    const list = readPriceList(bytes(MODELS_DEV));
    assert.equal(list.list, 'models.dev');
    assert.deepEqual(pricesIn(list, 'openai/gpt-x'), { input: '2.5', output: '10', cachedRead: '1.25' });
    assert.deepEqual(pricesIn(list, 'google/gemini-x'), {
      ...{ input: '1.25', output: '10' },
      ...{ 'input>200000': '2.5', 'output>200000': '15' },
    });
    assert.deepEqual(pricesIn(list, 'google/gemini-older')!['input>200000'], '2');
    assert.deepEqual(pricesIn(list, 'openai/fast-x'), {
      ...{ input: '5', output: '25', cachedRead: '0.5', 'fast.input': '30', 'fast.output': '150' },
      ...{ 'priority.input': '10', 'priority.output': '50' },
    });
    assert.deepEqual(Object.fromEntries(list.unread), { 'experimental.modes': 1 });
    assert.deepEqual(Object.fromEntries(list.left), { 'no price by token': 1, 'provider elsewhere': 1 });
    assert.deepEqual(Object.fromEntries(list.unknown), { 'cost.moon': 1 });
  });

  test('a price that cannot be right refuses its model by name, and no other', () => {
    const odd = {
      ...LITELLM,
      negative: { litellm_provider: 'openai', input_cost_per_token: -1e-6, output_cost_per_token: 1e-6 },
      absurd: { litellm_provider: 'openai', input_cost_per_token: 0.11, output_cost_per_token: 1e-6 },
      text: { litellm_provider: 'openai', input_cost_per_token: '1e-6', output_cost_per_token: 1e-6 },
      'step-only': {
        litellm_provider: 'openai',
        output_cost_per_token: 1e-6,
        input_cost_per_token_above_200k_tokens: 1e-6,
      },
      'openai/gpt-x': { litellm_provider: 'openai', input_cost_per_token: 9e-6, output_cost_per_token: 1e-5 },
      'openai/embed-x': { litellm_provider: 'openai', input_cost_per_token: 2e-8, output_cost_per_token: 0 },
    };
    const list = readPriceList(bytes(odd));
    const refused = Object.fromEntries(list.refused.map(({ model, why }) => [model, why]));
    assert.match(refused['openai/negative']!, /input_cost_per_token is negative \(-0\.000001\)/);
    assert.match(refused['openai/absurd']!, /is over \$100000 for a million \(0\.11\)/);
    assert.match(refused['openai/text']!, /is no number/);
    assert.match(refused['openai/step-only']!, /input>200000 is a step without its first price input/);
    assert.match(refused['openai/gpt-x']!, /listed twice/);
    assert.equal(list.refused.length, 5);
    assert.deepEqual(list.rows.map(({ model }) => model).toSorted(), ['dall-x', 'embed-x', 'free-x', 'gemini-x']);
  });

  test('a kind that is priced above a size alone costs below it what its plain kind costs', () => {
    const model = { litellm_provider: 'openrouter', input_cost_per_token: 2e-6, output_cost_per_token: 1e-5 };
    const list = readPriceList(
      bytes({
        x: { ...model, cache_creation_input_token_cost_above_200k_tokens: 4e-6, input_cost_per_token_cache_hit: 1e-6 },
      }),
    );
    assert.deepEqual(pricesIn(list, 'openrouter/x'), {
      ...{ input: '2', output: '10', cachedRead: '1' },
      ...{ cacheWrite: '2', 'cacheWrite>200000': '4' },
    });
  });

  test('what is no price list is refused whole', () => {
    const wrong: readonly (readonly [string | Buffer, RegExp])[] = [
      ['<html>not found</html>', /not valid JSON/],
      ['{"a": 1', /not valid JSON/],
      ['[]', /must be one JSON object/],
      ['{"some": {"other": "json"}}', /neither a price map of LiteLLM nor/],
      ['{"gpt-x": {"litellm_provider": "openai"}, "gpt-x": {"litellm_provider": "openai"}}', /`gpt-x` appears twice/],
      [Buffer.from([0xff, 0xfe]), /not valid UTF-8/],
    ];
    for (const [text, message] of wrong)
      assert.throws(
        () => readPriceList(Buffer.from(text as string)),
        (error) => error instanceof HeadgateError && error.code === 'invalid_request' && message.test(error.message),
      );
  });

  test('any JSON is read or refused, never thrown at', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (models) => {
        const list = readPriceList(
          bytes({
            ...models,
            fixed: { litellm_provider: 'openai', input_cost_per_token: 1e-6, output_cost_per_token: 0 },
          }),
        );
        assert.ok(list.rows.some(({ model }) => model === 'fixed'));
      }),
      { seed: 20261125 },
    );
  });
});

function planImport(stored: Iterable<PriceOverride>, listed: readonly ListedPrice[], facts: ImportFacts) {
  const planner = new ImportPlanner(stored, facts);
  planner.add(listed.slice(0, 1));
  planner.add(listed.slice(1));
  return planner.plan();
}

describe('importing again', () => {
  const day = (n: number) => epochMs(Date.UTC(2026, 10, n));
  const facts = (n: number, hash: string) => ({ list: 'litellm' as const, hash, at: day(n), validFrom: day(n) });
  const row = (model: string, input: string) => ({ book: 'openai', model, prices: { input, output: '1' } });

  test('what is the same keeps its row, what changed gets another, and the old one prices the old days', () => {
    const first = planImport([], [row('a', '1'), row('b', '2'), row('c', '3')], facts(1, 'h1'));
    assert.deepEqual([first.added.length, first.changed.length, first.same], [3, 0, 0]);
    const second = planImport(first.rows, [row('a', '1'), row('b', '5')], facts(9, 'h2'));
    assert.deepEqual(second.changed, [{ model: 'openai/b', bucket: 'input', old: '2', new: '5' }]);
    assert.deepEqual([second.added, second.same, second.gone], [[], 1, ['openai/c']]);
    const stored = new Map([...first.rows, ...second.rows].map((one) => [one.id, one]));
    assert.equal(stored.size, 4);
    const book = new VersionedPriceBook({ list: null, source: 'none', overrides: [...stored.values()] });
    const inputAt = (model: string, n: number): string | undefined => {
      const found = book.row({ provider: 'mine', book: 'openai', model, at: day(n) });
      return found ? book.prices(found)['input'] : undefined;
    };
    assert.deepEqual([inputAt('b', 5), inputAt('b', 9), inputAt('c', 9), inputAt('b', 0)], ['2', '5', '3', undefined]);
    assert.equal(book.row({ provider: 'mine', book: 'azure', model: 'b', at: day(9) }), null);
    assert.deepEqual(planImport(stored.values(), [row('a', '1'), row('b', '5')], facts(10, 'h2')).changed, []);
    const other = planImport(stored.values(), [{ ...row('x', '1'), book: 'groq' }], facts(11, 'h3'));
    assert.deepEqual(other.gone, [], 'of a provider that was left out nothing is gone');
  });

  test('own prices beat lists, LiteLLM beats models.dev, each from its own day on', () => {
    const own = {
      ...{ id: 'price_1', provider: 'mine', model: 'a', validFrom: day(20), source: 'own' },
      prices: { input: '0', output: '0' },
    };
    const litellm = planImport([], [row('a', '1')], facts(10, 'h'));
    const other = planImport([], [row('a', '7')], { ...facts(5, 'h'), list: 'models.dev' });
    const book = new VersionedPriceBook({
      list: null,
      source: 'none',
      overrides: [own, ...other.rows, ...litellm.rows],
    });
    const at = (n: number) => book.opinions({ provider: 'mine', book: 'openai', model: 'a', at: day(n) });
    assert.deepEqual(
      [1, 6, 11, 21].map((n) => at(n)[0]?.layer),
      [undefined, 'models.dev', 'litellm', 'own'],
    );
    assert.deepEqual(
      at(21).map(({ layer }) => layer),
      ['own', 'litellm', 'models.dev'],
    );
    const free = book.cost(at(21)[0]!.row, { ...NO_USAGE, inputTokens: 10, outputTokens: 10 });
    assert.equal(free!.total, 0n, 'a price of zero is a price');
  });

  test('what a list does not state of the provider’s own tools, the built-in list goes on to state', () => {
    const listed = { id: 'a', prices: { input_mtok: 9, output_mtok: 9, web_searches_kcount: 10 } as never };
    const { rows } = planImport([], [row('a', '1')], facts(1, 'h'));
    const book = new VersionedPriceBook({ list: () => listed, source: 'built-in', overrides: rows });
    const found = book.row({ provider: 'mine', book: 'openai', model: 'a', at: day(2) })!;
    assert.deepEqual(book.prices(found), { input: '1', output: '1', webSearch: '10000' });
    assert.ok(book.pricesTool(found, 'web_search_preview'));
  });

  test('stated prices come back as they were stated', () => {
    const prices = { input: '1.25', 'input>128000': '2', 'input>200000': '2.5', 'flex.output': '0.000000001' };
    assert.deepEqual(pricesOf(bucketsOf(prices)), prices);
  });
});

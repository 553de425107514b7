import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { EMBED_V2, RERANK } from '#lab/provider/recorded/index.ts';
import { loadVendorSdks, sdksSkip } from '../harness/sdks.ts';
import { inPassWorld } from './world.ts';

const config = (url: string): string => `
providers:
  cohere: { kind: cohere, baseUrl: "${url}", apiKey: "\${env:PASS_KEY}" }
  voyage: { kind: voyage, baseUrl: "${url}/v1", apiKey: "\${env:PASS_KEY}" }
  jina: { kind: jina, baseUrl: "${url}/v1", apiKey: "\${env:PASS_KEY}" }
  tei: { kind: tei, baseUrl: "${url}/v1", apiKey: "\${env:PASS_KEY}" }
  lab: { kind: lab, baseUrl: "${url}/v1" }
models:
  either: { deployments: [{ provider: lab, model: some-reranker, order: 0 }, { provider: voyage, model: rerank-2.5, order: 1 }] }
  bge-reranker: { deployments: [{ provider: tei }] }
  own-reranker: { deployments: [{ provider: lab }] }
  rerank-v3.5: { deployments: [{ provider: cohere }] }
  short: { deployments: [{ provider: cohere, model: a-longer-name-of-a-reranker }] }
  rerank-2.5: { deployments: [{ provider: voyage }] }
  jina-reranker: { deployments: [{ provider: jina }] }
  embed-v4.0: { deployments: [{ provider: cohere }] }
  voyage-3.5: { deployments: [{ provider: voyage }] }
  voyage-context-3: { deployments: [{ provider: voyage }] }
  jina-embeddings-v4: { deployments: [{ provider: jina }] }
  command-a: { deployments: [{ provider: cohere, model: lab-echo }] }
  lab-recorded:cohere: { deployments: [{ provider: cohere }] }
  lab-recorded:voyage: { deployments: [{ provider: voyage }] }
  lab-recorded:jina: { deployments: [{ provider: jina }] }
prices:
  - { provider: cohere, model: "rerank*", perMillion: { searchUnit: "2000" } }
  - { provider: cohere, model: "a-longer*", perMillion: { searchUnit: "2000" } }
  - { provider: cohere, model: "lab-*", perMillion: { searchUnit: "2000", input: "1", output: "2" } }
  - { provider: cohere, model: "embed*", perMillion: { input: "0.12" } }
  - { provider: lab, model: "*", perMillion: { input: "1" } }
  - { provider: tei, model: "*", perMillion: { input: "1" } }
  - { provider: voyage, model: "*", perMillion: { input: "0.05" } }
  - { provider: jina, model: "*", perMillion: { input: "0.02" } }
`;

const documents = ['sunny day at the beach', 'rainy day in the city', 'cloudy day in the mountains'];
const query = 'talk about a rainy day';
const nano = (entry: { cost: { total: string } }): number => Math.round(Number(entry.cost.total) * 1e9);

describe('embeddings and rerank of their vendors', { skip: sdksSkip }, () => {
  const world = inPassWorld(config);
  const seen = () => world.provider.log.at(-1)!;
  /** The entry of the call that an SDK makes, which shows no headers. */
  const entryAfter = async <T>(call: () => Promise<T>): Promise<{ answer: T; entry: any }> => {
    const since = Date.now();
    const answer = await call();
    let id: string | null = null;
    await world.gate.until('the entry', async () => {
      const { calls } = await world.gate.admin('GET', `/calls?limit=1`);
      if (calls[0] && calls[0].at >= since) id = calls[0].id;
      return id !== null;
    });
    return { answer, entry: await world.entryOf(id!) };
  };

  test('cohere-ai: rerank, billed by the search unit', async () => {
    const { CohereClientV2 } = loadVendorSdks();
    const cohere = new CohereClientV2({ token: world.gate.key, environment: world.gate.url });
    const answer = await cohere.rerank({ model: 'rerank-v3.5', query, documents, topN: 2 });
    assert.deepEqual(
      answer.results.map(({ index }) => index),
      [1, 0],
    );
    assert.equal(answer.meta!.billedUnits!.searchUnits, 1);
    const many = await world.post('/v2/rerank', { model: 'short', query, documents: Array(250).fill('a day') });
    assert.equal(seen().model, 'a-longer-name-of-a-reranker');
    const entry = await world.entryOf(many);
    assert.deepEqual([entry.kind, entry.usage.units, nano(entry)], ['rerank', { searchUnit: 3 }, 6_000_000]);
    assert.deepEqual([entry.usageSource, entry.cost.other], ['provider', entry.cost.total]);
  });

  test('cohere-ai: embed in its own form, billed by its own count', async () => {
    const { CohereClientV2 } = loadVendorSdks();
    const cohere = new CohereClientV2({ token: world.gate.key, environment: world.gate.url });
    const { answer, entry } = await entryAfter(() =>
      cohere.embed({
        model: 'embed-v4.0',
        inputType: 'search_query',
        texts: ['hello', 'goodbye'],
        embeddingTypes: ['float'],
        outputDimension: 256,
      }),
    );
    assert.equal(answer.embeddings.float!.length, 2);
    assert.equal(answer.embeddings.float![0]!.length, 256);
    assert.deepEqual([entry.kind, entry.dialect], ['embed', 'cohere-embed']);
    assert.equal(entry.usage.inputTokens, answer.meta!.billedUnits!.inputTokens);
  });

  test('openai: embeddings reach Cohere by translation, in both encodings', async () => {
    const call = { model: 'embed-v4.0', input: ['hello', 'goodbye'], dimensions: 256 };
    const { data, response } = await world.openai.embeddings.create(call).withResponse();
    const plain = await world.openai.embeddings.create({ ...call, encoding_format: 'float' });
    assert.deepEqual(
      data.data.map(({ embedding }) => embedding.map((x) => x.toFixed(5))),
      plain.data.map(({ embedding }) => embedding.map((x) => x.toFixed(5))),
    );
    const entry = await world.entryOf(response);
    assert.deepEqual([entry.dialect, entry.attempts[0].dialect], ['openai-embeddings', 'cohere-embed']);
    assert.equal(entry.usage.inputTokens, seen().usageSent!.input);
    assert.equal(nano(entry), entry.usage.inputTokens * 120);
    assert.equal(data.usage.prompt_tokens, entry.usage.inputTokens);
    const typed = { ...call, input_type: 'classification', user: 'somebody' } as typeof call;
    const { response: second } = await world.openai.embeddings.create(typed).withResponse();
    assert.equal(second.headers.get('x-headgate-dropped'), 'user');
    for (const wrong of [{ input: [[1, 2]] }, { task: 'unknown' }]) {
      const refused = await world.post('/v1/embeddings', { ...call, ...wrong });
      assert.equal(refused.status, 400);
    }
  });

  test('openai: chat by Cohere’s compatibility API', async () => {
    const answer = await world.openai.chat.completions.create({
      model: 'command-a',
      messages: [{ role: 'user', content: 'hi there' }],
    });
    assert.equal(answer.choices[0]!.message.content, 'hi there');
    assert.equal(seen().path, '/compatibility/v1/chat/completions');
  });

  test('voyageai: rerank and embeddings, billed by token', async () => {
    const { VoyageAIClient } = loadVendorSdks();
    const voyage = new VoyageAIClient({ apiKey: world.gate.key, environment: `${world.gate.url}/v1` });
    const { answer: ranked, entry } = await entryAfter(() =>
      voyage.rerank({ model: 'rerank-2.5', query, documents, topK: 2 }),
    );
    assert.deepEqual(
      ranked.data!.map(({ index }) => index),
      [1, 0],
    );
    assert.deepEqual([entry.kind, entry.usage.inputTokens], ['rerank', ranked.usage!.totalTokens]);
    assert.equal(nano(entry), entry.usage.inputTokens * 50);
    const embedded = await voyage.embed({ model: 'voyage-3.5', input: ['one', 'two'], inputType: 'query' });
    assert.equal(embedded.data!.length, 2);
    const { answer: context, entry: last } = await entryAfter(() =>
      voyage.contextualizedEmbed({ model: 'voyage-context-3', inputs: [['a', 'b'], ['c']] }),
    );
    assert.equal(context.results.length, 2);
    assert.deepEqual([last.kind, last.dialect, last.usage.inputTokens], ['embed', 'voyage-contextual', 3]);
  });

  test('Jina’s shape, and embeddings with its own fields', async () => {
    const response = await world.post('/v1/rerank', {
      model: 'jina-reranker',
      query,
      documents,
      top_n: 1,
      return_documents: true,
    });
    const body = (await response.json()) as any;
    assert.deepEqual(body.results[0].document, { text: documents[1] });
    assert.equal((await world.entryOf(response)).usage.inputTokens, body.usage.total_tokens);
    const vectors = await world.post('/v1/embeddings', {
      model: 'jina-embeddings-v4',
      task: 'retrieval.query',
      late_chunking: true,
      input: ['one', 'two'],
    });
    assert.equal(vectors.status, 200);
    assert.equal((await world.entryOf(vectors)).usageSource, 'provider');
  });

  test('the vendors’ own examples pass byte for byte and are metered', async () => {
    const call = { query, documents };
    for (const [vendor, expected] of [
      ['cohere', { units: { searchUnit: 1 }, inputTokens: null }],
      ['voyage', { units: {}, inputTokens: 26 }],
      ['jina', { units: {}, inputTokens: 815 }],
    ] as const) {
      const response = await world.post(vendor === 'cohere' ? '/v2/rerank' : '/v1/rerank', {
        ...call,
        model: `lab-recorded:${vendor}`,
      });
      assert.equal(await response.text(), JSON.stringify(RERANK[vendor].body));
      const { usage } = await world.entryOf(response);
      assert.deepEqual({ units: usage.units, inputTokens: usage.inputTokens }, expected);
    }
    const texts = ['hello', 'goodbye'];
    const embedded = await world.post('/v2/embed', { model: 'lab-recorded:cohere', input_type: 'x', texts });
    assert.equal(await embedded.text(), JSON.stringify(EMBED_V2.cohere.body));
    assert.equal((await world.entryOf(embedded)).usage.inputTokens, 2);
  });

  test('a ranking without a usage is an estimate by its text', async () => {
    const body = { model: 'own-reranker', query, documents };
    const response = await world.post('/v1/rerank', body, { 'x-lab-fault': 'no-usage' });
    const entry = await world.entryOf(response);
    assert.equal(entry.usageSource, 'estimated');
    assert.ok(entry.usage.inputTokens > 10 && entry.usage.outputTokens === 0);
    assert.equal(nano(entry), entry.usage.inputTokens * 1000);
  });

  test('Voyage stands in for Cohere: its caller sees Cohere’s shape', async () => {
    const { CohereClientV2 } = loadVendorSdks();
    const cohere = new CohereClientV2({ token: world.gate.key, environment: world.gate.url });
    const { answer, entry } = await entryAfter(() =>
      cohere.rerank({ model: 'either', query, documents, topN: 2 }, { headers: { 'x-lab-fault': '503' } }),
    );
    assert.deepEqual(
      answer.results.map(({ index }) => index),
      [1, 0],
    );
    assert.deepEqual(
      entry.attempts.map(({ dialect, status }: any) => [dialect, status]),
      [
        ['cohere-rerank', 'provider_error'],
        ['voyage-rerank', 'ok'],
      ],
    );
    assert.equal(entry.usage.inputTokens, seen().usageSent!.input);
    const strict = await world.post('/v2/rerank', { model: 'rerank-2.5', query, documents, max_tokens_per_doc: 5 });
    assert.equal(strict.status, 400);
  });

  test('a rerank of Text Embeddings Inference is reached by translation', async () => {
    const call = { model: 'bge-reranker', query, documents, return_documents: true, top_n: 1 };
    const response = await world.post('/v1/rerank', call);
    assert.equal(seen().path, '/rerank');
    assert.equal(response.headers.get('x-headgate-dropped'), null);
    const { results } = (await response.json()) as any;
    assert.deepEqual([results.length, results[0].index, results[0].document], [1, 1, { text: documents[1] }]);
    const entry = await world.entryOf(response);
    assert.deepEqual([entry.attempts[0].dialect, entry.usageSource], ['tei-rerank', 'estimated']);
    const image = await world.post('/v1/rerank', { ...call, documents: [{ image: 'x' }] });
    assert.equal(image.status, 400);
    assert.equal(((await image.json()) as any).error.param, 'documents[0]');
  });

  test('wrong fields name themselves', async () => {
    const call = { model: 'rerank-v3.5', query, documents };
    for (const [change, field] of [
      [{ documents: [] }, 'documents'],
      [{ documents: ['a', 5] }, 'documents[1]'],
      [{ query: 7 }, 'query'],
      [{ model: undefined }, 'model'],
      [{ top_n: 0 }, 'top_n'],
    ] as const) {
      const response = await world.post('/v1/rerank', { ...call, ...change });
      assert.equal(response.status, 400);
      assert.equal(((await response.json()) as any).error.param, field);
    }
  });
});

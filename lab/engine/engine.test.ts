/**
 * The real engine end to end over HTTP: llama.cpp on a generated model. Its weights are random, so a tool call or a
 * JSON answer can only come out right because a grammar forces it; that is what is tested here, not a model's sense.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { EngineProcess } from './process.ts';
import { INSTALL_COMMAND, isEngineInstalled, startEngine } from './process.ts';

interface Usage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly prompt_tokens_details: { readonly cached_tokens: number };
}

interface Chunk {
  readonly choices: readonly {
    readonly delta: {
      readonly content?: string;
      readonly tool_calls?: readonly {
        readonly id?: string;
        readonly function: { name?: string; arguments: string };
      }[];
    };
    readonly finish_reason: string | null;
  }[];
  readonly usage: Usage | null;
}

interface Chat {
  readonly choices: readonly {
    readonly message: {
      readonly content: string | null;
      readonly tool_calls?: readonly { readonly function: { readonly name: string; readonly arguments: string } }[];
    };
    readonly finish_reason: string;
  }[];
  readonly usage: Usage;
}

interface Health {
  readonly slots: number;
  readonly free: number;
  readonly waiting: number;
  readonly cancelled: number;
  readonly outputTokens: number;
}

const SLOTS = 2;
/** Answers that practically never end by themselves, so that limits and cancels are what ends them. */
const ENDLESS = ['--mean-tokens', '1000000', '--slots', String(SLOTS), '--queue', '1', '--context', '4096'];
const MESSAGES = [{ role: 'user', content: 'the water is good and the day is long' }];
const TOOLS = [
  {
    type: 'function',
    function: { name: 'get_time', parameters: { type: 'object', properties: { zone: { type: 'string' } } } },
  },
  {
    type: 'function',
    function: { name: 'add', parameters: { type: 'object', properties: { a: { type: 'integer' } } } },
  },
];

const skip = isEngineInstalled() ? false : `the engine is not installed: ${INSTALL_COMMAND}`;

// A skipped suite is not counted; this test makes the skip visible in the totals.
test('the engine is installed', { skip }, () => assert.ok(isEngineInstalled()));

describe('llama.cpp on a generated model', { skip }, () => {
  let engine: EngineProcess;
  before(async () => {
    engine = await startEngine(ENDLESS);
  });
  after(() => engine.stop());

  const post = (path: string, body: object, signal: AbortSignal | null = null): Promise<Response> =>
    fetch(`${engine.baseUrl}/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: engine.model, ...body }),
      signal,
    });
  async function chat(body: object): Promise<Chat> {
    const response = await post('chat/completions', { messages: MESSAGES, seed: 1, ...body });
    assert.equal(response.status, 200, await response.clone().text());
    return (await response.json()) as Chat;
  }
  async function chunks(body: object): Promise<Chunk[]> {
    const response = await post('chat/completions', { messages: MESSAGES, seed: 1, stream: true, ...body });
    const events = (await response.text()).split('\n\n').filter((event) => event !== '');
    assert.equal(events.pop(), 'data: [DONE]');
    return events.map((event) => JSON.parse(event.slice('data: '.length)) as Chunk);
  }
  const health = async (): Promise<Health> =>
    (await fetch(new URL('/health', engine.baseUrl))).json() as Promise<Health>;
  async function idle(): Promise<Health> {
    for (;;) {
      const seen = await health();
      if (seen.free === SLOTS) return seen;
      await sleep(5);
    }
  }

  test('models are listed, an unknown one is a 404', async () => {
    const listed = (await (await fetch(`${engine.baseUrl}/models`)).json()) as { data: { id: string }[] };
    assert.deepEqual(
      listed.data.map((model) => model.id),
      [engine.model],
    );
    const unknown = await post('chat/completions', { model: 'other', messages: MESSAGES });
    assert.equal(unknown.status, 404);
  });

  test('chat: words, exact counts, the same seed gives the same answer', async () => {
    const [first, again, other] = [
      await chat({ max_tokens: 12 }),
      await chat({ max_tokens: 12 }),
      await chat({ max_tokens: 12, seed: 2 }),
    ];
    assert.match(first.choices[0]?.message.content ?? '', /^[a-z ]+$/);
    assert.equal(first.choices[0]?.finish_reason, 'length');
    assert.equal(first.usage.completion_tokens, 12);
    assert.equal(again.choices[0]?.message.content, first.choices[0]?.message.content);
    assert.notEqual(other.choices[0]?.message.content, first.choices[0]?.message.content);
  });

  test('stream: the same text as the unary answer, usage in its own last chunk', async () => {
    const unary = await chat({ max_tokens: 12 });
    const seen = await chunks({ max_tokens: 12, stream_options: { include_usage: true } });
    const text = seen.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('');
    assert.equal(text, unary.choices[0]?.message.content);
    assert.deepEqual(seen.at(-1)?.choices, []);
    assert.equal(seen.at(-1)?.usage?.completion_tokens, 12);
    assert.equal(seen.filter((chunk) => chunk.usage !== null).length, 1);
  });

  test('a stop string ends the answer before it', async () => {
    const whole = (await chat({ max_tokens: 12 })).choices[0]?.message.content ?? '';
    const stop = whole.split(' ')[4] ?? '';
    const cut = await chat({ max_tokens: 12, stop });
    assert.equal(cut.choices[0]?.message.content, whole.slice(0, whole.indexOf(stop)));
    assert.equal(cut.choices[0]?.finish_reason, 'stop');
  });

  test('cached tokens: a repeated prompt is read but for its last token', async () => {
    const messages = [{ role: 'user', content: 'over and over the same water' }];
    const first = await chat({ messages, max_tokens: 2 });
    const again = await chat({ messages, max_tokens: 2 });
    assert.ok(first.usage.prompt_tokens_details.cached_tokens < first.usage.prompt_tokens - 1);
    assert.equal(again.usage.prompt_tokens_details.cached_tokens, again.usage.prompt_tokens - 1);
  });

  test('forced by grammar: a named tool, and a choice among tools', async () => {
    const named = await chat({ tools: TOOLS, tool_choice: { type: 'function', function: { name: 'add' } } });
    const call = named.choices[0]?.message.tool_calls?.[0];
    assert.equal(named.choices[0]?.finish_reason, 'tool_calls');
    assert.equal(call?.function.name, 'add');
    assert.equal(Number.isInteger((JSON.parse(call.function.arguments) as { a: unknown }).a), true);
    const seen = await chunks({ tools: TOOLS, tool_choice: 'required', seed: 5 });
    const calls = seen.flatMap((chunk) => chunk.choices[0]?.delta.tool_calls ?? []);
    assert.ok(calls[0]?.id?.startsWith('call_'));
    assert.ok(['get_time', 'add'].includes(calls[0]?.function.name ?? ''));
    JSON.parse(calls.map((part) => part.function.arguments).join(''));
    assert.equal(seen.at(-1)?.choices[0]?.finish_reason, 'tool_calls');
  });

  test('forced by grammar: JSON of a schema, JSON of any kind', async () => {
    const schema = {
      type: 'object',
      properties: {
        city: { type: 'string' },
        'the "unit"': { enum: ['°C', 'F'] },
        days: { type: 'array', items: { anyOf: [{ type: 'number' }, { type: 'null' }] }, minItems: 1 },
        deep: { $ref: '#/$defs/deep' },
      },
      $defs: { deep: { type: 'object', properties: { yes: { type: 'boolean' } } } },
    };
    for (const seed of [1, 2, 3]) {
      const answer = await chat({ seed, response_format: { type: 'json_schema', json_schema: { name: 'x', schema } } });
      const value = JSON.parse(answer.choices[0]?.message.content ?? '') as Record<string, unknown>;
      assert.deepEqual(Object.keys(value), ['city', 'the "unit"', 'days', 'deep']);
      assert.ok(['°C', 'F'].includes(String(value['the "unit"'])));
      assert.equal(typeof (value['deep'] as { yes: unknown }).yes, 'boolean');
      const any = await chat({ seed, response_format: { type: 'json_object' } });
      assert.equal(typeof JSON.parse(any.choices[0]?.message.content ?? ''), 'object');
    }
  });

  test('a schema that cannot be forced is a 400 that names the place', async () => {
    const schema = { type: 'object', properties: { a: { type: 'string', pattern: '^x' } } };
    const response_format = { type: 'json_schema', json_schema: { name: 'x', schema } };
    const response = await post('chat/completions', { messages: MESSAGES, response_format });
    const { error } = (await response.json()) as { error: { param: string } };
    assert.equal(response.status, 400);
    assert.equal(error.param, 'schema.a');
  });

  test('embeddings: unit vectors of the model, float and base64, shared words are nearer', async () => {
    const input = ['the water is good', 'the water was good', 'vefu kodafi lil numb'];
    const read = async (body: object): Promise<{ data: { embedding: never }[]; usage: { prompt_tokens: number } }> =>
      (await post('embeddings', body)).json() as never;
    const floats = await read({ input });
    const vectors = floats.data.map((one) => one.embedding as number[]);
    const [a = [], b = [], c = []] = vectors;
    const dot = (x: number[], y: number[]): number => x.reduce((sum, value, i) => sum + value * (y[i] ?? 0), 0);
    for (const vector of vectors) assert.ok(Math.abs(dot(vector, vector) - 1) < 1e-5);
    assert.ok(dot(a, b) > dot(a, c) + 0.05, `${dot(a, b)} against ${dot(a, c)}`);
    assert.ok(floats.usage.prompt_tokens > 10);
    const coded = await read({ input: input[0], encoding_format: 'base64' });
    const bytes = Buffer.from(coded.data[0]?.embedding ?? '', 'base64');
    assert.equal(bytes.length, a.length * 4);
    assert.ok(Math.abs(bytes.readFloatLE(0) - (a[0] ?? 0)) < 1e-6);
    const short = await read({ input: input[0], dimensions: 8 });
    assert.equal((short.data[0]?.embedding as number[] | undefined)?.length, 8);
  });

  test('a prompt beyond the context is a 400, broken JSON too', async () => {
    const long = await post('chat/completions', { messages: [{ role: 'user', content: 'zq'.repeat(4096) }] });
    assert.equal(long.status, 400);
    assert.equal(((await long.json()) as { error: { code: string } }).error.code, 'context_length_exceeded');
    const broken = await fetch(`${engine.baseUrl}/chat/completions`, { method: 'POST', body: '{' });
    assert.equal(broken.status, 400);
  });

  test('a client that leaves stops its own answer, and the slot is free again', async () => {
    const before = await idle();
    const leaving = new AbortController();
    const response = await post('chat/completions', { messages: MESSAGES, stream: true }, leaving.signal);
    await response.body?.getReader().read();
    leaving.abort();
    const freed = await idle();
    await sleep(50);
    const later = await health();
    assert.equal(freed.cancelled, before.cancelled + 1);
    assert.equal(later.outputTokens, freed.outputTokens, 'no token is made after the slot is free');
    assert.ok(freed.outputTokens - before.outputTokens < 3000, 'the 4,000 tokens of the context were not all made');
  });

  test('slots and queue are bounded: the call after them gets 429', async () => {
    await idle();
    const leaving = new AbortController();
    const open = (): Promise<Response> => post('chat/completions', { messages: MESSAGES }, leaving.signal);
    const held = Array.from({ length: SLOTS + 1 }, () => open().catch(() => null));
    while ((await health()).waiting === 0) await sleep(5);
    const refused = await open();
    assert.equal(refused.status, 429);
    assert.equal(refused.headers.get('retry-after'), '1');
    leaving.abort();
    await Promise.all(held);
    await idle();
  });
});

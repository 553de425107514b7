import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startGate, type GateProcess } from '../harness/gate-process.ts';
import { startUpstream, type ScriptedUpstream, type StreamPart, stream } from '../clients-rules/scripted-upstream.ts';
import { makeKey } from '../hostile/world.ts';
import { callIdOf, endOf, eventsOf, lastIdOf, openWith, type Reading } from './stream-client.ts';

const GRACE_MS = 600;
const world = {} as { gate: GateProcess; up: ScriptedUpstream; other: string };

before(async () => {
  world.up = await startUpstream();
  world.gate = await startGate({
    config: `
providers:
  chat: { kind: lab-chat, baseUrl: "${world.up.url}/v1" }
  messages: { kind: lab-messages, baseUrl: "${world.up.url}/v1" }
models:
  chat: { deployments: [{ provider: chat, model: up }] }
  crossed: { deployments: [{ provider: messages, model: up }] }
features: { chatty: { resume: true } }
prices: [{ provider: "*", model: "*", perMillion: { input: "1000", output: "2000" } }]
stream: { heartbeat: 300ms, resume: { grace: ${GRACE_MS}ms, keep: 2s, orphansPerKey: 2 } }
retry: { attempts: 1 }
`,
  });
  world.other = await makeKey({ gate: world.gate } as never, 'demo', {});
});
after(async () => {
  await world.gate?.stop();
  await world.up?.close();
});

const chunk = (content: string | null, finish: string | null = null): string =>
  `data: ${JSON.stringify({
    id: 'c',
    object: 'chat.completion.chunk',
    created: 1,
    model: 'up',
    choices: [{ index: 0, delta: content === null ? {} : { content }, finish_reason: finish }],
  })}\n\n`;
const USAGE = `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'up', choices: [], usage: { prompt_tokens: 10, completion_tokens: 20, total_tokens: 30 } })}\n\n`;
const WORDS = Array.from({ length: 20 }, (_, i) => `word${i} `);
const whole = (pauseMs: number): StreamPart[] => [
  ...WORDS.flatMap((word) => [chunk(word), pauseMs]),
  chunk(null, 'stop'),
  USAGE,
  'data: [DONE]\n\n',
];

const open = (method: string, path: string, headers: Record<string, string>, body?: object): Promise<Reading> =>
  openWith(world.gate, { method, path, headers, ...(body && { body }) });
const call = (headers: Record<string, string> = { 'x-headgate-resume': 'true' }, model = 'chat'): Promise<Reading> =>
  open('POST', '/v1/chat/completions', headers, {
    model,
    stream: true,
    stream_options: { include_usage: true },
    messages: [{ role: 'user', content: 'hi' }],
  });
const until = (reading: Reading, word: string): Promise<void> =>
  world.gate.until(word, () => reading.text().includes(word));

async function entryOf(id: string): Promise<any> {
  let entry: any = null;
  await world.gate.until('the entry', async () => {
    entry = await world.gate.admin('GET', `/calls/${id}`).catch(() => null);
    return entry !== null;
  });
  return entry;
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

describe('the terminal event', () => {
  test('says how a stream ended, with its last position, finish reason, usage and a hash of the text, in any dialect', async () => {
    for (const model of ['chat', 'crossed']) {
      world.up.answer(model === 'chat' ? stream(whole(0)) : stream(messagesStream()));
      const live = await call(undefined, model);
      await live.ended;
      const end = endOf(live.text());
      assert.equal(end.status, 'ok');
      assert.equal(end.finish, 'stop');
      assert.equal(end.last, lastIdOf(live.text()));
      assert.equal(end.textSha256, sha256(WORDS.join('')));
      assert.equal(end.usage.outputTokens, 20);
      const again = await open('GET', `/v1/streams/${callIdOf(live)}?end=event`, {});
      await again.ended;
      assert.deepEqual(endOf(again.text()), end, 'the same in both forms');
    }
  });

  test('comes as an event where it is asked for, on the call as well, and whoever has it asks for no more', async () => {
    world.up.answer(stream(whole(0)));
    const live = await call({ 'x-headgate-resume': 'true', 'x-headgate-end': 'event' });
    await live.ended;
    const [epoch, seq] = lastIdOf(live.text()).split('.');
    assert.match(live.text(), new RegExp(`id: ${epoch}\\.${seq}\nevent: headgate.end\ndata: .*\n\n$`));
    assert.doesNotMatch(live.text(), /: headgate-end/);
    const path = `/v1/streams/${callIdOf(live)}?end=event`;
    const done = await open('GET', path, { 'last-event-id': `${epoch}.${seq}` });
    await done.ended;
    assert.equal(done.response.statusCode, 204, 'a browser does not come back after this');
    const missed = await open('GET', path, { 'last-event-id': `${epoch}.${Number(seq) - 1}` });
    await missed.ended;
    assert.deepEqual(endOf(missed.text()), endOf(live.text()), 'an end that was lost alone comes again');
    assert.equal(eventsOf(missed.text()), '');
  });

  test('the usage is the provider’s, where the caller’s own events do not have it', async () => {
    world.up.answer(stream(whole(0)));
    const live = await open(
      'POST',
      '/v1/chat/completions',
      { 'x-headgate-resume': 'true' },
      {
        model: 'chat',
        stream: true,
        messages: [{ role: 'user', content: 'hi' }],
      },
    );
    await live.ended;
    assert.doesNotMatch(eventsOf(live.text()), /usage/);
    assert.equal(endOf(live.text()).usage.inputTokens, 10);
  });

  test('the hash covers the text alone: reasoning, refusals and arguments are none of it', async () => {
    const delta = (value: object): string =>
      `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'up', choices: [{ index: 0, delta: value, finish_reason: null }] })}\n\n`;
    const parts = [
      delta({ reasoning_content: 'let me see' }),
      delta({ content: 'Grüße ' }),
      delta({ content: '\ud83d' }),
      delta({ content: '\udc4b' }),
      delta({ refusal: 'no' }),
      delta({ tool_calls: [{ index: 0, id: 't', function: { name: 'f', arguments: '{}' } }] }),
      chunk(null, 'tool_calls'),
      'data: [DONE]\n\n',
    ];
    world.up.answer(stream(parts));
    const live = await call();
    await live.ended;
    assert.equal(endOf(live.text()).textSha256, sha256('Grüße 👋'));
    assert.equal(endOf(live.text()).finish, 'tool_calls');
  });
});

describe('a snapshot and what comes after it', () => {
  const snapshotIn = (text: string): any => JSON.parse(/event: headgate\.snapshot\ndata: (.*)/.exec(text)![1]!);

  test('joins a live stream in its middle: the text so far in one event, then the rest as it comes', async () => {
    world.up.answer(stream(whole(20)));
    const first = await call();
    await until(first, 'word9');
    const second = await open('GET', `/v1/streams/${callIdOf(first)}?snapshot=true`, {});
    assert.deepEqual(await Promise.all([first.ended, second.ended]), ['clean', 'clean']);
    const snapshot = snapshotIn(second.text());
    const rest = [...eventsOf(second.text()).matchAll(/"content":"(.*?)"/g)].map(([, word]) => word).join('');
    assert.ok(snapshot.choices[0].text.startsWith('word0 word1 '));
    assert.equal(snapshot.choices[0].text + rest, WORDS.join(''));
    assert.equal(sha256(snapshot.choices[0].text + rest), endOf(second.text()).textSha256);
    assert.equal(snapshot.model, 'up');
    assert.ok(first.text().endsWith(second.text().slice(second.text().indexOf('\n\n') + 2)));
  });

  test('at a position, with tools, reasoning, finish and usage; a browser that comes back gets no second one', async () => {
    const tool = (value: object): string =>
      `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'up', choices: [{ index: 0, delta: value, finish_reason: null }] })}\n\n`;
    world.up.answer(
      stream([
        tool({ reasoning_content: 'think ' }),
        tool({ reasoning_content: 'twice' }),
        tool({ content: 'One moment. ' }),
        tool({ tool_calls: [{ index: 0, id: 'call_1', function: { name: 'weather', arguments: '{"ci' } }] }),
        tool({ tool_calls: [{ index: 0, function: { arguments: 'ty":"Bern"}' } }] }),
        chunk(null, 'tool_calls'),
        USAGE,
        'data: [DONE]\n\n',
      ]),
    );
    const live = await call();
    await live.ended;
    const path = `/v1/streams/${callIdOf(live)}`;
    const whole = await open('GET', `${path}?snapshot=true`, {});
    await whole.ended;
    assert.equal(eventsOf(whole.text()), '');
    const [choice] = snapshotIn(whole.text()).choices;
    assert.deepEqual(choice, {
      index: 0,
      text: 'One moment. ',
      reasoning: 'think twice',
      refusal: '',
      tools: [{ id: 'call_1', name: 'weather', arguments: '{"city":"Bern"}', custom: false }],
      finish: 'tool_calls',
    });
    assert.equal(snapshotIn(whole.text()).usage.outputTokens, 20);
    const ids = [...live.text().matchAll(/^id: (.+)$/gm)].map(([, id]) => id!);
    const part = await open('GET', `${path}?snapshot=true&starting_after=${ids[3]}`, {});
    await part.ended;
    assert.equal(snapshotIn(part.text()).at, ids[3]);
    assert.equal(snapshotIn(part.text()).choices[0].tools[0].arguments, '{"ci');
    assert.ok(live.text().endsWith(part.text().slice(part.text().indexOf('\n\n') + 2)));
    const back = await open('GET', `${path}?snapshot=true`, { 'last-event-id': ids[3]! });
    await back.ended;
    assert.doesNotMatch(back.text(), /headgate\.snapshot/);
    assert.ok(live.text().endsWith(back.text()));
  });
});

describe('resume over SSE', () => {
  test('a reader that lost its connection goes on behind its last event: no token twice, none missing', async () => {
    const before = world.up.seen.length;
    world.up.answer(stream(whole(20)));
    const first = await call();
    await until(first, 'word5');
    first.leave();
    await sleep(100);
    const id = callIdOf(first);
    const second = await open('GET', `/v1/streams/${id}`, { 'last-event-id': lastIdOf(first.text()) });
    assert.equal(await second.ended, 'clean');
    const parts = whole(0).filter((part) => typeof part === 'string');
    assert.equal(eventsOf(first.text()) + eventsOf(second.text()), parts.join(''));
    assert.match(second.text(), /: headgate-end \{"status":"ok","events":23,/);
    const entry = await entryOf(id);
    assert.equal(entry.status, 'ok');
    assert.equal(entry.resumes, 1);
    assert.equal(entry.usage.outputTokens, 20);
    assert.equal(world.up.seen.length - before, 1, 'one generation');
  });

  test('live and read again are equal byte for byte, from any position, by header or query, in a foreign dialect too', async () => {
    for (const model of ['chat', 'crossed']) {
      world.up.answer(model === 'chat' ? stream(whole(1)) : stream(messagesStream()));
      const live = await call(undefined, model);
      assert.equal(await live.ended, 'clean');
      const id = callIdOf(live);
      const again = await open('GET', `/v1/streams/${id}`, {});
      await again.ended;
      assert.equal(again.text(), live.text());
      const middle = [...live.text().matchAll(/^id: (.+)$/gm)][2]![1]!;
      const rest = await open('GET', `/v1/streams/${id}?starting_after=${middle}`, {});
      await rest.ended;
      assert.ok(live.text().endsWith(rest.text()) && rest.text().length < live.text().length);
      assert.ok(!rest.text().includes(`id: ${middle}\n`));
    }
  });

  test('a gate that stops does not wait out the grace of a stream that nobody can read any more', async () => {
    const gate = await startGate({
      config: `
providers: { chat: { kind: lab-chat, baseUrl: "${world.up.url}/v1" } }
models: { chat: { deployments: [{ provider: chat, model: up }] } }
stream: { resume: { grace: 10m } }
`,
    });
    world.up.answer(stream([chunk('one '), 4_000]));
    const reading = await openWith(gate, {
      ...{ method: 'POST', path: '/v1/chat/completions', headers: { 'x-headgate-resume': 'true' } },
      body: { model: 'chat', stream: true, messages: [{ role: 'user', content: 'hi' }] },
    });
    await gate.until('the first event', () => reading.text().includes('one'));
    reading.leave();
    const seen = world.up.seen.at(-1)!;
    await gate.until('nobody reads', async () => (await gate.admin('GET', '/streams')).streams[0].readers === 0);
    assert.equal(seen.closedAtMs, null, 'it goes on for whoever comes back');
    assert.equal(await gate.stop(), 0);
    assert.notEqual(seen.closedAtMs, null, 'the provider was told');
  });

  test('nobody comes back: upstream is cancelled when the grace is over, and the entry says abandoned', async () => {
    world.up.answer(stream([chunk('one '), 10_000]));
    const reading = await call();
    await until(reading, 'one');
    const left = performance.now();
    reading.leave();
    const entry = await entryOf(callIdOf(reading));
    assert.equal(entry.status, 'cancelled');
    assert.equal(entry.errorCode, 'abandoned');
    const seen = world.up.seen.at(-1)!;
    assert.ok(seen.closedAtMs! - left >= GRACE_MS - 20, 'not before the grace was over');
    assert.ok(seen.closedAtMs! - left < GRACE_MS + 1_500);
  });

  test('without the wish to resume a disconnect cancels at once, and there is no log', async () => {
    world.up.answer(stream([chunk('one '), 10_000]));
    const reading = await call({ 'x-headgate-resume': 'false' });
    await until(reading, 'one');
    assert.doesNotMatch(reading.text(), /^id:/m);
    reading.leave();
    const entry = await entryOf(callIdOf(reading));
    assert.equal(entry.errorCode, 'client_closed');
    const gone = await open('GET', `/v1/streams/${callIdOf(reading)}`, {});
    await gone.ended;
    assert.equal(gone.response.statusCode, 410);
  });

  test('cancel works from another connection, after a resume too, and twice', async () => {
    world.up.answer(stream([chunk('one '), 10_000]));
    const first = await call();
    await until(first, 'one');
    const id = callIdOf(first);
    const second = await open('GET', `/v1/streams/${id}`, {});
    await until(second, 'one');
    const asked = performance.now();
    const cancelled = await open('POST', `/v1/streams/${id}/cancel`, {});
    assert.equal(cancelled.response.statusCode, 200);
    assert.deepEqual(await Promise.all([first.ended, second.ended]), ['broken', 'broken']);
    const entry = await entryOf(id);
    assert.equal(entry.errorCode, 'client_cancelled');
    assert.ok(world.up.seen.at(-1)!.closedAtMs! - asked < 500);
    const again = await open('POST', `/v1/streams/${id}/cancel`, {});
    await again.ended;
    assert.equal(JSON.parse(again.text()).status, 'cancelled');
  });

  test('a feature may ask for it, and a call may decline', async () => {
    world.up.answer(stream(whole(0)));
    const asked = await call({ 'x-headgate-feature': 'chatty' });
    await asked.ended;
    assert.match(asked.text(), /^id: /m);
    const declined = await call({ 'x-headgate-feature': 'chatty', 'x-headgate-resume': 'false' });
    await declined.ended;
    assert.doesNotMatch(declined.text(), /^id: /m);
  });

  test('a stream that broke upstream ends as truncated for whoever reads it', async () => {
    world.up.answer(stream([chunk('one '), 50, 'cut']));
    const live = await call();
    assert.equal(await live.ended, 'broken');
    assert.match(live.text(), /stream_truncated/);
    const again = await open('GET', `/v1/streams/${callIdOf(live)}`, {});
    assert.equal(await again.ended, 'broken');
    assert.match(again.text(), /: headgate-end \{"status":"truncated"/);
    assert.equal(eventsOf(again.text()), eventsOf(live.text()));
  });

  test('only the key that made it reads it; what is wrong is said', async () => {
    world.up.answer(stream(whole(0)));
    const live = await call();
    await live.ended;
    const id = callIdOf(live);
    const status = async (method: string, path: string, headers: Record<string, string> = {}): Promise<number> => {
      const reading = await open(method, path, headers);
      await reading.ended;
      return reading.response.statusCode!;
    };
    assert.equal(await status('GET', `/v1/streams/${id}`, { authorization: `Bearer ${world.other}` }), 404);
    assert.equal(await status('POST', `/v1/streams/${id}/cancel`, { authorization: `Bearer ${world.other}` }), 404);
    assert.equal(await status('GET', `/v1/streams/${id}`, { authorization: 'Bearer nobody' }), 401);
    assert.equal(await status('GET', '/v1/streams/call_00000000000000000000000000'), 404);
    assert.equal(await status('GET', '/v1/streams/..%2fadmin'), 404);
    assert.equal(await status('DELETE', `/v1/streams/${id}`), 405);
    const [epoch] = lastIdOf(live.text()).split('.');
    assert.equal(await status('GET', `/v1/streams/${id}`, { 'last-event-id': `${epoch}.999` }), 400);
    assert.equal(await status('GET', `/v1/streams/${id}`, { 'last-event-id': 'nonsense' }), 400);
    assert.equal(await status('GET', `/v1/streams/${id}`, { 'last-event-id': '0000000000.1' }), 410);
    await sleep(2_500 + 5_000);
    assert.equal(await status('GET', `/v1/streams/${id}`), 410, 'the log is kept for its time and no longer');
  });

  test('a failure before any content is an ordinary answer, and no stream', async () => {
    world.up.answer((response) => void response.writeHead(429, { 'content-type': 'application/json' }).end('{}'));
    const reading = await call();
    await reading.ended;
    assert.equal(reading.response.statusCode, 429);
    await entryOf(callIdOf(reading));
    const gone = await open('GET', `/v1/streams/${callIdOf(reading)}`, {});
    await gone.ended;
    assert.equal(gone.response.statusCode, 410);
  });

  test('readers get signs of life in the silence before and between tokens', async () => {
    world.up.answer(stream([1_000, chunk('one '), 800, chunk(null, 'stop'), 'data: [DONE]\n\n']));
    for (const headers of [{ 'x-headgate-resume': 'true' }, {}]) {
      const reading = await call(headers);
      await reading.ended;
      const [before, between] = reading.text().split('one ');
      assert.ok((before!.match(/^: ping$/gm) ?? []).length >= 1, 'before the first token');
      assert.ok((between!.match(/^: ping$/gm) ?? []).length >= 1, 'between tokens');
    }
  });
});

function messagesStream(): StreamPart[] {
  const event = (type: string, more: object): string =>
    `event: ${type}\ndata: ${JSON.stringify({ type, ...more })}\n\n`;
  return [
    event('message_start', {
      message: {
        id: 'm',
        type: 'message',
        role: 'assistant',
        model: 'up',
        content: [],
        stop_reason: null,
        usage: { input_tokens: 10, output_tokens: 1 },
      },
    }),
    event('content_block_start', { index: 0, content_block: { type: 'text', text: '' } }),
    ...WORDS.map((text) => event('content_block_delta', { index: 0, delta: { type: 'text_delta', text } })),
    event('content_block_stop', { index: 0 }),
    event('message_delta', { delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 20 } }),
    event('message_stop', {}),
  ];
}

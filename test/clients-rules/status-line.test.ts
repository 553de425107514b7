import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { call, inRulesWorld, newestEntry } from './rules-world.ts';
import { EVENTS, json, stream, type StreamPath } from './scripted-upstream.ts';

const PATHS = Object.keys(EVENTS) as StreamPath[];
const whole = (path: StreamPath): string[] => {
  const { start, text, finish, usage, end } = EVENTS[path];
  return [start, text, finish, usage, end];
};

describe('the status line waits for the first content (clients.md 12, 13)', () => {
  // A provider that says when to come again is asked in turns: whose turn is far off is a rule of its own.
  const world = inRulesWorld({ more: 'fairness: { enabled: false }' });

  for (const path of PATHS) {
    const { start, text, error } = EVENTS[path];

    test(`${path}: an error event before content reaches the client as a real status`, async () => {
      world.first.answer(stream([start, error]));
      const answer = await call(world, path, { model: 'm', stream: true });
      assert.ok(answer.status >= 500, `${answer.status}`);
      assert.equal(answer.headers['x-headgate-error-source'], 'provider');
      assert.match(answer.headers['content-type']!, /json/);
      assert.match(answer.body.toString(), /overloaded/i);
    });

    test(`${path}: an early failure goes to the next deployment, and the client sees only that one`, async () => {
      for (const script of [stream([start, error]), stream([start, 'cut']), stream([start]), json('{}', 529)]) {
        world.first.answer(script);
        world.second.answer(stream(whole(path)));
        const answer = await call(world, path, { model: 'pair', stream: true });
        assert.equal(answer.status, 200);
        assert.equal(answer.end, 'whole');
        assert.equal(answer.body.toString(), withoutUsage(path, whole(path)).join(''));
        const entry = await newestEntry(world, answer.headers['x-headgate-call-id']!);
        assert.equal(entry.attempts.length, 2);
      }
    });

    test(`${path}: after a heartbeat of silence the headers go out, and a later failure comes in band`, async () => {
      world.first.answer(stream([start, 700, error]));
      const answer = await call(world, path, { model: 'm', stream: true });
      assert.equal(answer.status, 200);
      assert.match(answer.headers['content-type']!, /event-stream/);
      assert.match(answer.body.toString(), /overloaded/i);
      assert.equal(answer.end, 'closed', 'no proper end');
    });

    for (const [name, parts] of [
      ['a cut', [start, text, 'cut']],
      ['a clean end without the terminal event', [start, text]],
      ['half an event', [start, text, text.slice(0, 40), 'cut']],
      ['a clean end within an event', [start, text, text.slice(0, 40)]],
      ['an error event', [start, text, error]],
    ] as [string, (string | 'cut')[]][]) {
      test(`${path}: ${name} after content is told in band, and the connection is broken`, async () => {
        world.first.answer(stream(parts));
        const answer = await call(world, path, { model: 'm', stream: true });
        const body = answer.body.toString();
        assert.equal(answer.status, 200);
        assert.ok(body.startsWith(start + text), body);
        assert.match(body, /error/);
        assert.doesNotMatch(body, /\[DONE\]|message_stop|response\.completed/);
        assert.equal(answer.end, 'closed', 'an end that no client takes for a whole answer');
        const last = body.trimEnd().split('\n').at(-1)!;
        assert.doesNotThrow(() => JSON.parse(last.replace(/^data: /, '')), `the last event is whole: ${last}`);
      });
    }

    test(`${path}: a whole stream passes byte for byte`, async () => {
      world.first.answer(stream(whole(path)));
      const options = path === '/v1/chat/completions' ? { stream_options: { include_usage: true } } : {};
      const answer = await call(world, path, { model: 'm', stream: true, ...options });
      assert.deepEqual([answer.status, answer.end], [200, 'whole']);
      assert.equal(answer.body.toString(), whole(path).join(''));
    });
  }

  test('429 and 529 with retry-after reach the client with their status and waits', async () => {
    for (const status of [429, 529]) {
      world.first.answer(
        json('{"error":{"message":"slow down"}}', status, { 'retry-after': '7', 'retry-after-ms': '6500' }),
      );
      for (const stream of [false, true]) {
        const answer = await call(world, '/v1/chat/completions', { model: 'm', stream });
        assert.equal(answer.status, status);
        assert.equal(answer.headers['retry-after'], '7');
        assert.equal(answer.headers['retry-after-ms'], '6500');
      }
    }
  });
});

/** The usage chunk is withheld from a chat client that did not ask for it. */
function withoutUsage(path: StreamPath, events: readonly string[]): string[] {
  return events.filter((event) => path !== '/v1/chat/completions' || event !== EVENTS[path].usage);
}

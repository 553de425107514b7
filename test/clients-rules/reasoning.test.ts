import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { inRulesWorld, newestEntry } from './rules-world.ts';
import { json, type Script } from './scripted-upstream.ts';

const world = inRulesWorld();

const ANSWER = JSON.stringify({
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  model: 'up',
  content: [{ type: 'text', text: 'hi' }],
  stop_reason: 'end_turn',
  usage: { input_tokens: 3000, cache_creation_input_tokens: 2000, output_tokens: 2 },
});
const RESPONSE = JSON.stringify({
  id: 'resp_1',
  object: 'response',
  created_at: 1,
  status: 'completed',
  model: 'up',
  output: [{ type: 'message', id: 'm', role: 'assistant', status: 'completed', content: [] }],
  usage: { input_tokens: 10, output_tokens: 1, total_tokens: 11 },
});
/** The words in which each API refuses what it did not sign. */
const REFUSED = JSON.stringify({
  type: 'error',
  error: {
    type: 'invalid_request_error',
    message: 'messages.1.content.0: Invalid `signature` in `thinking` block',
  },
});
const UNREADABLE = JSON.stringify({
  error: {
    message: 'The encrypted content for item rs_1 could not be verified.',
    type: 'invalid_request_error',
    code: 'invalid_encrypted_content',
  },
});

const signs =
  (word: string, answer: string, refusal: string): Script =>
  (response, seen) =>
    json(seen.body.includes(word) ? refusal : answer, seen.body.includes(word) ? 400 : 200)(response, seen);

const THOUGHT = { type: 'thinking', thinking: 'Weigh it.', signature: 'sig-of-first' };
const asked = (content: unknown[]) => ({
  max_tokens: 100,
  system: 'Be brief.',
  messages: [
    { role: 'user', content: 'Question of the day?' },
    { role: 'assistant', content },
    { role: 'user', content: 'And now?' },
  ],
});

async function post(path: string, body: object, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(world.gate.url + path, {
    method: 'POST',
    headers: { authorization: `Bearer ${world.gate.key}`, 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
}
const bodyOf = (seen: { body: Buffer } | undefined): any => JSON.parse(seen!.body.toString());

describe('signed reasoning (clients.md 8)', () => {
  test('a refusal of a signature is repaired by one retry without the signed blocks', async () => {
    world.first.answer(signs('sig-of-first', ANSWER, REFUSED));
    const before = world.first.seen.length;
    const answer = await post('/v1/messages', { model: 'm', ...asked([THOUGHT, { type: 'text', text: 'Yes.' }]) });
    assert.equal(answer.status, 200);
    assert.match(answer.headers.get('x-headgate-dropped')!, /messages\.thinking/);
    const [one, two, ...more] = world.first.seen.slice(before);
    assert.equal(more.length, 0);
    assert.deepEqual(bodyOf(one).messages[1].content[0], THOUGHT, 'the first try has every block');
    assert.deepEqual(bodyOf(two).messages[1].content, [{ type: 'text', text: 'Yes.' }]);
    const entry = await newestEntry(world, answer.headers.get('x-headgate-call-id')!);
    assert.deepEqual(
      entry.attempts.map(({ httpStatus }: { httpStatus: number }) => httpStatus),
      [400, 200],
    );
  });

  test('in the middle of a tool loop thinking goes off with it, and the rule that clears it', async () => {
    world.first.answer(signs('sig-of-first', ANSWER, REFUSED));
    const body = {
      model: 'm',
      max_tokens: 5000,
      thinking: { type: 'enabled', budget_tokens: 1024 },
      context_management: { edits: [{ type: 'clear_thinking_20251015' }, { type: 'clear_tool_uses_20250919' }] },
      tools: [{ name: 'look', input_schema: { type: 'object' } }],
      messages: [
        { role: 'user', content: 'Look.' },
        { role: 'assistant', content: [THOUGHT, { type: 'tool_use', id: 't1', name: 'look', input: {} }] },
        { role: 'user', content: [{ type: 'tool_result', tool_use_id: 't1', content: 'a wall' }] },
      ],
    };
    const answer = await post('/v1/messages', body);
    assert.equal(answer.status, 200);
    const sent = bodyOf(world.first.seen.at(-1));
    assert.equal(sent.thinking, undefined);
    assert.deepEqual(sent.context_management, { edits: [{ type: 'clear_tool_uses_20250919' }] });
    assert.equal(sent.messages[1].content.length, 1);
    assert.match(answer.headers.get('x-headgate-dropped')!, /thinking, .*context_management\.edits/);
  });

  test('encrypted items that the account cannot read are left out once', async () => {
    world.first.answer(signs('of-another-account', RESPONSE, UNREADABLE));
    const reasoning = { type: 'reasoning', id: 'rs_1', summary: [], encrypted_content: 'of-another-account' };
    const answer = await post('/v1/responses', {
      model: 'm',
      input: [
        { role: 'user', content: 'a' },
        reasoning,
        { role: 'assistant', content: 'b' },
        { role: 'user', content: 'c' },
      ],
    });
    assert.equal(answer.status, 200);
    assert.equal(bodyOf(world.first.seen.at(-1)).input.length, 3);
  });

  test('so is a body that another thread decodes', async () => {
    world.first.answer(signs('sig-of-first', ANSWER, REFUSED));
    const padding = { type: 'text', text: 'Long. '.repeat(60_000) };
    const answer = await post('/v1/messages', { model: 'm', ...asked([THOUGHT, padding]) });
    assert.equal(answer.status, 200);
    assert.deepEqual(bodyOf(world.first.seen.at(-1)).messages[1].content, [padding]);
  });

  test('another 400 is the caller’s and passes at once, in the provider’s words', async () => {
    const own = JSON.stringify({
      type: 'error',
      error: { type: 'invalid_request_error', message: 'max_tokens: too large' },
    });
    world.first.answer(json(own, 400));
    const before = world.first.seen.length;
    const answer = await post('/v1/messages', { model: 'm', ...asked([THOUGHT]) });
    assert.equal(answer.status, 400);
    assert.equal(await answer.text(), own);
    assert.equal(world.first.seen.length, before + 1);
  });

  test('a refusal that the repair does not mend is told as it came', async () => {
    world.first.answer(json(REFUSED, 400));
    const before = world.first.seen.length;
    const answer = await post('/v1/messages', { model: 'm', ...asked([THOUGHT, { type: 'text', text: 'x' }]) });
    assert.equal(answer.status, 400);
    assert.equal(await answer.text(), REFUSED);
    assert.equal(world.first.seen.length, before + 2);
  });

  test('a conversation that moved to another family goes there without the blocks, at the first try', async () => {
    const headers = { 'x-claude-code-session-id': 'thinking-session' };
    world.first.answer(json(ANSWER));
    world.second.answer(signs('sig-of-first', ANSWER, REFUSED));
    assert.equal((await post('/v1/messages', { model: 'pair', ...asked([]) }, headers)).status, 200);
    world.first.answer(json('{}', 529));
    const [first, second] = [world.first.seen.length, world.second.seen.length];
    const body = { model: 'pair', ...asked([THOUGHT, { type: 'text', text: 'Yes.' }]) };
    const answer = await post('/v1/messages', body, headers);
    assert.equal(answer.status, 200);
    assert.deepEqual(bodyOf(world.first.seen[first]).messages[1].content[0], THOUGHT, 'its own family gets them');
    assert.deepEqual(
      world.second.seen.slice(second).map((seen) => bodyOf(seen).messages[1].content),
      [[{ type: 'text', text: 'Yes.' }]],
    );
  });
});

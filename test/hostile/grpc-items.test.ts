import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { create, toBinary, toJsonString } from '@bufbuild/protobuf';
import { GenerateRequestSchema } from '#wire/grpc/headgate-messages.ts';
import { MOST_ITEMS } from '#gateway/grpc/items.ts';
import { inWorld } from './world.ts';

const MB = 1024 * 1024;
/** Field 2 (`messages`, `inputs`), length 0. */
const EMPTY_FIELD = Buffer.from([0x12, 0]);

describe('messages of gRPC that are nothing but items', () => {
  const world = inWorld();

  const call = (method: string, type: string, body: Uint8Array): Promise<Response> =>
    fetch(`${world.gate.url}/headgate.v1.Headgate/${method}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${world.gate.key}`, 'content-type': type },
      body: body as Uint8Array<ArrayBuffer>,
    });

  /** The longest that another client waited meanwhile, in milliseconds. */
  async function longestWait(work: Promise<unknown>): Promise<number> {
    let [longest, over] = [0, false];
    const end = work.then(() => (over = true));
    while (!over) {
      const at = performance.now();
      await fetch(world.gate.url, { method: 'HEAD' });
      longest = Math.max(longest, performance.now() - at);
    }
    await end;
    return longest;
  }

  const cases: readonly (readonly [string, string, string, Uint8Array])[] = [
    ['16 MB of empty messages', 'Generate', 'application/proto', Buffer.alloc(16 * MB, EMPTY_FIELD)],
    ['16 MB of empty texts', 'Embed', 'application/proto', Buffer.alloc(16 * MB, EMPTY_FIELD)],
    ['values within a struct', 'Generate', 'application/proto', nested(300_000)],
    [
      '15 MB of empty messages as JSON',
      'Generate',
      'application/json',
      Buffer.from(`{"messages":[${'{},'.repeat(5_000_000)}{}]}`),
    ],
  ];
  for (const [name, method, type, body] of cases)
    test(`${name} are refused before they are read, and hold nobody`, async () => {
      const answer = call(method, type, body);
      const longest = await longestWait(answer);
      const response = await answer;
      const text = await response.text();
      assert.equal(response.status, 400, text);
      assert.match(text, new RegExp(`more than ${MOST_ITEMS} fields`));
      assert.ok(longest < 1_000, `somebody else waited ${Math.round(longest)} ms`);
    });

  test('large messages of few items pass, with commas and quotes in their texts', async () => {
    const text = `${'a,[{"\\'.repeat(200_000)}`;
    const message = create(GenerateRequestSchema, {
      model: 'm',
      messages: [{ role: 'user', parts: [{ kind: { case: 'text', value: text } }] }],
      tools: [{ name: 'f', parameters: { type: 'object', properties: { a: { enum: ['x', 1, null, true] } } } }],
    });
    const forms = [
      ['application/proto', toBinary(GenerateRequestSchema, message)],
      ['application/json', Buffer.from(toJsonString(GenerateRequestSchema, message))],
    ] as const;
    for (const [type, bytes] of forms) {
      const response = await call('Generate', type, bytes);
      assert.equal(response.status, 200, await response.text());
    }
  });

  test('lengths that lie are no message', async () => {
    for (const bytes of [[0x12, 0x7f], [0x12], [0x12, 0xff, 0xff, 0xff, 0xff, 0x0f], [0x7a, 2, 0x0a, 9], [0x0b]]) {
      const response = await call('Generate', 'application/proto', Uint8Array.from(bytes));
      assert.equal(response.status, 400);
      assert.match(await response.text(), /is no headgate\.v1\.GenerateRequest/);
    }
  });
});

/** `extra` with one list of so many nulls. */
function nested(count: number): Uint8Array {
  return toBinary(
    GenerateRequestSchema,
    create(GenerateRequestSchema, { model: 'm', extra: { list: Array<null>(count).fill(null) } }),
  );
}

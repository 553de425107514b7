import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseStrict } from '#wire/json/strict.ts';
import type { BodyChanges } from '#wire/dialect.ts';
import { joined } from './body.ts';
import { DIALECTS } from './dialects.ts';
import { patchLarge } from './patch-large.ts';

const strict = (text: string) => {
  const parsed = parseStrict(Buffer.from(text));
  assert.ok(parsed.ok);
  return parsed.value;
};
const big = (letter: string): string => `"${letter.repeat(600_000)} \\u0000 é"`;

describe('patchLarge', () => {
  const messages = `[{"role":"user","content":${big('a')}}]`;
  const bodies = [
    `{"model":"m","messages":${messages}}`,
    `{"messages":${messages},"model":"m"}`,
    ` { "user":${big('u')} ,\n"messages": ${messages} , "model" : "m","stream":true,"stream_options":{"x":1}, "z":${big('z')} } `,
    `{"model":"m","mod":1,"messages":${messages},"metadata":{"a":${big('m')}},"n":1}`,
  ];
  const changes: BodyChanges[] = [
    { model: 'another' },
    { model: 'm' },
    { includeUsage: true, maxOutputTokens: 7 },
    { model: 'x', drop: ['user'] },
    { drop: ['metadata', 'z', 'n'] },
    { drop: ['user', 'z'], maxOutputTokens: 9 },
  ];

  test('makes the bytes that the dialect’s own patch makes', async () => {
    for (const name of ['openai-chat', 'openai-responses', 'anthropic-messages', 'openai-embeddings'] as const)
      for (const text of bodies)
        for (const change of changes) {
          const body = strict(text);
          const wanted = Buffer.from(DIALECTS[name].patch(body, change));
          const got = Buffer.from(await patchLarge(DIALECTS[name], body, change));
          assert.ok(wanted.equals(got), `${name} ${JSON.stringify(change)} ${text.slice(0, 30)}`);
        }
  });

  test('joins pieces of any size in order', async () => {
    const pieces = [0, 1, 300_000, 262_144, 5, 1_000_000].map((size, i) => Buffer.alloc(size, i + 1));
    assert.ok(Buffer.concat(pieces).equals(await joined(pieces)));
    assert.equal((await joined([])).length, 0);
  });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { anthropicMessages } from '#wire/anthropic-messages/index.ts';
import { openaiChat } from '#wire/openai-chat/index.ts';
import { assemble } from './assemble.ts';
import { luhn, redactJson, redactText, WITHHELD } from './redact.ts';

const chars = (alphabet: string, min: number, max: number) =>
  fc.array(fc.constantFrom(...alphabet), { minLength: min, maxLength: max }).map((all) => all.join(''));
const ALNUM = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

const card = chars('0123456789', 15, 15).map((body) => {
  const digit = [...'0123456789'].find((last) => luhn(body + last))!;
  return body + digit;
});
/** Secrets in the forms that the redaction promises to find. */
const secret = fc.oneof(
  chars(ALNUM, 20, 60).map((text) => `sk-proj-${text}`),
  chars(ALNUM, 20, 60).map((text) => `sk-ant-api03-${text}`),
  chars(ALNUM, 30, 40).map((text) => `hg_${text}`),
  chars(ALNUM, 36, 36).map((text) => `ghp_${text}`),
  chars('ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789', 16, 16).map((text) => `AKIA${text}`),
  chars(ALNUM, 35, 35).map((text) => `AIza${text}`),
  fc.tuple(chars(ALNUM, 12, 30), chars(ALNUM, 12, 60), chars(ALNUM, 12, 40)).map((parts) => `eyJ${parts.join('.')}`),
  fc.tuple(chars('abcdefgh', 3, 12), chars('abcdefgh', 3, 12)).map(([name, host]) => `${name}@${host}.example.com`),
  card,
  card.map((digits) => digits.replace(/(\d{4})(?=\d)/g, '$1 ')),
);
/** What stands beside it: prose, quotes, line ends, emoji; nothing that would make it part of a longer word. */
const around = fc.oneof(
  fc.constantFrom('', ' ', '\n', '"', "'", '(', ') ', ': ', ', ', '🙂 ', '\t', '\\ ', 'see '),
  fc.lorem().map((text) => `${text} `),
);
const text = fc.tuple(around, secret, around).map(([before, found, after]) => ({
  found,
  text: `${before.replace(/[\w@.%+-]$/, '$& ')}${found}${after === '' ? '' : ` ${after}`}`,
}));

test('no secret survives in a text', () => {
  fc.assert(
    fc.property(text, ({ found, text: whole }) => {
      assert.ok(!redactText(whole).includes(found), whole);
    }),
    { numRuns: 2_000 },
  );
});

test('no secret survives in JSON, however it is escaped', () => {
  const escaped = (value: string): string =>
    JSON.stringify(value).replace(/[a-z]/g, (char, at: number) =>
      at % 3 === 0 ? `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}` : char,
    );
  fc.assert(
    fc.property(text, fc.boolean(), ({ found, text: whole }, odd) => {
      const body = `{"messages": [{"role":"user","content":${odd ? escaped(whole) : JSON.stringify(whole)}}], "n": 1.0e2}`;
      const out = redactJson(body);
      const [{ content }] = (JSON.parse(out) as { messages: [{ content: string }] }).messages;
      assert.ok(!content.includes(found) && !out.includes(found), out);
      assert.match(out, /"n": 1\.0e2}$/, 'the rest stays byte for byte');
    }),
    { numRuns: 1_000 },
  );
});

test('no secret survives a split: wherever a stream cuts it, it is found', () => {
  const delta = (content: string): string =>
    `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content } }] })}\n\n`;
  const block = (text: string): string =>
    `event: content_block_delta\ndata: ${JSON.stringify({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text } })}\n\n`;
  fc.assert(
    fc.property(text, fc.array(fc.nat(200), { maxLength: 12 }), fc.boolean(), ({ found, text: whole }, at, chat) => {
      const cuts = [0, ...at.map((one) => one % (whole.length + 1)).sort((a, b) => a - b), whole.length];
      const pieces = cuts.slice(1).map((to, i) => whole.slice(cuts[i], to));
      const stream = chat
        ? pieces.map(delta).join('') + 'data: [DONE]\n\n'
        : `event: message_start\ndata: {"type":"message_start","message":{"id":"m","type":"message","role":"assistant","model":"m","content":[],"stop_reason":null,"usage":{"input_tokens":1,"output_tokens":1}}}\n\n` +
          `event: content_block_start\ndata: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}\n\n` +
          pieces.map(block).join('') +
          'event: message_stop\ndata: {"type":"message_stop"}\n\n';
      const { blocks } = assemble(Buffer.from(stream), chat ? openaiChat : anthropicMessages);
      assert.equal(blocks.map((one) => one.text).join(''), whole, 'the whole text is there');
      for (const one of blocks) assert.ok(!redactJson(one.text).includes(found), one.text);
    }),
    { numRuns: 1_000 },
  );
});

test('what is no secret stays: prose, code, ids, dates, numbers', () => {
  for (const kept of [
    'The risk-assessment-of-long-term-storage was fine.',
    'commit 3f786850e387550fdab836ed7e6dc881de23001b',
    'id 018f3c1e-7a5b-7c3d-9e2f-1a2b3c4d5e6f at 2026-11-25T03:00:00.000Z',
    'call_01M8AF5NV8DEHQX73N9SNA6SH7',
    'phone 0123 456 789, order 4111 1111 1111 1112',
    'const total = items.reduce((sum, item) => sum + item.price, 0);',
    '/usr/local/lib/node_modules/some-package/dist/index.js',
  ])
    assert.equal(redactText(kept), kept);
});

test('passwords beside their names, in addresses and in headers', () => {
  for (const [given, wanted] of [
    ['password: hunter22!', 'password: [secret]'],
    ['"api_key": "abcdef123456"', '"api_key": "[secret]"'],
    ['postgres://app:s3cretPass@db/main', 'postgres://app:[secret]@db/main'],
    ['Authorization: Bearer abcdefghijklmnopqrstuvwx', 'Authorization: Bearer [secret]'],
    ['-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----', '[secret]'],
  ] as const)
    assert.equal(redactText(given), wanted);
});

test('odd JSON is redacted all the same: cut within a string, with a raw control character, no JSON at all', () => {
  const found = 'sk-proj-Ab3dEfGh1jKlMn0pQrStUv';
  for (const body of [
    `{"a": "text ${found}`,
    `{"a": "tab\there ${found}"}`,
    `plain ${found} text`,
    `{"a": "\\q ${found}"}`,
  ])
    assert.ok(!redactJson(body).includes(found), body);
  assert.equal(redactJson('{"card": 4111111111111111, "n": 12}'), '{"card": "[card]", "n": 12}');
});

test('a rule that fails withholds the whole text', () => {
  const own = () => {
    throw new Error('too long');
  };
  assert.equal(redactText('anything', own), WITHHELD);
});

test('long texts of every kind take time that grows with their length alone', () => {
  const worst = [
    'a',
    '-',
    '@',
    '.',
    '1 ',
    'eyJ',
    'sk-',
    '"',
    'a@',
    '://a:',
    'password:',
    '\\',
    'Bearer ',
    '-----BEGIN ',
  ];
  for (const piece of worst) {
    const took = [100_000, 400_000].map((length) => {
      const long = piece.repeat(Math.ceil(length / piece.length));
      const from = performance.now();
      redactText(long);
      redactJson(`{"a": ${JSON.stringify(long)}}`);
      return performance.now() - from;
    });
    assert.ok(took[1]! < 1_500 && took[1]! < took[0]! * 20 + 200, `${piece}: ${took.map(Math.round).join(' ')} ms`);
  }
});

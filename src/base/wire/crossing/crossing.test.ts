import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { anthropicMessages, MESSAGES_FIELDS } from '../anthropic-messages/index.ts';
import type { CanonicalEvent } from '../canonical.ts';
import type { Dialect } from '../dialect.ts';
import { parseStrict } from '../json/strict.ts';
import { sseSplitter } from '../sse/splitter.ts';
import { bedrockConverse, CONVERSE_FIELDS } from '../bedrock-converse/index.ts';
import { GENERATE_FIELDS, googleGenerate } from '../google-generate/index.ts';
import { CHAT_FIELDS, openaiChat } from '../openai-chat/index.ts';
import { openaiResponses, RESPONSES_FIELDS } from '../openai-responses/index.ts';
import { crossCall, type OnUnsupported } from './cross.ts';
import { CONTENT_TABLE } from './content-table.ts';
import { EVENT_TABLE } from './event-table.ts';
import { crossingPage } from './page.ts';
import { CROSSABLE, FIELD_TABLE, type Cell, type Crossable, type Row } from './table.ts';

const DIALECTS: Readonly<Record<Crossable, Dialect>> = {
  'openai-chat': openaiChat,
  'openai-responses': openaiResponses,
  'anthropic-messages': anthropicMessages,
  'bedrock-converse': bedrockConverse,
  'google-generate': googleGenerate,
};
const FIELDS = {
  'openai-chat': CHAT_FIELDS,
  'openai-responses': RESPONSES_FIELDS,
  'anthropic-messages': MESSAGES_FIELDS,
  'bedrock-converse': CONVERSE_FIELDS,
  'google-generate': GENERATE_FIELDS,
};
const MINIMAL: Readonly<Record<Crossable, Readonly<Record<string, unknown>>>> = {
  'openai-chat': { model: 'm', messages: [{ role: 'user', content: 'hi' }] },
  'openai-responses': { model: 'm', input: 'hi' },
  'anthropic-messages': { model: 'm', max_tokens: 5, messages: [{ role: 'user', content: 'hi' }] },
  'bedrock-converse': { model: 'm', messages: [{ role: 'user', content: [{ text: 'hi' }] }] },
  'google-generate': { contents: [{ role: 'user', parts: [{ text: 'hi' }] }] },
};

const cross = (from: Crossable, to: Crossable, body: object | string, rule: OnUnsupported) => {
  const read = parseStrict(Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)));
  assert.ok(read.ok);
  const named = DIALECTS[from].inPath && { model: 'm', stream: false };
  return crossCall(DIALECTS[from], DIALECTS[to], read.value, rule, { named });
};
const at = (value: unknown, path: string): unknown =>
  path.split('.').reduce<unknown>((there, name) => (there as Record<string, unknown> | undefined)?.[name], value);

/** Does what the cell says really happen? */
function assertCell(from: Crossable, to: Crossable, row: Row, cell: Cell): void {
  const body = { ...MINIMAL[from], ...row.body };
  const crossed = cross(from, to, body, 'drop-hints');
  if (cell.verdict === 'refused') {
    assert.ok(!crossed.ok, 'is refused');
    assert.deepEqual([crossed.error.code, crossed.error.field], ['unsupported_field', cell.named]);
    const dropped = cross(from, to, body, 'drop');
    assert.ok(dropped.ok && dropped.value.dropped.includes(cell.named), 'rule drop lists it');
    return;
  }
  assert.ok(crossed.ok, JSON.stringify(crossed));
  const { value, dropped } = crossed.value;
  if (cell.verdict === 'hint') {
    assert.ok(dropped.includes(cell.named), `listed: ${JSON.stringify(dropped)}`);
    const rejected = cross(from, to, body, 'reject');
    assert.ok(!rejected.ok && rejected.error.code === 'unsupported_field', 'rule reject refuses it');
    return;
  }
  assert.deepEqual(dropped, []);
  if (cell.verdict === 'mapped' && cell.at === null) return;
  const found = at(value, cell.at!);
  assert.notEqual(found, undefined, JSON.stringify(value));
  if (cell.verdict === 'carried') return assert.deepEqual(found, at(body, row.from));
  if ('value' in cell) return assert.deepEqual(found, cell.value);
  const plain = cross(from, to, MINIMAL[from], 'drop');
  assert.ok(plain.ok && !isDeepStrictEqual(found, at(plain.value.value, cell.at!)));
}

for (const [kind, table] of [
  ['field', FIELD_TABLE],
  ['content', CONTENT_TABLE],
] as const) {
  for (const from of CROSSABLE) {
    for (const to of CROSSABLE.filter((it) => it !== from)) {
      for (const row of table[from]) {
        const cell = row.to[to];
        test(`${kind} ${row.field}: ${from} to ${to}`, () => {
          assert.ok(cell, 'the table has a cell');
          assertCell(from, to, row, cell);
        });
      }
    }
  }
}

for (const from of CROSSABLE) {
  test(`every field of ${from} has a row`, () => {
    assert.deepEqual(FIELD_TABLE[from].map((row) => row.field).sort(), Object.keys(FIELDS[from]).sort());
  });
}

for (const row of EVENT_TABLE) {
  for (const from of CROSSABLE) {
    for (const to of CROSSABLE.filter((it) => it !== from)) {
      test(`event ${row.event}: ${from} to ${to}`, () => {
        // Sent in the source's own words, read by the source's decoder, written and read back at the target.
        const events = throughWire(DIALECTS[from], row.events);
        const back = JSON.stringify(throughWire(DIALECTS[to], events));
        const carried = row.notFrom.includes(from) || row.notTo.includes(to) ? 'hint' : 'mapped';
        assert.equal(back.includes(row.mark), carried === 'mapped', back);
        assert.ok(back.includes('"type":"end"') || row.event === 'error', 'the stream ends properly');
      });
    }
  }
}

function throughWire(dialect: Dialect, events: readonly CanonicalEvent[]) {
  const encoder = dialect.streamEncoder({ modelAsked: 'm', callId: 'c', nowS: 0, includeUsage: true });
  const text = events.map((event) => encoder.push(event)).join('');
  const decoder = dialect.streamDecoder();
  const read = sseSplitter()
    .push(Buffer.from(text))
    .flatMap((event) => [...decoder.push(event)]);
  return [...read, ...(decoder.end?.() ?? [])];
}

test('a number that a double cannot hold is refused, with its place', () => {
  for (const from of CROSSABLE) {
    const text = JSON.stringify({ ...MINIMAL[from], note: 1 }).replace('"note":1', '"note":12345678901234567');
    for (const to of CROSSABLE.filter((it) => it !== from)) {
      const crossed = cross(from, to, text, 'drop');
      assert.ok(!crossed.ok && /^byte \d+$/.test(crossed.error.field));
    }
  }
});

test('a field that nobody listed is refused, never left out in silence', () => {
  for (const from of CROSSABLE) {
    for (const to of CROSSABLE.filter((it) => it !== from)) {
      const crossed = cross(from, to, { ...MINIMAL[from], brand_new: 1 }, 'drop-hints');
      assert.ok(!crossed.ok);
      assert.equal(crossed.error.field, 'brand_new');
    }
  }
});

test('the page has a line for every row', () => {
  const page = crossingPage();
  for (const from of CROSSABLE) for (const row of FIELD_TABLE[from]) assert.ok(page.includes(`| \`${row.field}\` |`));
});

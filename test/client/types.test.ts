import assert from 'node:assert/strict';
import { test } from 'node:test';
import type Anthropic from '@anthropic-ai/sdk';
import type OpenAI from 'openai';
import type { EventFrame, ServerFrame } from '#wire/ws/frames.ts';
import { createClient, ws, type ChatChunk, type HeadgateFrame, type ResponsesEvent } from '../../src/client/index.ts';
import type { MessagesEvent } from '../../src/client/index.ts';

/** Whatever the vendor's SDK may hand out of these types is what ours says: the compiler is the test. */
type Named<Event extends { type: string }, Ours extends { type: string }> = Extract<Event, { type: Ours['type'] }>;
const holds = <Ours, _Theirs extends Ours>(): true => true;

test('the events of each API are those of its vendor’s own types, and the frames are the gate’s', () => {
  assert.ok(holds<ChatChunk, OpenAI.ChatCompletionChunk>());
  assert.ok(holds<ResponsesEvent, Named<OpenAI.Responses.ResponseStreamEvent, ResponsesEvent>>());
  assert.ok(holds<MessagesEvent['type'], Anthropic.RawMessageStreamEvent['type']>());
  assert.ok(holds<Anthropic.RawMessageStreamEvent['type'], MessagesEvent['type']>());
  assert.ok(holds<HeadgateFrame, EventFrame>());
  assert.ok(holds<HeadgateFrame['type'], Extract<ServerFrame, { seq: number }>['type'] & HeadgateFrame['type']>());
});

test('a call’s events have the type of its path, frames their own, and any other what the caller says', () => {
  const client = createClient({ baseURL: 'http://127.0.0.1:1', transport: ws() });
  const chat = client.stream({ path: '/v1/chat/completions', body: {} });
  type Of<S> = S extends AsyncIterable<{ json: infer T }> ? T : never;
  assert.ok(holds<ChatChunk | null, Of<typeof chat>>());
  const frames = client.stream({ path: '/v1/messages', body: {}, form: 'frames' });
  assert.ok(holds<HeadgateFrame | null, Of<typeof frames>>());
  const own = client.stream<{ n: number }>({ path: '/v1/other', body: {} });
  assert.ok(holds<{ n: number } | null, Of<typeof own>>());
  // @ts-expect-error What another path sends is not known.
  assert.ok(holds<ChatChunk | null, Of<ReturnType<typeof client.stream<'/v1/other'>>>>());
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { splice } from '../json/splice.ts';
import { parseStrict, type StrictJson } from '../json/strict.ts';
import { bedrockConverse } from './index.ts';

const strict = (body: object): StrictJson => {
  const read = parseStrict(Buffer.from(JSON.stringify(body)));
  assert.ok(read.ok);
  return read.value;
};

const BODY = {
  model: 'anthropic.claude-x',
  system: [{ text: 'be brief' }, { cachePoint: { type: 'default', ttl: '1h' } }],
  messages: [
    { role: 'user', content: [{ text: 'look' }, { image: { format: 'png', source: { bytes: 'iVBORw0KGgo=' } } }] },
    {
      role: 'assistant',
      content: [
        { reasoningContent: { reasoningText: { text: 'hm', signature: 'c2ln' } } },
        { toolUse: { toolUseId: 't1', name: 'look', input: { a: 1 } } },
      ],
    },
    { role: 'user', content: [{ toolResult: { toolUseId: 't1', content: [{ text: 'ok' }], status: 'error' } }] },
  ],
  inferenceConfig: { maxTokens: 64, temperature: 0.5, topP: 0.9, stopSequences: ['END'] },
  toolConfig: {
    tools: [{ toolSpec: { name: 'look', inputSchema: { json: { type: 'object' } } } }],
    toolChoice: { tool: { name: 'look' } },
  },
  additionalModelRequestFields: { top_k: 5, thinking: { type: 'enabled', budget_tokens: 2048 } },
  requestMetadata: { team: 'search' },
  serviceTier: { type: 'priority' },
  stream: true,
};

test('a body comes through the canonical call as it was', () => {
  const decoded = bedrockConverse.decodeCall(strict(BODY));
  assert.ok(decoded.ok);
  const { value, unsupported } = bedrockConverse.encodeCall(decoded.value);
  assert.deepEqual(unsupported, []);
  assert.deepEqual(value, BODY);
});

test('an answer comes through the canonical answer as it was', () => {
  const answer = {
    output: {
      message: { role: 'assistant', content: [{ text: 'a' }, { toolUse: { toolUseId: 't', name: 'n', input: {} } }] },
    },
    stopReason: 'tool_use',
    usage: { inputTokens: 3, outputTokens: 4, totalTokens: 18, cacheReadInputTokens: 5, cacheWriteInputTokens: 6 },
  };
  const context = { modelAsked: 'm', callId: 'c', nowS: 0, includeUsage: true };
  assert.deepEqual(bedrockConverse.encodeAnswer(bedrockConverse.decodeAnswer(answer), context), answer);
  assert.equal(bedrockConverse.readAnswer(answer).usage!.inputTokens, 14);
});

test('the gate’s changes touch nothing else: limit, model, what the path says', () => {
  const request = strict({ messages: [], inferenceConfig: { topP: 0.5 }, stream: true, model: 'm' });
  const patched = (changes: object): string => Buffer.from(bedrockConverse.patch(request, changes)).toString();
  assert.equal(
    patched({ maxOutputTokens: 9, drop: ['model', 'stream'] }),
    '{"messages":[],"inferenceConfig":{"maxTokens":9,"topP":0.5}}',
  );
  assert.match(patched({ model: 'other' }), /"stream":true,"model":"other"\}$/);
});

test('without reasoning: blocks go, and in a tool loop thinking is off for this call', () => {
  const request = strict(BODY);
  const bare = bedrockConverse.withoutReasoning!(request)!;
  const body = JSON.parse(splice(request.bytes, request.spans, bare.edits).toString());
  assert.ok(!JSON.stringify(body).includes('reasoningContent'));
  assert.deepEqual(body.additionalModelRequestFields, { top_k: 5 });
  assert.deepEqual(bare.dropped, ['messages.reasoningContent', 'additionalModelRequestFields.thinking']);
  assert.equal(
    bedrockConverse.withoutReasoning!(strict({ messages: [{ role: 'user', content: [{ text: 'a' }] }] })),
    null,
  );
});

test('exceptions by name, wherever it stood, else by status', () => {
  const read = (status: number, body: unknown) => bedrockConverse.readFault(status, body);
  const throttled = read(400, { __type: 'com.amazon#ThrottlingException:http://internal', message: 'slow' });
  assert.deepEqual([throttled.type, throttled.code, throttled.message], ['rate_limit', 'ThrottlingException', 'slow']);
  assert.equal(read(503, { Message: 'x' }).type, 'overloaded');
  assert.equal(read(403, { __type: 'ExpiredTokenException' }).type, 'authentication');
  assert.equal(read(502, '<html>').type, 'server');
});

test('any JSON is decoded to a call or a fault that names a field, and any answer is read', () => {
  const names = ['messages', 'system', 'toolConfig', 'inferenceConfig', 'outputConfig', 'additionalModelRequestFields'];
  const odd = fc.dictionary(fc.constantFrom(...names, 'model'), fc.jsonValue({ maxDepth: 4 }));
  fc.assert(
    fc.property(odd, fc.jsonValue(), (body, answer) => {
      const decoded = bedrockConverse.decodeCall(strict(body));
      if (decoded.ok) bedrockConverse.encodeCall(decoded.value);
      else assert.ok(decoded.error.field.length > 0);
      bedrockConverse.policy(strict(body));
      bedrockConverse.withoutReasoning!(strict(body));
      bedrockConverse.readAnswer(answer);
      bedrockConverse.decodeAnswer(answer);
      for (const name of ['messageStart', 'contentBlockStart', 'contentBlockDelta', 'messageStop', 'metadata', 'x']) {
        const event = { raw: Buffer.alloc(0), name, data: JSON.stringify(answer) };
        bedrockConverse.streamDecoder().push(event);
        bedrockConverse.streamReader().read(event);
      }
    }),
  );
});

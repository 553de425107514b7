import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { parseStrict, type StrictJson } from '#wire/json/strict.ts';
import { CHAT_FIELDS, CHAT_MESSAGES } from './fields.ts';
import { patch } from './patch.ts';
import { policy } from './policy.ts';

const strictText = (text: string): StrictJson => {
  const parsed = parseStrict(Buffer.from(text));
  assert.ok(parsed.ok);
  return parsed.value;
};
const strict = (body: object): StrictJson => strictText(JSON.stringify(body));
const base = { model: 'm', messages: [{ role: 'user', content: 'hi' }] };
const faultOf = (body: object) => {
  const result = policy(strict(body));
  return result.ok ? null : result.error;
};
const viewOf = (body: object) => {
  const result = policy(strict(body));
  assert.ok(result.ok, JSON.stringify(result));
  return result.value;
};

describe('chat policy', () => {
  it('takes every field and message of the SDK', () => {
    for (const [field, { sample }] of Object.entries(CHAT_FIELDS))
      assert.equal(faultOf({ ...base, [field]: sample }), null, field);
    for (const [name, { sample }] of Object.entries(CHAT_MESSAGES))
      assert.equal(faultOf({ ...base, messages: [sample] }), null, name);
  });

  const wrong: [object, string][] = [
    [{ model: undefined }, 'model'],
    [{ model: 7 }, 'model'],
    [{ model: '' }, 'model'],
    [{ model: 'm'.repeat(257) }, 'model'],
    [{ messages: undefined }, 'messages'],
    [{ messages: [] }, 'messages'],
    [{ messages: 'hi' }, 'messages'],
    [{ messages: [3] }, 'messages[0]'],
    [{ messages: [{ content: 'x' }] }, 'messages[0].role'],
    [{ messages: [{ role: 'user' }] }, 'messages[0].content'],
    [{ messages: [{ role: 'user', content: 5 }] }, 'messages[0].content'],
    [{ messages: [{ role: 'user', content: [{ type: 'text' }] }] }, 'messages[0].content[0].text'],
    [{ messages: [{ role: 'user', content: [{ type: 'image_url' }] }] }, 'messages[0].content[0].image_url'],
    [{ messages: [{ role: 'tool', content: 'x' }] }, 'messages[0].tool_call_id'],
    [{ messages: [{ role: 'assistant', tool_calls: {} }] }, 'messages[0].tool_calls'],
    [{ stream: 'true' }, 'stream'],
    [{ stream: true, stream_options: { include_usage: 1 } }, 'stream_options.include_usage'],
    [{ n: 1.5 }, 'n'],
    [{ n: 0 }, 'n'],
    [{ max_tokens: -1 }, 'max_tokens'],
    [{ max_completion_tokens: 2 ** 53 }, 'max_completion_tokens'],
    [{ temperature: '1' }, 'temperature'],
    [{ stop: [1] }, 'stop'],
    [{ logit_bias: { 5: 'x' } }, 'logit_bias'],
    [{ tools: {} }, 'tools'],
    [{ tools: [{ type: 'function' }] }, 'tools[0].function'],
    [{ tools: [{ type: 'function', function: {} }] }, 'tools[0].function.name'],
    [{ response_format: { type: 'xml' } }, 'response_format.type'],
    [{ metadata: [] }, 'metadata'],
    [{ service_tier: 1 }, 'service_tier'],
  ];
  for (const [change, field] of wrong) {
    it(`names ${field} in ${JSON.stringify(change).slice(0, 80)}`, () => {
      const fault = faultOf({ ...base, ...change });
      assert.equal(fault?.field, field);
      assert.match(fault.message, /must be/);
    });
  }

  it('says where a body of the Responses shape belongs', () => {
    assert.match(faultOf({ model: 'm', input: 'hi' })!.message, /Responses/);
  });

  it('is not moved by keys of the prototype', () => {
    const view = policy(
      strictText(
        '{"__proto__":{"n":5},"constructor":1,"model":"m","messages":[{"role":"user","content":"x","__proto__":{"role":"tool"}}],"logit_bias":{"__proto__":1}}',
      ),
    );
    assert.ok(view.ok);
    assert.equal(view.value.n, 1);
  });

  it('reads what policy asks for', () => {
    const view = viewOf({
      ...base,
      messages: [
        {
          role: 'user',
          content: [
            { type: 'image_url', image_url: { url: 'x' } },
            { type: 'input_audio', input_audio: {} },
            { type: 'file', file: { file_id: 'file-1' } },
          ],
        },
        { role: 'assistant', audio: { id: 'au1' } },
      ],
      stream: true,
      n: 3,
      max_tokens: 5,
      max_completion_tokens: 6,
      service_tier: 'flex',
      store: true,
      cache_salt: 's',
      tools: [{ type: 'web_search' }, { type: 'file_search', vector_store_ids: ['vs1'] }],
      web_search_options: {},
      safety_identifier: 'sid',
      metadata: { user_id: 'mu' },
      prompt_cache_key: 'pck',
    });
    assert.deepEqual(view, {
      model: 'm',
      stream: true,
      includeUsage: false,
      maxOutputTokens: 6,
      n: 3,
      serviceTier: 'flex',
      store: true,
      background: false,
      cacheSalt: true,
      hostedTools: ['web_search', 'file_search'],
      endUser: 'sid',
      sessionHint: 'pck',
      inputs: 1,
      media: { images: 1, audios: 1, files: 1 },
      keptIds: [
        { kind: 'file', id: 'file-1', field: 'messages[0].content[2].file.file_id' },
        { kind: 'audio', id: 'au1', field: 'messages[1].audio.id' },
        { kind: 'vector_store', id: 'vs1', field: 'tools[1].vector_store_ids[0]' },
      ],
    });
  });

  it('ends with a view or a fault on any JSON object', () => {
    const anyBody = fc.dictionary(fc.constantFrom(...Object.keys(CHAT_FIELDS)), fc.jsonValue());
    fc.assert(
      fc.property(anyBody, (body) => void policy(strict(body))),
      { seed: 20_261_124, numRuns: 200 },
    );
    const near = fc.dictionary(fc.constantFrom('role', 'content', 'tool_calls', 'audio', 'type'), fc.jsonValue());
    fc.assert(
      fc.property(fc.array(near), (messages) => void policy(strict({ model: 'm', messages }))),
      { seed: 20_261_124, numRuns: 200 },
    );
  });
});

describe('chat patch', () => {
  const text = '{ "messages":[{"role":"user","content":"h\\u0069"}],\n "model":"m", "stream":true, "user":"u" }';
  const patched = (from: string, changes: Parameters<typeof patch>[1]): string =>
    patch(strictText(from), changes).toString();

  it('changes the model alone, in place', () => {
    assert.equal(patched(text, { model: 'gpt-5' }), text.replace('"m"', '"gpt-5"'));
    const request = strictText(text);
    assert.equal(patch(request, { model: 'm' }), request.bytes);
  });
  it('asks for usage, in a new object, an old one or a null', () => {
    assert.equal(patched(text, { includeUsage: true }), text.replace('{', '{"stream_options":{"include_usage":true},'));
    const has = '{"model":"m","stream":true,"stream_options":{ "include_obfuscation":false }}';
    assert.equal(patched(has, { includeUsage: true }), has.replace('{ "inc', '{"include_usage":true, "inc'));
    const none = '{"stream":true,"stream_options":null}';
    assert.equal(patched(none, { includeUsage: true }), none.replace('null', '{"include_usage":true}'));
    const off = '{"stream":true,"stream_options":{"include_usage":false}}';
    assert.equal(patched(off, { includeUsage: true }), off.replace('false', 'true'));
    assert.equal(patched('{"stream":false}', { includeUsage: true }), '{"stream":false}');
  });
  it('sets the limit where there is none, under the name that the provider knows', () => {
    assert.equal(patched('{"a":1}', { maxOutputTokens: 9 }), '{"max_completion_tokens":9,"a":1}');
    assert.equal(
      patched('{"a":1}', { maxOutputTokens: 9, maxOutputTokensField: 'max_tokens' }),
      '{"max_tokens":9,"a":1}',
    );
    assert.equal(patched('{"max_tokens":4}', { maxOutputTokens: 9 }), '{"max_tokens":4}');
    assert.equal(
      patched('{"max_completion_tokens": 7,"a":1}', { maxOutputTokensField: 'max_tokens' }),
      '{"max_tokens":7,"a":1}',
    );
  });
  it('drops fields', () => {
    assert.equal(patched(text, { drop: ['user', 'absent'] }), text.replace(', "user":"u"', ''));
  });
});

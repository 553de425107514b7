import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { FieldFault, PolicyView } from '#wire/dialect.ts';
import { parseStrict, type StrictJson } from '#wire/json/strict.ts';
import { openaiResponses } from './index.ts';

function strict(value: object | string): StrictJson {
  const parsed = parseStrict(Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)));
  assert.ok(parsed.ok);
  return parsed.value;
}
function viewOf(value: object): PolicyView {
  const seen = openaiResponses.policy(strict({ model: 'm', ...value }));
  assert.ok(seen.ok, JSON.stringify(seen));
  return seen.value;
}
function faultOf(value: object): FieldFault {
  const seen = openaiResponses.policy(strict(value));
  assert.ok(!seen.ok);
  return seen.error;
}

test('a plain request', () => {
  assert.deepEqual(viewOf({ input: 'hi' }), {
    model: 'm',
    stream: false,
    includeUsage: true,
    maxOutputTokens: null,
    n: 1,
    serviceTier: null,
    store: null,
    background: false,
    cacheSalt: false,
    hostedTools: [],
    endUser: null,
    sessionHint: null,
    keptIds: [],
    media: { images: 0, audios: 0, files: 0 },
    inputs: 1,
  } satisfies PolicyView);
});

test('wrong types name their field', () => {
  const wrong: [string, object][] = [
    ['model', { input: 'hi' }],
    ['model', { model: '', input: 'hi' }],
    ['model', { prompt: { id: 'pmpt_1' } }],
    ['stream', { model: 'm', stream: 'true' }],
    ['input', { model: 'm', input: { a: 1 } }],
    ['input[1]', { model: 'm', input: [{ role: 'user', content: '' }, 7] }],
    ['input[0].content', { model: 'm', input: [{ role: 'user', content: { type: 'input_image' } }] }],
    ['input[0].content[0]', { model: 'm', input: [{ role: 'user', content: ['text'] }] }],
    ['max_output_tokens', { model: 'm', max_output_tokens: 0 }],
    ['max_output_tokens', { model: 'm', max_output_tokens: 1.5 }],
    ['max_output_tokens', { model: 'm', max_output_tokens: 2 ** 53 }],
    ['background', { model: 'm', background: 1 }],
    ['store', { model: 'm', store: 'no' }],
    ['service_tier', { model: 'm', service_tier: {} }],
    ['previous_response_id', { model: 'm', previous_response_id: ['resp_1'] }],
    ['conversation', { model: 'm', conversation: {} }],
    ['prompt', { model: 'm', prompt: 'pmpt_1' }],
    ['tools', { model: 'm', tools: {} }],
    ['tools[0]', { model: 'm', tools: ['web_search'] }],
  ];
  for (const [field, value] of wrong) assert.equal(faultOf(value).field, field, JSON.stringify(value));
});

test('tools that the provider runs are found wherever they stand', () => {
  const environment = { type: 'container_auto', file_ids: ['file_1'] };
  const view = viewOf({
    tools: [
      { type: 'function', name: 'f', parameters: { properties: { file_id: { type: 'string' } } }, strict: true },
      { type: 'custom', name: 'patch', format: { type: 'grammar', syntax: 'lark', definition: 'start: "a"' } },
      { type: 'local_shell' },
      { type: 'shell' },
      { type: 'shell', environment: { type: 'local' } },
      { type: 'shell', environment },
      { type: 'apply_patch' },
      { type: 'computer' },
      { type: 'tool_search' },
      { type: 'web_search_preview' },
      { type: 'mcp', server_label: 'x' },
      { type: 'namespace', name: 'n', tools: [{ type: 'function', name: 'g' }] },
      { type: 'brand_new_2027' },
      { type: 'toString' },
    ],
    input: [{ type: 'additional_tools', role: 'developer', tools: [{ type: 'image_generation' }] }],
  });
  assert.deepEqual(view.hostedTools.toSorted(), [
    'brand_new_2027',
    'image_generation',
    'mcp',
    'shell',
    'toString',
    'web_search_preview',
  ]);
  assert.deepEqual(view.keptIds, [{ kind: 'file', id: 'file_1', field: 'tools[5].environment.file_ids[0]' }]);
});

test('ids that a provider keeps are found with kind and path', () => {
  const { keptIds, media } = viewOf({
    previous_response_id: 'resp_1',
    prompt_cache_options: { comparison_response_id: 'resp_2' },
    conversation: { id: 'conv_1' },
    prompt: { id: 'pmpt_1', variables: { doc: { type: 'input_file', file_id: 'file_0' } } },
    tools: [
      { type: 'file_search', vector_store_ids: ['vs_1', 'vs_2'] },
      { type: 'code_interpreter', container: 'cntr_1' },
      { type: 'code_interpreter', container: { type: 'auto', file_ids: ['file_1'] } },
      { type: 'shell', environment: { type: 'container_reference', container_id: 'cntr_2' } },
      { type: 'image_generation', input_image_mask: { file_id: 'file_2' } },
    ],
    input: [
      { role: 'user', content: [{ type: 'input_image', file_id: 'file_3', detail: 'auto' }] },
      { type: 'message', role: 'user', content: [{ type: 'input_file', file_id: 'file_4' }] },
      { type: 'item_reference', id: 'msg_1' },
      { id: 'msg_2' },
      { type: 'reasoning', id: 'rs_1', summary: [] },
      { type: 'reasoning', id: 'rs_2', summary: [], encrypted_content: 'gAAA' },
      { type: 'reasoning', id: 'rs_hg_call_0', summary: [] },
      { type: 'function_call_output', call_id: 'c', output: [{ type: 'input_image', file_id: 'file_5' }] },
      { type: 'computer_call_output', call_id: 'c', output: { type: 'computer_screenshot', file_id: 'file_6' } },
      { type: 'code_interpreter_call', id: 'ci_1', container_id: 'cntr_3' },
    ],
  });
  assert.deepEqual(keptIds.map(({ kind, id, field }) => `${kind} ${id} ${field}`).toSorted(), [
    'container cntr_1 tools[1].container',
    'container cntr_2 tools[3].environment.container_id',
    'container cntr_3 input[9].container_id',
    'conversation conv_1 conversation.id',
    'file file_0 prompt.variables.doc.file_id',
    'file file_1 tools[2].container.file_ids[0]',
    'file file_2 tools[4].input_image_mask.file_id',
    'file file_3 input[0].content[0].file_id',
    'file file_4 input[1].content[0].file_id',
    'file file_5 input[7].output[0].file_id',
    'file file_6 input[8].output.file_id',
    'item msg_1 input[2].id',
    'item msg_2 input[3].id',
    'item rs_1 input[4].id',
    'prompt pmpt_1 prompt.id',
    'response resp_1 previous_response_id',
    'response resp_2 prompt_cache_options.comparison_response_id',
    'vector_store vs_1 tools[0].vector_store_ids[0]',
    'vector_store vs_2 tools[0].vector_store_ids[1]',
  ]);
  assert.deepEqual(media, { images: 3, audios: 0, files: 2 });
});

test('who asks, and in which session', () => {
  assert.equal(viewOf({ safety_identifier: 'a' }).endUser, 'a');
  assert.equal(viewOf({ metadata: { user_id: 'b' } }).endUser, 'b');
  assert.equal(viewOf({ user: 'c', safety_identifier: 'a' }).endUser, 'c');
  assert.equal(viewOf({ prompt_cache_key: 's' }).sessionHint, 's');
  assert.equal(viewOf({ cache_salt: 'x' }).cacheSalt, true);
});

test('any JSON object gives a view or a fault that names a field', () => {
  const known = [
    'model',
    'input',
    'tools',
    'prompt',
    'conversation',
    'metadata',
    'stream',
    'include',
    'text',
    'reasoning',
  ];
  const body = fc.dictionary(fc.constantFrom(...known), fc.jsonValue());
  fc.assert(
    fc.property(body, fc.boolean(), (value, named) => {
      const request = strict(named ? { ...value, model: 'm' } : value);
      const seen = openaiResponses.policy(request);
      if (!seen.ok) assert.ok(seen.error.field !== '');
      const decoded = openaiResponses.decodeCall(request);
      if (decoded.ok) openaiResponses.encodeCall(decoded.value);
    }),
    { seed: 7, numRuns: 500 },
  );
});

test('a patch changes its fields and no other byte', () => {
  const source = '{ "input" : "h\\u00e9",  "model":"a", "x":1.50, "drop_me": [1, 2] }';
  const request = strict(source);
  const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8');
  assert.equal(openaiResponses.patch(request, {}), request.bytes);
  assert.equal(openaiResponses.patch(request, { includeUsage: true }), request.bytes);
  assert.equal(text(openaiResponses.patch(request, { model: 'b"c' })), source.replace('"a"', '"b\\"c"'));
  assert.equal(
    text(openaiResponses.patch(request, { drop: ['drop_me'] })),
    source.replace(',  "drop_me": [1, 2]', '').replace(', "drop_me": [1, 2]', ''),
  );
  const limited = JSON.parse(text(openaiResponses.patch(request, { maxOutputTokens: 9 }))) as Record<string, unknown>;
  assert.equal(limited['max_output_tokens'], 9);
  const given = strict({ model: 'a', max_output_tokens: 5 });
  assert.equal(openaiResponses.patch(given, { maxOutputTokens: 9 }), given.bytes);
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { GenerateCall } from '../canonical.ts';
import { parseStrict, type StrictJson } from '../json/strict.ts';
import { GENERATE_FIELDS, googleGenerate } from './index.ts';

const strictText = (text: string): StrictJson => {
  const parsed = parseStrict(Buffer.from(text));
  assert.ok(parsed.ok);
  return parsed.value;
};
const strict = (body: object): StrictJson => strictText(JSON.stringify(body));
const PATH = { model: 'gemini-x', stream: false };
const say = { contents: [{ parts: [{ text: 'hi' }] }] };
const part = (value: object) => ({ contents: [{ role: 'user', parts: [value] }] });
const faultOf = (body: object) => {
  const result = googleGenerate.policy(strict(body), PATH);
  return result.ok ? null : result.error;
};
const viewOf = (body: object) => {
  const result = googleGenerate.policy(strict(body), PATH);
  assert.ok(result.ok, JSON.stringify(result));
  return result.value;
};
const decode = (body: object, path = PATH): GenerateCall => {
  const result = googleGenerate.decodeCall(strict(body), path);
  assert.ok(result.ok && result.value.kind === 'generate', JSON.stringify(result));
  return result.value;
};
/** `generationConfig.topP` set to a value, in a body. */
const withField = (field: string, value: unknown): object => {
  const [outer, inner] = field.split('.') as [string, string?];
  return { ...say, [outer]: inner === undefined ? value : { [inner]: value } };
};
const snakeKeys = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(snakeKeys);
  if (typeof value !== 'object' || value === null) return value;
  const snake = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [snake(name), snakeKeys(inner)]));
};

describe("policy of Google's calls", () => {
  it('takes every field, in both of its forms', () => {
    for (const [field, { sample }] of Object.entries(GENERATE_FIELDS).filter(
      ([name]) => name !== 'generationOutputConfig',
    )) {
      assert.equal(faultOf(withField(field, sample)), null, field);
      assert.equal(faultOf(snakeKeys(withField(field, sample)) as object), null, field);
    }
  });

  it('reads model and stream from the path, and the rest from the body in either form', () => {
    const body = {
      ...say,
      generationConfig: { maxOutputTokens: 100, candidateCount: 3 },
      serviceTier: 'flex',
      store: false,
      tools: [{ functionDeclarations: [] }, { googleSearch: {} }, { codeExecution: {}, urlContext: {} }],
    };
    for (const one of [body, snakeKeys(body) as object]) {
      const view = viewOf(one);
      assert.deepEqual([view.model, view.stream, view.maxOutputTokens, view.n], ['gemini-x', false, 100, 3]);
      assert.deepEqual([view.serviceTier, view.store], ['flex', false]);
      assert.deepEqual(view.hostedTools, ['google_search', 'code_execution', 'url_context']);
    }
    assert.equal(viewOf({ ...say, generationConfig: { maxOutputTokens: '512' } }).maxOutputTokens, 512);
  });

  it('reads one value where a list of one is meant, as the provider does', () => {
    const file = { fileData: { fileUri: 'files/a', mimeType: 'image/png' } };
    const view = viewOf({ contents: { role: 'user', parts: file }, tools: { googleSearch: {} } });
    assert.deepEqual([view.media.images, view.keptIds.length, view.hostedTools], [1, 1, ['google_search']]);
    const call = decode({
      contents: { role: 'user', parts: { text: 'hi' } },
      tools: { functionDeclarations: { name: 'f' } },
    });
    assert.deepEqual(call.turns, [{ role: 'user', parts: [{ type: 'text', text: 'hi' }] }]);
    assert.equal(call.tools.length, 1);
  });

  it('counts media, and knows ids that the account keeps', () => {
    const view = viewOf({
      cachedContent: 'cachedContents/a',
      tools: [{ fileSearch: { fileSearchStoreNames: ['fileSearchStores/s'] } }],
      contents: [
        {
          parts: [
            { inlineData: { mimeType: 'image/png', data: '' } },
            { inline_data: { mime_type: 'audio/wav', data: '' } },
            { fileData: { mimeType: 'video/mp4', fileUri: 'https://www.youtube.com/watch?v=a' } },
            { file_data: { file_uri: 'https://generativelanguage.googleapis.com/v1beta/files/b' } },
            { fileData: { fileUri: 'gs://bucket/c' } },
            { functionResponse: { name: 'f', parts: [{ inlineData: { mimeType: 'image/png', data: '' } }] } },
          ],
        },
      ],
    });
    assert.deepEqual(view.media, { images: 2, audios: 1, files: 3 });
    assert.deepEqual(
      view.keptIds.map(({ kind, id }) => [kind, id]),
      [
        ['cached_content', 'cachedContents/a'],
        ['file_search_store', 'fileSearchStores/s'],
        ['file', 'https://generativelanguage.googleapis.com/v1beta/files/b'],
        ['file', 'gs://bucket/c'],
      ],
    );
  });

  const twice: [object, string][] = [
    [{ ...say, generationConfig: {}, generation_config: {} }, 'generationConfig'],
    [{ ...say, generationConfig: { maxOutputTokens: 1, max_output_tokens: 9 } }, 'generationConfig.maxOutputTokens'],
    [{ ...say, generationConfig: { candidateCount: 1, candidate_count: 8 } }, 'generationConfig.candidateCount'],
    [{ ...say, serviceTier: 'flex', service_tier: 'priority' }, 'serviceTier'],
    [{ ...say, cachedContent: 'a', cached_content: 'b' }, 'cachedContent'],
    [{ ...say, tools: [{ googleSearch: {}, google_search: {} }] }, 'tools[0].googleSearch'],
    [part({ fileData: {}, file_data: { file_uri: 'files/a' } }), 'contents[0].parts[0].fileData'],
    [part({ fileData: { fileUri: 'https://a.b/c', file_uri: 'files/a' } }), 'contents[0].parts[0].fileData.fileUri'],
  ];
  for (const [body, field] of twice)
    it(`refuses both forms of ${field} side by side`, () => {
      const fault = faultOf(body);
      assert.deepEqual([fault?.code, fault?.field], ['duplicate_field', field]);
    });

  it('refuses what the account alone may reach: stores of Vertex AI, and buckets', () => {
    const refused: [object, string][] = [
      [{ ...say, tools: [{ retrieval: { vertexRagStore: {} } }] }, 'tools[0].retrieval'],
      [{ ...say, generation_output_config: { gcsDestination: {} } }, 'generationOutputConfig'],
    ];
    for (const [body, field] of refused) {
      const fault = faultOf(body);
      assert.deepEqual([fault?.code, fault?.field], ['policy_refused', field]);
    }
  });

  const wrong: [object, string][] = [
    [{}, 'contents'],
    [{ contents: 'hi' }, 'contents'],
    [{ contents: [3] }, 'contents[0]'],
    [{ contents: [] }, 'contents'],
    [{ contents: [{ parts: 'x' }] }, 'contents[0].parts'],
    [{ contents: [{ parts: ['x'] }] }, 'contents[0].parts[0]'],
    [{ ...say, generationConfig: [] }, 'generationConfig'],
    [{ ...say, generationConfig: { maxOutputTokens: 1.5 } }, 'generationConfig.maxOutputTokens'],
    [{ ...say, generationConfig: { candidateCount: 'two' } }, 'generationConfig.candidateCount'],
    [{ ...say, serviceTier: 2 }, 'serviceTier'],
    [{ ...say, store: 'false' }, 'store'],
    [{ ...say, tools: 'x' }, 'tools'],
    [{ ...say, model: 'models/another' }, 'model'],
  ];
  for (const [body, field] of wrong)
    it(`refuses ${JSON.stringify(body)} and names ${field}`, () => {
      const fault = faultOf(body);
      assert.deepEqual([fault?.code, fault?.field], ['invalid_request', field]);
    });
});

describe("patch of Google's calls", () => {
  const text = '{ "contents":[{"parts":[{"text":"h\\u00e9"}]}],  "generation_config" : { "topK":1 } }';
  const patched = (body: string, changes: Parameters<typeof googleGenerate.patch>[1]): string =>
    Buffer.from(googleGenerate.patch(strictText(body), changes)).toString();

  it('gives a body no model: the path names it', () => {
    assert.equal(patched(text, { model: 'other' }), text);
    assert.equal(patched('{"model":"models/a","contents":[]}', { model: 'b' }), '{"model":"models/b","contents":[]}');
  });
  it('sets a limit in the form that the caller wrote, and only where there is none', () => {
    assert.equal(patched(text, { maxOutputTokens: 9 }), text.replace('{ "topK"', '{"maxOutputTokens":9, "topK"'));
    assert.equal(
      patched('{"contents":[]}', { maxOutputTokens: 9 }),
      '{"generationConfig":{"maxOutputTokens":9},"contents":[]}',
    );
    const own = '{"generationConfig":{"max_output_tokens":"7"}}';
    assert.equal(patched(own, { maxOutputTokens: 9 }), own);
    assert.equal(
      patched(own.replace('7', '0'), { maxOutputTokens: 9 }),
      '{"generationConfig":{"max_output_tokens":9}}',
    );
  });
});

describe('calls of Google as canonical calls and back', () => {
  it('a conversation with calls, results and thoughts comes back as it was', () => {
    const body = {
      systemInstruction: { parts: [{ text: 'be brief' }] },
      contents: [
        { role: 'user', parts: [{ text: 'look' }, { inlineData: { mimeType: 'image/png', data: 'AA==' } }] },
        {
          role: 'model',
          parts: [
            { text: 'hm', thought: true },
            { functionCall: { id: 'a', name: 'look', args: { x: 1 } }, thoughtSignature: 'c2ln' },
            { functionCall: { id: 'b', name: 'look', args: {} } },
          ],
        },
        {
          role: 'user',
          parts: [
            { functionResponse: { id: 'a', name: 'look', response: { output: 'ok' } } },
            { functionResponse: { id: 'b', name: 'look', response: { error: 'no' } } },
          ],
        },
        { role: 'model', parts: [{ text: 'fine', thoughtSignature: 'dHdv' }] },
        { role: 'model', parts: [{ executableCode: { language: 'PYTHON', code: '1' } }] },
      ],
      tools: [
        { functionDeclarations: [{ name: 'look', description: 'd', parametersJsonSchema: { type: 'object' } }] },
        { googleSearch: {} },
      ],
      toolConfig: { functionCallingConfig: { mode: 'ANY', allowedFunctionNames: ['look'] } },
      generationConfig: {
        temperature: 0.5,
        topP: 0.9,
        topK: 40,
        candidateCount: 2,
        maxOutputTokens: 64,
        stopSequences: ['END'],
        presencePenalty: 0.1,
        frequencyPenalty: 0.2,
        seed: 7,
        responseLogprobs: true,
        logprobs: 2,
        responseMimeType: 'application/json',
        responseJsonSchema: { type: 'object' },
        thinkingConfig: { thinkingLevel: 'HIGH', includeThoughts: true },
      },
      serviceTier: 'flex',
      store: false,
    };
    const { value, unsupported } = googleGenerate.encodeCall(decode(body));
    assert.deepEqual(unsupported, []);
    const contents = [
      ...body.contents.slice(0, 3),
      { role: 'model', parts: body.contents.slice(3).flatMap(({ parts }) => parts as object[]) },
    ];
    assert.deepEqual(value, { ...body, contents });
    assert.deepEqual(
      googleGenerate.encodeCall(decode(snakeKeys(body) as object)).value['generationConfig'],
      body.generationConfig,
    );
  });

  it("Google's own schemas become JSON Schema", () => {
    const parameters = {
      type: 'OBJECT',
      properties: {
        type: { type: 'STRING', nullable: true },
        list: { type: 'ARRAY', items: { type: 'INTEGER' }, minItems: '1', maxItems: 3 },
        any: { anyOf: [{ type: 'STRING' }, { type: 'NUMBER', format: 'double' }] },
      },
      propertyOrdering: ['list', 'type'],
      required: ['list'],
    };
    const { tools } = decode({ ...say, tools: [{ functionDeclarations: [{ name: 'f', parameters }] }] });
    assert.ok(tools[0]?.type === 'function');
    assert.deepEqual(tools[0].schema, {
      type: 'object',
      properties: {
        type: { type: ['string', 'null'] },
        list: { type: 'array', items: { type: 'integer' }, minItems: 1, maxItems: 3 },
        any: { anyOf: [{ type: 'string' }, { type: 'number', format: 'double' }] },
      },
      required: ['list'],
    });
  });

  it('calls of another family carry the word that Google asks for, and its thinking stays behind', () => {
    const foreign: GenerateCall = {
      ...decode(say),
      turns: [
        {
          role: 'assistant',
          parts: [
            { type: 'reasoning', text: 'hm', signature: 'anthropic' },
            { type: 'tool_call', id: 'a', name: 'f', args: '{}', custom: false },
            { type: 'tool_call', id: 'b', name: 'f', args: '{}', custom: false },
          ],
        },
      ],
    };
    const { value, unsupported } = googleGenerate.encodeCall(foreign);
    assert.deepEqual(unsupported, [{ field: 'messages[0].content[0]', class: 'hint' }]);
    assert.deepEqual(value['contents'], [
      {
        role: 'model',
        parts: [
          { functionCall: { id: 'a', name: 'f', args: {} }, thoughtSignature: 'skip_thought_signature_validator' },
          { functionCall: { id: 'b', name: 'f', args: {} } },
        ],
      },
    ]);
  });

  it('a level is said to models that know levels, and a budget to those that do not', () => {
    const call = { ...decode(say), reasoning: { effort: 'medium', budgetTokens: null, enabled: null, summary: null } };
    const of = (model: string, reasoning = call.reasoning as GenerateCall['reasoning']) =>
      (googleGenerate.encodeCall({ ...call, model, reasoning }).value['generationConfig'] as any)?.thinkingConfig;
    assert.deepEqual(of('gemini-3-pro'), { thinkingLevel: 'MEDIUM' });
    assert.deepEqual(of('gemini-2.5-flash'), { thinkingBudget: 8192 });
    assert.deepEqual(of('gemini-2.5-flash', { effort: 'none', budgetTokens: null, enabled: null, summary: null }), {
      thinkingBudget: 0,
    });
    assert.deepEqual(of('gemini-3-pro', { effort: null, budgetTokens: 2048, enabled: true, summary: null }), {
      thinkingBudget: 2048,
      includeThoughts: true,
    });
  });

  it('no JSON whatever throws', () => {
    const words = fc.constantFrom(
      ...['contents', 'parts', 'role', 'text', 'thought', 'functionCall', 'function_call', 'functionResponse', 'tools'],
      ...['generationConfig', 'thinkingConfig', 'responseSchema', 'toolConfig', 'functionCallingConfig', '__proto__'],
      ...['functionDeclarations', 'inlineData', 'fileData', 'fileUri', 'mimeType', 'candidates', 'content', 'error'],
      ...['usageMetadata', 'promptFeedback', 'logprobsResult', 'systemInstruction', 'thoughtSignature', 'details'],
    );
    const { odd } = fc.letrec((tie) => ({
      odd: fc.oneof(
        { depthSize: 'small' },
        fc.constantFrom<unknown>(null, true, 0, -1.5, '', 'x', '7', 'STOP', 'models/m'),
        fc.array(tie('odd'), { maxLength: 3 }),
        fc.dictionary(words, tie('odd'), { maxKeys: 4, noNullPrototype: true }),
      ),
    }));
    fc.assert(
      fc.property(fc.dictionary(words, odd, { maxKeys: 5, noNullPrototype: true }), (body) => {
        const read = parseStrict(Buffer.from(JSON.stringify(body)));
        if (!read.ok) return;
        googleGenerate.policy(read.value, PATH);
        const call = googleGenerate.decodeCall(read.value, PATH);
        if (call.ok) googleGenerate.encodeCall(call.value);
        googleGenerate.patch(read.value, { model: 'm', maxOutputTokens: 3 });
        const context = { modelAsked: 'm', callId: 'c', nowS: 0, includeUsage: true };
        googleGenerate.readAnswer(body);
        googleGenerate.encodeAnswer(googleGenerate.decodeAnswer(body), context);
        googleGenerate.encodeFault(googleGenerate.readFault(500, body), 'c');
        const event = { raw: Buffer.alloc(0), name: '', data: JSON.stringify(body) };
        googleGenerate.streamReader().read(event);
        const encoder = googleGenerate.streamEncoder(context);
        for (const one of googleGenerate.streamDecoder().push(event)) encoder.push(one);
      }),
      { numRuns: 2000 },
    );
  });
});

import type { Cell, Crossable, Row } from './cells.ts';
import { CONTENT_FROM_CONVERSE } from './from-converse.ts';
import { CONTENT_TO_CONVERSE } from './to-converse.ts';

const PNG = 'iVBORw0KGgo=';
const PDF = 'JVBERi0=';
const as = (at: string, value: unknown): Cell => ({ verdict: 'mapped', at, value });
const left = (named: string): Cell => ({ verdict: 'hint', named });
const no = (named: string): Cell => ({ verdict: 'refused', named });

const row = (field: string, body: Row['body'], to: Row['to']): Row => ({ field, body, from: field, to });
const chat = (field: string, messages: unknown[], to: Row['to']): Row => row(field, { messages }, to);
const responses = (field: string, input: unknown[], to: Row['to']): Row => row(field, { input }, to);
const google = (field: string, contents: unknown[], to: Row['to']): Row => row(field, { contents }, to);
const user = (...parts: unknown[]): unknown => ({ role: 'user', parts });
const model = (...parts: unknown[]): unknown => ({ role: 'model', parts });
const anthropic = (field: string, content: unknown[], to: Row['to']): Row =>
  row(field, { messages: [{ role: 'user', content }] }, to);

const CALL = { id: 'c1', type: 'function', function: { name: 'look', arguments: '{"a":1}' } };
const URL_PART = { fileData: { mimeType: 'image/png', fileUri: 'https://example.org/a.png' } };
const PNG_PART = { inlineData: { mimeType: 'image/png', data: PNG } };
const RESULT = { id: 'c1', name: 'look', response: { output: 'ok' } };
const TOOL_USE = { type: 'tool_use', id: 'c1', name: 'look', input: { a: 1 } };

type Source = Exclude<Crossable, 'bedrock-converse'>;

const WITHOUT_CONVERSE: Readonly<Record<Source, readonly Row[]>> = {
  'openai-chat': [
    chat(
      'image by URL',
      [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'https://example.org/a.png' } }] }],
      {
        'openai-responses': as('input.0.content.0.image_url', 'https://example.org/a.png'),
        'anthropic-messages': as('messages.0.content.0.source', { type: 'url', url: 'https://example.org/a.png' }),
        'google-generate': as('contents.0.parts.0', URL_PART),
      },
    ),
    chat(
      'image in the body',
      [{ role: 'user', content: [{ type: 'image_url', image_url: { url: `data:image/png;base64,${PNG}` } }] }],
      {
        'openai-responses': as('input.0.content.0.image_url', `data:image/png;base64,${PNG}`),
        'anthropic-messages': as('messages.0.content.0.source', { type: 'base64', media_type: 'image/png', data: PNG }),
        'google-generate': as('contents.0.parts.0', PNG_PART),
      },
    ),
    chat(
      'audio',
      [{ role: 'user', content: [{ type: 'input_audio', input_audio: { data: 'UklGRg==', format: 'wav' } }] }],
      {
        'openai-responses': as('input.0.content.0.type', 'input_audio'),
        'anthropic-messages': no('messages[0].content[0]'),
        'google-generate': as('contents.0.parts.0.inlineData', { mimeType: 'audio/wav', data: 'UklGRg==' }),
      },
    ),
    chat(
      'tool call and result',
      [
        { role: 'assistant', content: null, tool_calls: [CALL] },
        { role: 'tool', tool_call_id: 'c1', content: 'ok' },
      ],
      {
        'openai-responses': as('input.1.output', 'ok'),
        'anthropic-messages': as('messages.0.content.0', TOOL_USE),
        'google-generate': as('contents.1.parts.0', { functionResponse: RESULT }),
      },
    ),
    chat(
      'developer turn later on',
      [
        { role: 'user', content: 'a' },
        { role: 'developer', content: 'b' },
      ],
      {
        'openai-responses': as('input.1.role', 'developer'),
        'anthropic-messages': as('messages.1', { role: 'system', content: 'b' }),
        'google-generate': left('messages[1].role'),
      },
    ),
  ],
  'openai-responses': [
    responses(
      'image by URL',
      [{ role: 'user', content: [{ type: 'input_image', image_url: 'https://example.org/a.png' }] }],
      {
        'openai-chat': as('messages.0.content.0.image_url.url', 'https://example.org/a.png'),
        'anthropic-messages': as('messages.0.content.0.source', { type: 'url', url: 'https://example.org/a.png' }),
        'google-generate': as('contents.0.parts.0', URL_PART),
      },
    ),
    responses(
      'function call and output',
      [
        { type: 'function_call', call_id: 'c1', name: 'look', arguments: '{"a":1}' },
        { type: 'function_call_output', call_id: 'c1', output: 'ok' },
      ],
      {
        'openai-chat': as('messages.0.tool_calls.0', CALL),
        'anthropic-messages': as('messages.0.content.0', TOOL_USE),
        'google-generate': as('contents.1.parts.0', { functionResponse: RESULT }),
      },
    ),
    responses(
      'encrypted reasoning',
      [
        { type: 'reasoning', id: 'rs_1', summary: [], encrypted_content: 'x' },
        { role: 'user', content: 'a' },
      ],
      {
        'openai-chat': left('messages[0].reasoning'),
        'anthropic-messages': left('messages[0].content[0]'),
        'google-generate': left('messages[0].content[0]'),
      },
    ),
  ],
  'anthropic-messages': [
    anthropic(
      'image in the body',
      [{ type: 'image', source: { type: 'base64', media_type: 'image/png', data: PNG } }],
      {
        'openai-chat': as('messages.0.content.0.image_url.url', `data:image/png;base64,${PNG}`),
        'openai-responses': as('input.0.content.0.image_url', `data:image/png;base64,${PNG}`),
        'google-generate': as('contents.0.parts.0', PNG_PART),
      },
    ),
    anthropic('file that the provider keeps', [{ type: 'image', source: { type: 'file', file_id: 'file_1' } }], {
      'openai-chat': no('file_id file_1'),
      'openai-responses': no('file_id file_1'),
      'google-generate': no('file_id file_1'),
    }),
    anthropic(
      'PDF in the body',
      [{ type: 'document', title: 'a.pdf', source: { type: 'base64', media_type: 'application/pdf', data: PDF } }],
      {
        'openai-chat': as('messages.0.content.0.file.file_data', `data:application/pdf;base64,${PDF}`),
        'openai-responses': as('input.0.content.0.file_data', `data:application/pdf;base64,${PDF}`),
        'google-generate': left('messages[0].content[0].name'),
      },
    ),
    anthropic('tool result', [{ type: 'tool_result', tool_use_id: 'c1', content: 'ok' }], {
      'openai-chat': as('messages.0', { role: 'tool', tool_call_id: 'c1', content: 'ok' }),
      'openai-responses': as('input.0.output', 'ok'),
      // No call of that id is in the conversation, so the function's name is not known.
      'google-generate': as('contents.0.parts.0', { functionResponse: { ...RESULT, name: 'c1' } }),
    }),
    anthropic('cache mark', [{ type: 'text', text: 'a', cache_control: { type: 'ephemeral' } }], {
      'openai-chat': left('messages[0].cache'),
      'openai-responses': left('cache_control'),
      'google-generate': left('messages[0].cache'),
    }),
    row(
      'signed thinking',
      {
        messages: [
          {
            role: 'assistant',
            content: [
              { type: 'thinking', thinking: 'h', signature: 's' },
              { type: 'text', text: 'a' },
            ],
          },
        ],
      },
      {
        'openai-chat': left('messages[0].reasoning'),
        'openai-responses': left('thinking'),
        'google-generate': left('messages[0].content[0]'),
      },
    ),
    row(
      'hosted tool',
      { tools: [{ type: 'web_search_20260318', name: 'web_search' }] },
      {
        'openai-chat': no('tools[0]'),
        'openai-responses': no('tools.web_search'),
        'google-generate': no('tools[0]'),
      },
    ),
    anthropic('search result block', [{ type: 'search_result', source: 's', title: 't', content: [] }], {
      'openai-chat': no('messages[0].content[0]'),
      'openai-responses': no('content.search_result'),
      'google-generate': no('messages[0].content[0]'),
    }),
  ],
  'google-generate': [
    google('image in the body', [user(PNG_PART)], {
      'openai-chat': as('messages.0.content.0.image_url.url', `data:image/png;base64,${PNG}`),
      'openai-responses': as('input.0.content.0.image_url', `data:image/png;base64,${PNG}`),
      'anthropic-messages': as('messages.0.content.0.source', { type: 'base64', media_type: 'image/png', data: PNG }),
    }),
    google('image by URL', [user(URL_PART)], {
      'openai-chat': as('messages.0.content.0.image_url.url', 'https://example.org/a.png'),
      'openai-responses': as('input.0.content.0.image_url', 'https://example.org/a.png'),
      'anthropic-messages': as('messages.0.content.0.source', { type: 'url', url: 'https://example.org/a.png' }),
    }),
    google('names in snake case', [user({ inline_data: { mime_type: 'image/png', data: PNG } })], {
      'openai-chat': as('messages.0.content.0.image_url.url', `data:image/png;base64,${PNG}`),
      'openai-responses': as('input.0.content.0.image_url', `data:image/png;base64,${PNG}`),
      'anthropic-messages': as('messages.0.content.0.source', { type: 'base64', media_type: 'image/png', data: PNG }),
    }),
    google('sound', [user({ inlineData: { mimeType: 'audio/wav', data: 'UklGRg==' } })], {
      'openai-chat': as('messages.0.content.0.input_audio', { data: 'UklGRg==', format: 'wav' }),
      'openai-responses': as('input.0.content.0.type', 'input_audio'),
      'anthropic-messages': no('messages[0].content[0]'),
    }),
    google('video', [user({ inlineData: { mimeType: 'video/mp4', data: 'AAAA' } })], {
      'openai-chat': no('messages[0].content[0]'),
      'openai-responses': no('content'),
      'anthropic-messages': no('messages[0].content[0]'),
    }),
    google('file that the provider keeps', [user({ fileData: { mimeType: 'image/png', fileUri: 'files/a' } })], {
      'openai-chat': no('file_id files/a'),
      'openai-responses': no('file_id files/a'),
      'anthropic-messages': no('file_id files/a'),
    }),
    google(
      'function call and response without ids',
      [
        model({ functionCall: { name: 'look', args: { a: 1 } } }),
        user({ functionResponse: { name: 'look', response: { output: 'ok' } } }),
      ],
      {
        'openai-chat': as('messages.1', { role: 'tool', tool_call_id: 'call_0', content: 'ok' }),
        'openai-responses': as('input.1.output', 'ok'),
        'anthropic-messages': as('messages.1.content.0', { type: 'tool_result', tool_use_id: 'call_0', content: 'ok' }),
      },
    ),
    google('thought signature', [model({ functionCall: { name: 'look' }, thoughtSignature: 'c2ln' })], {
      'openai-chat': left('messages[0].reasoning'),
      'openai-responses': left('generationConfig.thinkingConfig'),
      'anthropic-messages': left('messages[0].content[0]'),
    }),
    row(
      'hosted tool',
      { tools: [{ googleSearch: {} }] },
      {
        'openai-chat': no('tools[0]'),
        'openai-responses': no('tools.googleSearch'),
        'anthropic-messages': no('tools[0]'),
      },
    ),
    google('code that ran', [model({ executableCode: { language: 'PYTHON', code: '1' } })], {
      'openai-chat': no('messages[0].content[0]'),
      'openai-responses': no('content'),
      'anthropic-messages': no('messages[0].content[0]'),
    }),
  ],
};

const withConverse = (source: Source): Row[] =>
  WITHOUT_CONVERSE[source].map((one) => {
    const cell = CONTENT_TO_CONVERSE[source][one.field];
    return cell ? { ...one, to: { ...one.to, 'bedrock-converse': cell } } : one;
  });

/** Shapes of content in each source at each target. */
export const CONTENT_TABLE: Readonly<Record<Crossable, readonly Row[]>> = {
  'openai-chat': withConverse('openai-chat'),
  'openai-responses': withConverse('openai-responses'),
  'anthropic-messages': withConverse('anthropic-messages'),
  'google-generate': withConverse('google-generate'),
  'bedrock-converse': CONTENT_FROM_CONVERSE,
};

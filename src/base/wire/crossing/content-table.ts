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
const anthropic = (field: string, content: unknown[], to: Row['to']): Row =>
  row(field, { messages: [{ role: 'user', content }] }, to);

const CALL = { id: 'c1', type: 'function', function: { name: 'look', arguments: '{"a":1}' } };
const TOOL_USE = { type: 'tool_use', id: 'c1', name: 'look', input: { a: 1 } };

type Source = Exclude<Crossable, 'bedrock-converse'>;

const BETWEEN_THREE: Readonly<Record<Source, readonly Row[]>> = {
  'openai-chat': [
    chat(
      'image by URL',
      [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'https://example.org/a.png' } }] }],
      {
        'openai-responses': as('input.0.content.0.image_url', 'https://example.org/a.png'),
        'anthropic-messages': as('messages.0.content.0.source', { type: 'url', url: 'https://example.org/a.png' }),
      },
    ),
    chat(
      'image in the body',
      [{ role: 'user', content: [{ type: 'image_url', image_url: { url: `data:image/png;base64,${PNG}` } }] }],
      {
        'openai-responses': as('input.0.content.0.image_url', `data:image/png;base64,${PNG}`),
        'anthropic-messages': as('messages.0.content.0.source', { type: 'base64', media_type: 'image/png', data: PNG }),
      },
    ),
    chat(
      'audio',
      [{ role: 'user', content: [{ type: 'input_audio', input_audio: { data: 'UklGRg==', format: 'wav' } }] }],
      {
        'openai-responses': as('input.0.content.0.type', 'input_audio'),
        'anthropic-messages': no('messages[0].content[0]'),
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
      },
    ),
    anthropic('file that the provider keeps', [{ type: 'image', source: { type: 'file', file_id: 'file_1' } }], {
      'openai-chat': no('file_id file_1'),
      'openai-responses': no('file_id file_1'),
    }),
    anthropic(
      'PDF in the body',
      [{ type: 'document', title: 'a.pdf', source: { type: 'base64', media_type: 'application/pdf', data: PDF } }],
      {
        'openai-chat': as('messages.0.content.0.file.file_data', `data:application/pdf;base64,${PDF}`),
        'openai-responses': as('input.0.content.0.file_data', `data:application/pdf;base64,${PDF}`),
      },
    ),
    anthropic('tool result', [{ type: 'tool_result', tool_use_id: 'c1', content: 'ok' }], {
      'openai-chat': as('messages.0', { role: 'tool', tool_call_id: 'c1', content: 'ok' }),
      'openai-responses': as('input.0.output', 'ok'),
    }),
    anthropic('cache mark', [{ type: 'text', text: 'a', cache_control: { type: 'ephemeral' } }], {
      'openai-chat': left('messages[0].cache'),
      'openai-responses': left('cache_control'),
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
      },
    ),
    row(
      'hosted tool',
      { tools: [{ type: 'web_search_20260318', name: 'web_search' }] },
      {
        'openai-chat': no('tools[0]'),
        'openai-responses': no('tools.web_search'),
      },
    ),
    anthropic('search result block', [{ type: 'search_result', source: 's', title: 't', content: [] }], {
      'openai-chat': no('messages[0].content[0]'),
      'openai-responses': no('content.search_result'),
    }),
  ],
};

const withConverse = (source: Source): Row[] =>
  BETWEEN_THREE[source].map((one) => {
    const cell = CONTENT_TO_CONVERSE[source][one.field];
    return cell ? { ...one, to: { ...one.to, 'bedrock-converse': cell } } : one;
  });

/** Shapes of content in each source at each target. */
export const CONTENT_TABLE: Readonly<Record<Crossable, readonly Row[]>> = {
  'openai-chat': withConverse('openai-chat'),
  'openai-responses': withConverse('openai-responses'),
  'anthropic-messages': withConverse('anthropic-messages'),
  'bedrock-converse': CONTENT_FROM_CONVERSE,
};

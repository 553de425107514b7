import type {
  ContentBlock,
  Message,
  RawContentBlockDelta,
  RawMessageStreamEvent,
  StopReason,
  TextCitation,
  Usage,
} from '@anthropic-ai/sdk/resources/messages/messages.js';
import type { RecordedSet } from '../recorded.ts';

/** The SDK's union leaves out the two events that only the wire has. */
type WireEvent =
  | RawMessageStreamEvent
  | { readonly type: 'ping' }
  | {
      readonly type: 'error';
      readonly error: { readonly type: string; readonly message: string };
      readonly request_id: string;
    };

const USAGE = {
  input_tokens: 21,
  cache_creation_input_tokens: 3_000,
  cache_read_input_tokens: 1_500,
  cache_creation: { ephemeral_5m_input_tokens: 2_000, ephemeral_1h_input_tokens: 1_000 },
  output_tokens: 64,
  output_tokens_details: { thinking_tokens: 20 },
  server_tool_use: { web_search_requests: 2, web_fetch_requests: 1 },
  service_tier: 'standard',
  inference_geo: 'us',
  speed: 'standard',
} satisfies Usage;

const message = (content: ContentBlock[], stop_reason: StopReason | null, more: Partial<Message> = {}): Message => ({
  id: 'msg_lab0001',
  type: 'message',
  role: 'assistant',
  model: 'claude-sonnet-4-5-20250929',
  content,
  stop_reason,
  stop_sequence: null,
  stop_details: null,
  container: null,
  diagnostics: null,
  usage: USAGE,
  ...more,
});

const text = (value: string, citations: TextCitation[] | null = null): ContentBlock => ({
  type: 'text',
  text: value,
  citations,
});
const DIRECT = { type: 'direct' } as const;

const start: WireEvent = {
  type: 'message_start',
  message: message([], null, { usage: { ...USAGE, output_tokens: 1 } }),
};

function block(index: number, content_block: ContentBlock, deltas: readonly RawContentBlockDelta[] = []): WireEvent[] {
  return [
    { type: 'content_block_start', index, content_block },
    ...deltas.map((delta): WireEvent => ({ type: 'content_block_delta', index, delta })),
    { type: 'content_block_stop', index },
  ];
}

function end(stop_reason: StopReason, more: { stop_sequence?: string; explanation?: string } = {}): WireEvent[] {
  const { service_tier: _, inference_geo: __, cache_creation: ___, speed: ____, ...usage } = USAGE;
  const stop_details = more.explanation
    ? ({ type: 'refusal', category: 'general_harms', explanation: more.explanation } as const)
    : null;
  const delta = { stop_reason, stop_sequence: more.stop_sequence ?? null, stop_details, container: null };
  return [{ type: 'message_delta', delta, usage }, { type: 'message_stop' }];
}

const stream = (blocks: readonly WireEvent[], last: readonly WireEvent[]): WireEvent[] => [
  start,
  { type: 'ping' },
  ...blocks,
  ...last,
];

const textBlock = (index: number, ...pieces: string[]): WireEvent[] =>
  block(
    index,
    text(''),
    pieces.map((piece) => ({ type: 'text_delta', text: piece })),
  );

const CITATIONS: TextCitation[] = [
  {
    type: 'char_location',
    cited_text: 'a',
    document_index: 0,
    document_title: 'D',
    file_id: null,
    start_char_index: 0,
    end_char_index: 1,
  },
  {
    type: 'page_location',
    cited_text: 'b',
    document_index: 0,
    document_title: null,
    file_id: 'file_1',
    start_page_number: 1,
    end_page_number: 2,
  },
  {
    type: 'content_block_location',
    cited_text: 'c',
    document_index: 1,
    document_title: null,
    file_id: null,
    start_block_index: 0,
    end_block_index: 1,
  },
  {
    type: 'web_search_result_location',
    cited_text: 'd',
    encrypted_index: 'ZW5j',
    title: 'T',
    url: 'https://example.com/d',
  },
  {
    type: 'search_result_location',
    cited_text: 'e',
    search_result_index: 0,
    source: 's',
    title: 'T',
    start_block_index: 0,
    end_block_index: 1,
  },
];

const SERVER_TOOL: ContentBlock = {
  type: 'server_tool_use',
  id: 'srvtoolu_1',
  name: 'web_search',
  input: { query: 'lab' },
  caller: DIRECT,
};
const SEARCH_RESULT: ContentBlock = {
  type: 'web_search_tool_result',
  tool_use_id: 'srvtoolu_1',
  caller: DIRECT,
  content: [
    { type: 'web_search_result', title: 'T', url: 'https://example.com/d', encrypted_content: 'ZW5j', page_age: null },
  ],
};

/** Results of every other tool that the provider runs itself. */
const SERVER_RESULTS: ContentBlock[] = [
  {
    type: 'web_fetch_tool_result',
    tool_use_id: 'srvtoolu_2',
    caller: DIRECT,
    content: {
      type: 'web_fetch_result',
      url: 'https://example.com/d',
      retrieved_at: '2026-11-23T00:00:00Z',
      content: {
        type: 'document',
        title: null,
        citations: null,
        source: { type: 'text', media_type: 'text/plain', data: 'page' },
      },
    },
  },
  {
    type: 'code_execution_tool_result',
    tool_use_id: 'srvtoolu_3',
    content: { type: 'code_execution_result', content: [], return_code: 0, stdout: '4\n', stderr: '' },
  },
  {
    type: 'bash_code_execution_tool_result',
    tool_use_id: 'srvtoolu_4',
    content: { type: 'bash_code_execution_result', content: [], return_code: 0, stdout: 'ok\n', stderr: '' },
  },
  {
    type: 'text_editor_code_execution_tool_result',
    tool_use_id: 'srvtoolu_5',
    content: { type: 'text_editor_code_execution_create_result', is_file_update: false },
  },
  {
    type: 'tool_search_tool_result',
    tool_use_id: 'srvtoolu_6',
    content: {
      type: 'tool_search_tool_search_result',
      tool_references: [{ type: 'tool_reference', tool_name: 'get_weather' }],
    },
  },
  { type: 'container_upload', file_id: 'file_2' },
];

const tool = (id: string, input: unknown): ContentBlock => ({
  type: 'tool_use',
  id,
  name: 'get_weather',
  input,
  caller: DIRECT,
});
const toolBlock = (index: number, id: string, ...pieces: string[]): WireEvent[] =>
  block(
    index,
    tool(id, {}),
    pieces.map((partial_json) => ({ type: 'input_json_delta', partial_json })),
  );

const THINKING: ContentBlock = { type: 'thinking', thinking: 'Weigh it.', signature: 'c2lnbmF0dXJl' };
const REDACTED: ContentBlock = { type: 'redacted_thinking', data: 'cmVkYWN0ZWQ=' };
const thinkingBlock = block(0, { type: 'thinking', thinking: '', signature: '' }, [
  { type: 'thinking_delta', thinking: 'Weigh ' },
  { type: 'thinking_delta', thinking: 'it.' },
  { type: 'signature_delta', signature: 'c2lnbmF0dXJl' },
]);

const stopping = (reason: StopReason): { body: Message; events: WireEvent[] } => ({
  body: message([text('So far')], reason),
  events: stream(textBlock(0, 'So ', 'far'), end(reason)),
});

/** One of each shape that Messages gives. */
export const MESSAGES = {
  text: {
    body: message([text('Hello, naïve 🐙 world.')], 'end_turn'),
    events: stream(textBlock(0, 'Hello, ', 'naïve 🐙', ' world.'), end('end_turn')),
  },
  'tool-call': {
    body: message([text('Looking.'), tool('toolu_1', { city: 'Paris' })], 'tool_use'),
    events: stream(
      [...textBlock(0, 'Looking.'), ...toolBlock(1, 'toolu_1', '', '{"city":', '"Paris"}')],
      end('tool_use'),
    ),
  },
  'parallel-tool-calls': {
    body: message([tool('toolu_1', { city: 'Paris' }), tool('toolu_2', { city: 'Zürich' })], 'tool_use'),
    events: stream(
      [...toolBlock(0, 'toolu_1', '{"city":"Paris"}'), ...toolBlock(1, 'toolu_2', '{"city":"Zürich"}')],
      end('tool_use'),
    ),
  },
  thinking: {
    body: message([THINKING, text('Done.')], 'end_turn'),
    events: stream([...thinkingBlock, ...textBlock(1, 'Done.')], end('end_turn')),
  },
  'redacted-thinking': {
    body: message([REDACTED, text('Done.')], 'end_turn'),
    events: stream([...block(0, REDACTED), ...textBlock(1, 'Done.')], end('end_turn')),
  },
  citations: {
    body: message([text('Cited.', CITATIONS)], 'end_turn'),
    events: stream(
      block(0, text('', []), [
        { type: 'text_delta', text: 'Cited.' },
        ...CITATIONS.map((citation): RawContentBlockDelta => ({ type: 'citations_delta', citation })),
      ]),
      end('end_turn'),
    ),
  },
  'server-tools': {
    body: message([SERVER_TOOL, SEARCH_RESULT, ...SERVER_RESULTS, text('Found.')], 'end_turn'),
    events: stream(
      [
        ...block(0, { ...SERVER_TOOL, input: {} }, [{ type: 'input_json_delta', partial_json: '{"query":"lab"}' }]),
        ...[SEARCH_RESULT, ...SERVER_RESULTS].flatMap((result, i) => block(i + 1, result)),
        ...textBlock(SERVER_RESULTS.length + 2, 'Found.'),
      ],
      end('end_turn'),
    ),
  },
  'json-schema': {
    body: message([text('{"city":"Paris"}')], 'end_turn'),
    events: stream(textBlock(0, '{"city":', '"Paris"}'), end('end_turn')),
  },
  length: stopping('max_tokens'),
  'pause-turn': stopping('pause_turn'),
  'context-exceeded': stopping('model_context_window_exceeded'),
  'stop-sequence': {
    body: message([text('So far')], 'stop_sequence', { stop_sequence: '\n\nHuman:' }),
    events: stream(textBlock(0, 'So far'), end('stop_sequence', { stop_sequence: '\n\nHuman:' })),
  },
  refusal: {
    body: message([], 'refusal', { stop_details: { type: 'refusal', category: 'general_harms', explanation: 'No.' } }),
    events: stream([], end('refusal', { explanation: 'No.' })),
  },
  'error-event': {
    events: [
      start,
      ...textBlock(0, 'So '),
      { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' }, request_id: 'req_lab1' },
    ] satisfies WireEvent[],
  },
} satisfies RecordedSet;

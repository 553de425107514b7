import type {
  Response,
  ResponseOutputItem,
  ResponseStatus,
  ResponseUsage,
} from 'openai/resources/responses/responses.js';
import type { RecordedSet } from '../recorded.ts';
import { EVERY_EVENT } from './responses-events.ts';
import { type WireEvent, numbered, response } from './responses-wire.ts';

const MESSAGE: ResponseOutputItem = {
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  status: 'completed',
  content: [{ type: 'output_text', text: 'Hello, naïve 🐙 world.', annotations: [], logprobs: [] }],
};

const REFUSAL: ResponseOutputItem = { ...MESSAGE, content: [{ type: 'refusal', refusal: "I can't help with that." }] };

const CITED: ResponseOutputItem = {
  ...MESSAGE,
  content: [
    {
      type: 'output_text',
      text: 'Cited.',
      annotations: [
        { type: 'file_citation', file_id: 'file_1', filename: 'a.pdf', index: 0 },
        { type: 'url_citation', url: 'https://example.com/a', title: 'A', start_index: 0, end_index: 5 },
        {
          type: 'container_file_citation',
          container_id: 'cntr_1',
          file_id: 'cfile_1',
          filename: 'b.csv',
          start_index: 0,
          end_index: 5,
        },
        { type: 'file_path', file_id: 'file_2', index: 1 },
      ],
      logprobs: [
        { token: 'Cited', bytes: [67], logprob: -0.1, top_logprobs: [{ token: 'C', bytes: [67], logprob: -3 }] },
      ],
    },
  ],
};

const REASONING: ResponseOutputItem = {
  id: 'rs_1',
  type: 'reasoning',
  summary: [{ type: 'summary_text', text: 'Weighed it.' }],
  encrypted_content: 'lab-encrypted:V2VpZ2hlZCBpdC4=',
};

const call = (id: string, city: string): ResponseOutputItem => ({
  id: `fc_${id}`,
  type: 'function_call',
  status: 'completed',
  call_id: `call_${id}`,
  name: 'get_weather',
  arguments: `{"city":"${city}"}`,
});

const CUSTOM: ResponseOutputItem = {
  id: 'ctc_1',
  type: 'custom_tool_call',
  call_id: 'call_3',
  name: 'run_python',
  input: 'print("hi")\n',
};

const HOSTED: ResponseOutputItem[] = [
  { id: 'ws_1', type: 'web_search_call', status: 'completed', action: { type: 'search', query: 'lab' } },
  { id: 'fs_1', type: 'file_search_call', status: 'completed', queries: ['lab'], results: null },
  {
    id: 'ci_1',
    type: 'code_interpreter_call',
    status: 'completed',
    container_id: 'cntr_1',
    code: '2+2',
    outputs: [{ type: 'logs', logs: '4' }],
  },
  { id: 'ig_1', type: 'image_generation_call', status: 'completed', result: 'aGk=' },
  { id: 'mcp_1', type: 'mcp_call', status: 'completed', server_label: 's', name: 'n', arguments: '{}', output: 'ok' },
  { id: 'mcpl_1', type: 'mcp_list_tools', server_label: 's', tools: [{ name: 'n', input_schema: {} }] },
  { id: 'cmp_1', type: 'compaction', encrypted_content: 'Y29tcGFjdA==' },
];

const USAGE: ResponseUsage = {
  input_tokens: 1_200,
  input_tokens_details: { cached_tokens: 1_024, cache_write_tokens: 128 },
  output_tokens: 60,
  output_tokens_details: { reasoning_tokens: 40 },
  total_tokens: 1_260,
};

/** A unary answer, and the shortest stream that carries the same items whole. */
function recorded(output: ResponseOutputItem[], status: ResponseStatus = 'completed', more: Partial<Response> = {}) {
  const body = response({ status, output, usage: USAGE, ...more });
  const items = output.flatMap((item, output_index): WireEvent[] => [
    { type: 'response.output_item.added', output_index, item, sequence_number: 0 },
    { type: 'response.output_item.done', output_index, item, sequence_number: 0 },
  ]);
  const type = `response.${status}` as 'response.completed' | 'response.incomplete' | 'response.failed';
  const events: WireEvent[] = [
    { type: 'response.created', response: response({ status: 'in_progress' }), sequence_number: 0 },
    { type: 'response.in_progress', response: response({ status: 'in_progress' }), sequence_number: 0 },
    ...items,
    { type, response: body, sequence_number: 0 },
  ];
  return { body, events: numbered(events) };
}

/** One of each shape that Responses gives, and `every-event`: each type of the SDK's union once. */
export const RESPONSES = {
  text: recorded([MESSAGE]),
  'tool-call': recorded([call('1', 'Paris')]),
  'parallel-tool-calls': recorded([call('1', 'Paris'), call('2', 'Zürich')]),
  'custom-tool-call': recorded([CUSTOM]),
  reasoning: recorded([REASONING, MESSAGE]),
  refusal: recorded([REFUSAL]),
  citations: recorded([CITED]),
  'hosted-tools': recorded([...HOSTED, MESSAGE]),
  length: recorded([{ ...MESSAGE, status: 'incomplete' }], 'incomplete', {
    incomplete_details: { reason: 'max_output_tokens' },
  }),
  'content-filter': recorded([{ ...MESSAGE, status: 'incomplete' }], 'incomplete', {
    incomplete_details: { reason: 'content_filter' },
  }),
  failed: recorded([], 'failed', {
    error: { code: 'server_error', message: 'The model failed to generate a response.' },
  }),
  'every-event': { events: EVERY_EVENT },
} satisfies RecordedSet;

import type { ChatCompletion, ChatCompletionChunk } from 'openai/resources/chat/completions/completions.js';
import type { RecordedSet } from '../recorded.ts';

type Finish = ChatCompletion['choices'][number]['finish_reason'];
type Message = ChatCompletion['choices'][number]['message'];
type Delta = ChatCompletionChunk['choices'][number]['delta'];
type Logprobs = ChatCompletion['choices'][number]['logprobs'];

const USAGE = {
  prompt_tokens: 1_200,
  completion_tokens: 60,
  total_tokens: 1_260,
  prompt_tokens_details: { cached_tokens: 1_024, audio_tokens: 12 },
  completion_tokens_details: {
    reasoning_tokens: 40,
    audio_tokens: 8,
    accepted_prediction_tokens: 3,
    rejected_prediction_tokens: 2,
  },
} satisfies ChatCompletion['usage'];

const HEAD = {
  id: 'chatcmpl-lab0001',
  created: 1_764_000_000,
  model: 'gpt-4o-2024-08-06',
  service_tier: 'default',
  system_fingerprint: 'fp_lab0000001',
} satisfies Partial<ChatCompletion>;

const body = (message: Partial<Message>, finish_reason: Finish, logprobs: Logprobs = null): ChatCompletion => ({
  ...HEAD,
  object: 'chat.completion',
  choices: [
    { index: 0, message: { role: 'assistant', content: null, refusal: null, ...message }, logprobs, finish_reason },
  ],
  usage: USAGE,
});

const chunk = (delta: Delta, finish_reason: Finish | null = null, logprobs: Logprobs = null): ChatCompletionChunk => ({
  ...HEAD,
  object: 'chat.completion.chunk',
  choices: [{ index: 0, delta, logprobs, finish_reason }],
  usage: null,
});

const LAST = { ...HEAD, object: 'chat.completion.chunk', choices: [], usage: USAGE } satisfies ChatCompletionChunk;
const ROLE: Delta = { role: 'assistant', content: '', refusal: null };

const stream = (deltas: readonly Delta[], finish: Finish): ChatCompletionChunk[] => [
  chunk(ROLE),
  ...deltas.map((delta) => chunk(delta)),
  chunk({}, finish),
  LAST,
];

const LOGPROBS = {
  content: [
    {
      token: 'Hi',
      logprob: -0.1,
      bytes: [72, 105],
      top_logprobs: [{ token: 'Hey', logprob: -2.5, bytes: [72, 101, 121] }],
    },
    { token: '🐙', logprob: -1.5, bytes: null, top_logprobs: [] },
  ],
  refusal: null,
} satisfies Logprobs;

const functionCall = (id: string, city: string) => ({
  id,
  type: 'function' as const,
  function: { name: 'get_weather', arguments: `{"city":"${city}"}` },
});

/** One of each shape that Chat Completions gives. */
export const CHAT = {
  text: {
    body: body({ content: 'Hello, naïve 🐙 world.' }, 'stop'),
    events: stream([{ content: 'Hello, ' }, { content: 'naïve 🐙' }, { content: ' world.' }], 'stop'),
  },
  'tool-call': {
    body: body({ tool_calls: [functionCall('call_1', 'Paris')] }, 'tool_calls'),
    events: stream(
      [
        {
          tool_calls: [{ index: 0, id: 'call_1', type: 'function', function: { name: 'get_weather', arguments: '' } }],
        },
        { tool_calls: [{ index: 0, function: { arguments: '{"city":' } }] },
        { tool_calls: [{ index: 0, function: { arguments: '"Paris"}' } }] },
      ],
      'tool_calls',
    ),
  },
  'parallel-tool-calls': {
    body: body(
      { content: 'Both.', tool_calls: [functionCall('call_1', 'Paris'), functionCall('call_2', 'Zürich')] },
      'tool_calls',
    ),
    events: stream(
      [
        { content: 'Both.' },
        {
          tool_calls: [{ index: 0, id: 'call_1', type: 'function', function: { name: 'get_weather', arguments: '' } }],
        },
        { tool_calls: [{ index: 0, function: { arguments: '{"city":"Paris"}' } }] },
        {
          tool_calls: [{ index: 1, id: 'call_2', type: 'function', function: { name: 'get_weather', arguments: '' } }],
        },
        { tool_calls: [{ index: 1, function: { arguments: '{"city":"Zürich"}' } }] },
      ],
      'tool_calls',
    ),
  },
  'custom-tool-call': {
    body: body(
      { tool_calls: [{ id: 'call_3', type: 'custom', custom: { name: 'run_python', input: 'print("hi")\n' } }] },
      'tool_calls',
    ),
    events: stream(
      [
        { tool_calls: [{ index: 0, id: 'call_3', type: 'custom', custom: { name: 'run_python', input: '' } }] },
        { tool_calls: [{ index: 0, custom: { input: 'print(' } }] },
        { tool_calls: [{ index: 0, custom: { input: '"hi")\n' } }] },
      ],
      'tool_calls',
    ),
  },
  'function-call': {
    body: body({ function_call: { name: 'get_weather', arguments: '{}' } }, 'function_call'),
    events: stream(
      [{ function_call: { name: 'get_weather', arguments: '' } }, { function_call: { arguments: '{}' } }],
      'function_call',
    ),
  },
  refusal: {
    body: body({ refusal: "I'm sorry, I can't assist with that." }, 'stop'),
    events: stream([{ refusal: "I'm sorry, " }, { refusal: "I can't assist with that." }], 'stop'),
  },
  'content-filter': {
    body: body({ content: 'The answer is' }, 'content_filter'),
    events: stream([{ content: 'The answer is' }], 'content_filter'),
  },
  length: { body: body({ content: 'Once upon a' }, 'length'), events: stream([{ content: 'Once upon a' }], 'length') },
  'json-schema': {
    body: body({ content: '{"city":"Paris","celsius":18}' }, 'stop'),
    events: stream([{ content: '{"city":"Paris",' }, { content: '"celsius":18}' }], 'stop'),
  },
  logprobs: {
    body: body({ content: 'Hi🐙' }, 'stop', LOGPROBS),
    events: [
      chunk(ROLE),
      chunk({ content: 'Hi' }, null, { content: [LOGPROBS.content[0]!], refusal: null }),
      chunk({ content: '🐙' }, null, { content: [LOGPROBS.content[1]!], refusal: null }),
      chunk({}, 'stop'),
      LAST,
    ],
  },
  citations: {
    body: body(
      {
        content: 'Headline [1].',
        annotations: [
          {
            type: 'url_citation',
            url_citation: { url: 'https://example.com/a', title: 'A', start_index: 9, end_index: 12 },
          },
        ],
      },
      'stop',
    ),
  },
  audio: {
    body: body({ audio: { id: 'audio_1', data: 'UklGRg==', expires_at: 1_764_003_600, transcript: 'Hello.' } }, 'stop'),
    events: stream(
      [
        { audio: { id: 'audio_1', transcript: 'Hel' } },
        { audio: { transcript: 'lo.', data: 'UklG' } },
        { audio: { data: 'Rg==', expires_at: 1_764_003_600 } },
      ],
      'stop',
    ),
  },
  'usage-with-choices': {
    // Several compatible servers put usage beside the last choice instead of into a chunk of its own.
    events: [chunk(ROLE), chunk({ content: 'Hi' }), { ...chunk({}, 'stop'), usage: USAGE }],
  },
} satisfies RecordedSet;

import type { ConverseResponse, ConverseStreamOutput } from '@aws-sdk/client-bedrock-runtime';
import type { RecordedSet } from '../recorded.ts';

/** A whole answer; blobs are base64 on the wire. */
type Body = Omit<ConverseResponse, '$metadata'>;

const USAGE = {
  inputTokens: 21,
  outputTokens: 64,
  totalTokens: 4_585,
  cacheReadInputTokens: 1_500,
  cacheWriteInputTokens: 3_000,
  cacheDetails: [
    { ttl: '5m', inputTokens: 2_000 },
    { ttl: '1h', inputTokens: 1_000 },
  ],
} satisfies Body['usage'];

const answer = (content: object[], stopReason: Body['stopReason'], more: Partial<Body> = {}): Body => ({
  output: { message: { role: 'assistant', content: content as never } },
  stopReason,
  usage: USAGE,
  metrics: { latencyMs: 1_275 },
  ...more,
});

const start: ConverseStreamOutput = { messageStart: { role: 'assistant' } };
const text = (value: string, contentBlockIndex = 0): ConverseStreamOutput => ({
  contentBlockDelta: { delta: { text: value }, contentBlockIndex },
});
const stop = (contentBlockIndex = 0): ConverseStreamOutput => ({ contentBlockStop: { contentBlockIndex } });
const end = (stopReason: Body['stopReason'], more: object = {}): ConverseStreamOutput[] => [
  { messageStop: { stopReason } },
  { metadata: { usage: USAGE, metrics: { latencyMs: 1_275 }, ...more } },
];

/** As the guide to guardrails shows it (docs.aws.amazon.com, bedrock/latest/userguide/guardrails-use-converse-api). */
const TRACE = {
  guardrail: {
    inputAssessment: {
      '3o06191495ze': {
        topicPolicy: { topics: [{ name: 'Music', type: 'DENY', action: 'BLOCKED' }] },
        invocationMetrics: {
          guardrailProcessingLatency: 240,
          usage: {
            topicPolicyUnits: 1,
            contentPolicyUnits: 0,
            wordPolicyUnits: 0,
            sensitiveInformationPolicyUnits: 0,
            sensitiveInformationPolicyFreeUnits: 0,
            contextualGroundingPolicyUnits: 0,
          },
          guardrailCoverage: { textCharacters: { guarded: 39, total: 72 } },
        },
      },
    },
  },
} satisfies Body['trace'];

/** Answers in the form that the SDK's types give them. */
export const CONVERSE = {
  text: {
    body: answer([{ text: 'Grüße aus Köln.' }], 'end_turn'),
    events: [start, text('Grüße '), text('aus Köln.'), stop(), ...end('end_turn')],
  },
  'tool-use': {
    body: answer(
      [
        { text: 'I look.' },
        { toolUse: { toolUseId: 'tooluse_1', name: 'weather', input: { city: 'Köln' } } },
        { toolUse: { toolUseId: 'tooluse_2', name: 'weather', input: {} } },
      ],
      'tool_use',
    ),
    events: [
      start,
      text('I look.'),
      stop(),
      { contentBlockStart: { start: { toolUse: { toolUseId: 'tooluse_1', name: 'weather' } }, contentBlockIndex: 1 } },
      { contentBlockDelta: { delta: { toolUse: { input: '{"city":' } }, contentBlockIndex: 1 } },
      { contentBlockDelta: { delta: { toolUse: { input: '"Köln"}' } }, contentBlockIndex: 1 } },
      stop(1),
      { contentBlockStart: { start: { toolUse: { toolUseId: 'tooluse_2', name: 'weather' } }, contentBlockIndex: 2 } },
      { contentBlockDelta: { delta: { toolUse: { input: '' } }, contentBlockIndex: 2 } },
      stop(2),
      ...end('tool_use'),
    ],
  },
  reasoning: {
    body: answer(
      [{ reasoningContent: { reasoningText: { text: 'Let me think.', signature: 'c2ln' } } }, { text: 'Four.' }],
      'end_turn',
    ),
    events: [
      start,
      { contentBlockDelta: { delta: { reasoningContent: { text: 'Let me ' } }, contentBlockIndex: 0 } },
      { contentBlockDelta: { delta: { reasoningContent: { text: 'think.' } }, contentBlockIndex: 0 } },
      { contentBlockDelta: { delta: { reasoningContent: { signature: 'c2ln' } }, contentBlockIndex: 0 } },
      stop(),
      text('Four.', 1),
      stop(1),
      ...end('end_turn'),
    ],
  },
  guardrail: {
    body: answer([{ text: 'Sorry, I cannot talk about music.' }], 'guardrail_intervened', { trace: TRACE }),
    events: [
      start,
      text('Sorry, I cannot talk about music.'),
      stop(),
      ...end('guardrail_intervened', { trace: TRACE }),
    ],
  },
} as const satisfies RecordedSet;

import type { RecordedSet } from '../recorded.ts';

/**
 * Answers of the Gemini API in its published form (https://ai.google.dev/api/generate-content, and the types of
 * @google/genai 3.3.0): every kind of part, finish and metadata that a gateway must leave as it is.
 */
const META = { modelVersion: 'gemini-lab', responseId: 'lab-response-1' };
const USAGE = {
  promptTokenCount: 12,
  candidatesTokenCount: 5,
  totalTokenCount: 17,
  promptTokensDetails: [{ modality: 'TEXT', tokenCount: 12 }],
};

const answer = (parts: object[], finishReason: string, more: object = {}, usage: object = USAGE): object => ({
  candidates: [{ content: { parts, role: 'model' }, finishReason, index: 0, ...more }],
  usageMetadata: usage,
  ...META,
});
const piece = (parts: object[], more: object = {}): object => ({
  candidates: [{ content: { parts, role: 'model' }, index: 0, ...more }],
  usageMetadata: { promptTokenCount: 12, totalTokenCount: 12 },
  ...META,
});

const CALL = {
  functionCall: { name: 'get_weather', args: { city: 'Paris' }, id: 'fc-1' },
  thoughtSignature: 'bGFiLTE=',
};
const SECOND = { functionCall: { name: 'get_weather', args: { city: 'Zürich' }, id: 'fc-2' } };
const THOUGHT_USAGE = { ...USAGE, totalTokenCount: 37, thoughtsTokenCount: 20 };
const GROUNDING = {
  groundingMetadata: {
    webSearchQueries: ['lab weather'],
    searchEntryPoint: { renderedContent: '<div></div>' },
    groundingChunks: [{ web: { uri: 'https://example.com/a', title: 'example.com' } }],
    groundingSupports: [{ segment: { endIndex: 4, text: 'Fine' }, groundingChunkIndices: [0] }],
  },
};

export const GENERATE = {
  text: {
    body: answer([{ text: 'Hello there' }], 'STOP', { avgLogprobs: -0.1 }),
    events: [piece([{ text: 'Hello ' }]), answer([{ text: 'there' }], 'STOP')],
  },
  thoughts: {
    body: answer(
      [
        { text: 'Weigh it.', thought: true },
        { text: 'Yes.', thoughtSignature: 'bGFiLTI=' },
      ],
      'STOP',
      {},
      THOUGHT_USAGE,
    ),
    events: [
      piece([{ text: 'Weigh ', thought: true }]),
      piece([{ text: 'it.', thought: true }]),
      piece([{ text: 'Yes.' }]),
      answer([{ text: '', thoughtSignature: 'bGFiLTI=' }], 'STOP', {}, THOUGHT_USAGE),
    ],
  },
  'tool-call': { body: answer([CALL], 'STOP'), events: [piece([CALL]), answer([{ text: '' }], 'STOP')] },
  'parallel-tool-calls': {
    body: answer([CALL, SECOND], 'STOP'),
    events: [piece([CALL]), piece([SECOND]), answer([{ text: '' }], 'STOP')],
  },
  // Older models name no id and sign nothing.
  'tool-call-without-id': {
    body: answer([{ functionCall: { name: 'get_weather', args: { city: 'Paris' } } }], 'STOP'),
    events: [answer([{ functionCall: { name: 'get_weather', args: { city: 'Paris' } } }], 'STOP')],
  },
  'max-tokens': {
    body: answer([{ text: 'Hello' }], 'MAX_TOKENS'),
    events: [answer([{ text: 'Hello' }], 'MAX_TOKENS')],
  },
  safety: {
    body: {
      candidates: [
        {
          finishReason: 'SAFETY',
          index: 0,
          safetyRatings: [{ category: 'HARM_CATEGORY_HARASSMENT', probability: 'HIGH', blocked: true }],
        },
      ],
      usageMetadata: { promptTokenCount: 12, totalTokenCount: 12 },
      ...META,
    },
    events: [
      piece([{ text: 'So ' }]),
      { candidates: [{ finishReason: 'SAFETY', index: 0 }], usageMetadata: USAGE, ...META },
    ],
  },
  'blocked-prompt': {
    body: {
      promptFeedback: { blockReason: 'PROHIBITED_CONTENT' },
      usageMetadata: { promptTokenCount: 12, totalTokenCount: 12 },
      ...META,
    },
    events: [
      {
        promptFeedback: { blockReason: 'PROHIBITED_CONTENT' },
        usageMetadata: { promptTokenCount: 12, totalTokenCount: 12 },
        ...META,
      },
    ],
  },
  grounded: {
    body: answer([{ text: 'Fine' }], 'STOP', GROUNDING, { ...USAGE, totalTokenCount: 60, toolUsePromptTokenCount: 43 }),
    events: [
      piece([{ text: 'Fine' }]),
      answer([{ text: '' }], 'STOP', GROUNDING, { ...USAGE, totalTokenCount: 60, toolUsePromptTokenCount: 43 }),
    ],
  },
  code: {
    body: answer(
      [
        { executableCode: { language: 'PYTHON', code: 'print(1)' } },
        { codeExecutionResult: { outcome: 'OUTCOME_OK', output: '1\n' } },
        { text: 'One.' },
      ],
      'STOP',
    ),
    events: [
      piece([{ executableCode: { language: 'PYTHON', code: 'print(1)' } }]),
      piece([{ codeExecutionResult: { outcome: 'OUTCOME_OK', output: '1\n' } }]),
      answer([{ text: 'One.' }], 'STOP'),
    ],
  },
  image: {
    body: answer([{ inlineData: { mimeType: 'image/png', data: 'iVBORw0KGgo=' } }], 'STOP'),
    events: [answer([{ inlineData: { mimeType: 'image/png', data: 'iVBORw0KGgo=' } }], 'STOP')],
  },
  'error-event': {
    events: [
      piece([{ text: 'So ' }]),
      { error: { code: 503, message: 'The model is overloaded. Please try again later.', status: 'UNAVAILABLE' } },
    ],
  },
} as const satisfies RecordedSet;

const INFO = 'type.googleapis.com/google.rpc.ErrorInfo';

/** Error bodies as the API words them. */
export const GOOGLE_ERRORS = {
  rateLimit: {
    error: {
      code: 429,
      message: 'You exceeded your current quota, please check your plan and billing details.',
      status: 'RESOURCE_EXHAUSTED',
      details: [
        {
          '@type': 'type.googleapis.com/google.rpc.QuotaFailure',
          violations: [{ quotaMetric: 'generativelanguage.googleapis.com/generate_content_requests', quotaValue: '5' }],
        },
        { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '7s' },
      ],
    },
  },
  authentication: {
    error: {
      code: 400,
      message: 'API key not valid. Please pass a valid API key.',
      status: 'INVALID_ARGUMENT',
      details: [{ '@type': INFO, reason: 'API_KEY_INVALID', domain: 'googleapis.com' }],
    },
  },
  invalid: {
    error: {
      code: 400,
      message: "Invalid value at 'contents[0].parts' (oneof), oneof field 'data' is already set.",
      status: 'INVALID_ARGUMENT',
      details: [
        {
          '@type': 'type.googleapis.com/google.rpc.BadRequest',
          fieldViolations: [{ field: 'contents[0].parts', description: 'already set' }],
        },
      ],
    },
  },
  overloaded: {
    error: { code: 503, message: 'The model is overloaded. Please try again later.', status: 'UNAVAILABLE' },
  },
} as const;

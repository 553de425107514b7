import { LONG_TIMERS, type ProviderData } from './provider-data.ts';

/** What both ways of calling Amazon Bedrock's runtime have in common. */
export const BEDROCK = {
  baseUrl: 'https://bedrock-runtime.{region}.amazonaws.com',
  options: { region: { variables: ['AWS_REGION', 'AWS_DEFAULT_REGION'], example: 'us-east-1' } },
  // With a key of Bedrock's own; without one each request is signed.
  auth: {
    header: 'authorization',
    prefix: 'Bearer ',
    required: false,
    chain: { platform: 'aws', service: 'bedrock' },
  },
  keyVariable: 'AWS_BEARER_TOKEN_BEDROCK',
  query: {},
  headers: {},
  passHeaders: [],
  refusedHints: {},
  maxOutputTokensField: 'max_tokens',
  streamUsage: 'always',
  rateLimitHeaders: [],
  requestIdHeader: 'x-amzn-requestid',
  // 424 ModelErrorException: the model behind the API failed.
  retryStatuses: [424],
  onDisconnect: 'cancel',
  timers: LONG_TIMERS,
  priceBook: 'aws',
  keepsIds: false,
} as const satisfies Partial<ProviderData>;

/** Its newer endpoint, which speaks the vendors' own APIs. */
export const MANTLE = {
  ...BEDROCK,
  baseUrl: 'https://bedrock-mantle.{region}.api.aws',
  auth: { ...BEDROCK.auth, chain: { platform: 'aws', service: 'bedrock-mantle' } },
  keepsIds: true,
} as const satisfies Partial<ProviderData>;

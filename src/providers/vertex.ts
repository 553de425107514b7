import type { ProviderData } from './provider-data.ts';

/** What all models of Vertex AI have in common. Hosts as Google's and Anthropic's SDKs make them. */
export const VERTEX = {
  baseUrl: 'https://{location}-aiplatform.googleapis.com/v1',
  baseUrlAt: {
    option: 'location',
    urls: {
      global: 'https://aiplatform.googleapis.com/v1',
      us: 'https://aiplatform.us.rep.googleapis.com/v1',
      eu: 'https://aiplatform.eu.rep.googleapis.com/v1',
    },
  },
  options: {
    project: {
      variables: ['ANTHROPIC_VERTEX_PROJECT_ID', 'GOOGLE_CLOUD_PROJECT', 'GCLOUD_PROJECT'],
      example: 'my-project',
    },
    location: { variables: ['CLOUD_ML_REGION', 'GOOGLE_CLOUD_LOCATION'], example: 'europe-west1' },
  },
  auth: {
    header: 'authorization',
    prefix: 'Bearer ',
    required: false,
    chain: { platform: 'google', scope: 'https://www.googleapis.com/auth/cloud-platform' },
  },
  keyVariable: null,
  query: {},
  headers: {},
  passHeaders: [],
  refusedHints: {},
  maxOutputTokensField: 'max_tokens',
  streamUsage: 'always',
  rateLimitHeaders: [],
  requestIdHeader: null,
  retryStatuses: [],
  onDisconnect: 'cancel',
  priceBook: 'google',
  keepsIds: false,
} as const satisfies Partial<ProviderData>;

import { type ProviderData } from '../provider-data.ts';
import { VERTEX } from '../vertex.ts';
import { gemini } from './gemini.ts';

const MODEL = '/projects/{project}/locations/{location}/publishers/google/models/{model}';

/** Gemini on Vertex AI, in Google's own form. */
export const vertexGemini: ProviderData = {
  ...VERTEX,
  name: 'vertex-gemini',
  title: 'Google Vertex AI, Gemini',
  paths: { 'google-generate': `${MODEL}:generateContent` },
  streamPaths: { 'google-generate': `${MODEL}:streamGenerateContent?alt=sse` },
  largest: gemini.largest,
  maxOutputTokens: gemini.maxOutputTokens,
  timers: gemini.timers,
  keepsIds: true,
  notes: [
    'The body is that of the Gemini API; a part names `gs://` objects and cached contents of the project instead of uploaded files.',
    'Tokens are estimated: Vertex counts another body than the Gemini API.',
    'An `apiKey` here is an access token, which lives an hour: leave it out, and the platform’s chain keeps one fresh.',
  ],
  source: { url: 'https://www.npmjs.com/package/@google/genai/v/3.3.0', read: '2026-11-25' },
  verified: 'sdk',
};

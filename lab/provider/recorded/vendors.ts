import type { RecordedSet } from '../recorded.ts';

/** Answers of rerank endpoints as the vendors' reference pages show them (docs.cohere.com, docs.voyageai.com, api.jina.ai). */
export const RERANK = {
  cohere: {
    body: {
      results: [
        { index: 3, relevance_score: 0.999071 },
        { index: 4, relevance_score: 0.7867867 },
        { index: 0, relevance_score: 0.32713068 },
      ],
      id: '07734bd2-2473-4f07-94e1-0d9f0e6843cf',
      meta: { api_version: { version: '2', is_experimental: false }, billed_units: { search_units: 1 } },
    },
  },
  voyage: {
    body: {
      object: 'list',
      data: [
        { relevance_score: 0.4375, index: 0 },
        { relevance_score: 0.421875, index: 1 },
      ],
      model: 'rerank-lite-1',
      usage: { total_tokens: 26 },
    },
  },
  jina: {
    body: {
      model: 'jina-reranker-v2-base-multilingual',
      object: 'list',
      usage: { total_tokens: 815 },
      results: [
        { index: 0, relevance_score: 0.8783142566680908, document: { text: 'Organic skincare for sensitive skin' } },
        { index: 2, relevance_score: 0.7624675869941711, document: { text: 'Bio-Hautpflege für empfindliche Haut' } },
      ],
    },
  },
} as const satisfies RecordedSet;

/** Cohere's embed v2 as its reference page shows it, vectors shortened. */
export const EMBED_V2 = {
  cohere: {
    body: {
      id: 'da6e531f-54c5-4a73-bf92-f60566d8d753',
      embeddings: {
        float: [
          [0.016296387, -0.008354187, -0.04699707],
          [0.04663086, -0.023239136, 0.008163452],
        ],
      },
      texts: ['hello', 'goodbye'],
      meta: { api_version: { version: '2', is_experimental: true }, billed_units: { input_tokens: 2 } },
    },
  },
} as const satisfies RecordedSet;

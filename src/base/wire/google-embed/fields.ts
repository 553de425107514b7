import type { FieldSpec } from '../google-generate/fields.ts';

/** Every field of an embedding request (@google/genai 3.3.0 `EmbedContentConfig`, as the Gemini API takes it). */
export const EMBED_FIELDS: Readonly<Record<string, FieldSpec>> = {
  model: { class: 'meaning', sample: 'models/gemini-embedding-001' },
  content: { class: 'meaning', sample: { parts: [{ text: 'a text' }] } },
  outputDimensionality: { class: 'meaning', sample: 256 },
  taskType: { class: 'meaning', sample: 'RETRIEVAL_QUERY' },
  title: { class: 'meaning', sample: 'A title' },
};

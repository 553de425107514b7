import type { FieldSample } from '#wire/openai-chat/fields.ts';

/** Every field of an embedding request (openai 7.57.0 `EmbeddingCreateParams`). */
export const EMBEDDING_FIELDS: Readonly<Record<string, FieldSample>> = {
  input: { class: 'meaning', sample: ['first text', 'second text'] },
  model: { class: 'meaning', sample: 'text-embedding-3-small' },
  dimensions: { class: 'meaning', sample: 256 },
  encoding_format: { class: 'meaning', sample: 'base64' },
  user: { class: 'hint', sample: 'user-7f3a' },
};

/**
 * Fields of other providers that may be left out. All others (`input_type`, `task`, `truncate`, `normalize`,
 * `prompt_name`) change the vectors.
 */
export const FOREIGN_HINTS: ReadonlySet<string> = new Set(['priority', 'request_id', 'provider', 'safety_identifier']);

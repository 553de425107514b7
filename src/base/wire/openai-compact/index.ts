import type { Dialect } from '#wire/dialect.ts';
import { openaiResponses } from '#wire/openai-responses/index.ts';

/**
 * OpenAI's `POST /v1/responses/compact` (openai 7.57.0, `ResponseCompactParams`, `CompactedResponse`): a metered call
 * that answers with the shorter input of the next one. Codex compacts by it (clients.md 5). Its usage, items and errors
 * are those of Responses; it never streams and takes no limit of output.
 */
export const openaiCompact: Dialect = {
  ...openaiResponses,
  name: 'openai-compact',
  seams: { ...openaiResponses.seams!, parameters: {} },
  patch: (request, { maxOutputTokens: _, ...changes }) => openaiResponses.patch(request, changes),
};

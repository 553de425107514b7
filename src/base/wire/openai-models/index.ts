/** A model as callers may name it. */
export interface ListedModel {
  readonly name: string;
  /** Seconds since the epoch when it was declared. */
  readonly createdS: number;
  readonly displayName?: string;
  readonly maxInputTokens?: number;
  readonly maxOutputTokens?: number;
}

/** OpenAI's `Model` (openai 7.57.0). */
export const openaiModel = (model: ListedModel): object => ({
  id: model.name,
  object: 'model',
  created: model.createdS,
  owned_by: 'headgate',
});

/** `GET /v1/models` for clients of OpenAI: one page with everything. */
export const openaiModelList = (models: readonly ListedModel[]): object => ({
  object: 'list',
  data: models.map(openaiModel),
});

/** Anthropic's `ModelInfo` (@anthropic-ai/sdk 1.12.0). What we do not know of a model is null. */
export const anthropicModel = (model: ListedModel): object => ({
  type: 'model',
  id: model.name,
  display_name: model.displayName ?? model.name,
  created_at: new Date(model.createdS * 1000).toISOString().replace('.000Z', 'Z'),
  capabilities: null,
  deprecated_at: null,
  lifecycle: 'active',
  line: null,
  max_input_tokens: model.maxInputTokens ?? null,
  max_tokens: model.maxOutputTokens ?? null,
  retires_at: null,
});

/** Query of Anthropic's list. Claude Code asks for `limit=1000` (clients.md 1). */
export interface ModelPage {
  readonly limit?: number;
  readonly afterId?: string;
  readonly beforeId?: string;
}
/** Anthropic's own default and bound of a page. */
const DEFAULT_LIMIT = 20;
const MAX_LIMIT = 1000;

/** `GET /v1/models` for clients of Anthropic, in pages. An id that is not listed gives the page from that end. */
export function anthropicModelList(models: readonly ListedModel[], page: ModelPage = {}): object {
  const limit = Math.min(Math.max(1, page.limit ?? DEFAULT_LIMIT), MAX_LIMIT);
  const shown = page.beforeId === undefined ? after(models, page.afterId, limit) : before(models, page.beforeId, limit);
  return {
    data: shown.data.map(anthropicModel),
    first_id: shown.data[0]?.name ?? null,
    has_more: shown.more,
    last_id: shown.data.at(-1)?.name ?? null,
  };
}

interface Shown {
  readonly data: readonly ListedModel[];
  readonly more: boolean;
}

function after(models: readonly ListedModel[], id: string | undefined, limit: number): Shown {
  const from = models.findIndex((model) => model.name === id) + 1;
  return { data: models.slice(from, from + limit), more: from + limit < models.length };
}

function before(models: readonly ListedModel[], id: string, limit: number): Shown {
  const at = models.findIndex((model) => model.name === id);
  const to = at < 0 ? models.length : at;
  return { data: models.slice(Math.max(0, to - limit), to), more: to - limit > 0 };
}

/** What every model of the gate may be asked for by Google's API. */
const METHODS = ['generateContent', 'streamGenerateContent', 'countTokens', 'embedContent', 'batchEmbedContents'];

/** Google's `Model` of the Gemini API (@google/genai 3.3.0). What we do not know of a model is left out. */
export const googleModel = (model: ListedModel): object => ({
  name: `models/${model.name}`,
  version: '001',
  displayName: model.displayName ?? model.name,
  supportedGenerationMethods: METHODS,
  ...(model.maxInputTokens !== undefined && { inputTokenLimit: model.maxInputTokens }),
  ...(model.maxOutputTokens !== undefined && { outputTokenLimit: model.maxOutputTokens }),
});

/** `GET /v1beta/models`: Google's own default and bound of a page are 50 and 1000. */
const GOOGLE_PAGE = { usual: 50, most: 1000 };

/** One page; its token is the name of the last model before it. */
export function googleModelList(
  models: readonly ListedModel[],
  page: { readonly size?: number; readonly token?: string } = {},
): object {
  const size = Math.min(Math.max(1, page.size || GOOGLE_PAGE.usual), GOOGLE_PAGE.most);
  const shown = after(models, page.token, size);
  return {
    models: shown.data.map(googleModel),
    ...(shown.more && { nextPageToken: shown.data.at(-1)!.name }),
  };
}

import { LabError } from '../errors.ts';

const CREATED_S = 1_735_689_600;
const CREATED_AT = '2026-01-01T00:00:00Z';

export const OPENAI_MODELS = [
  'gpt-4o',
  'gpt-4o-mini',
  'gpt-4.1',
  'gpt-5',
  'o4-mini',
  'text-embedding-3-small',
  'text-embedding-3-large',
];
export const ANTHROPIC_MODELS = ['claude-opus-4-5', 'claude-sonnet-4-5', 'claude-haiku-4-5'];

const openai = (id: string): object => ({ id, object: 'model', created: CREATED_S, owned_by: 'lab' });

const anthropic = (id: string): object => ({
  type: 'model',
  id,
  display_name: id,
  created_at: CREATED_AT,
  max_input_tokens: 200_000,
  max_tokens: 64_000,
  lifecycle: 'active',
  deprecated_at: null,
  retires_at: null,
  line: null,
  capabilities: null,
});

/** `GET /v1/models` and `/v1/models/{id}` of both APIs. Any id that looks like the family's exists. */
export function models(family: 'openai' | 'anthropic', id: string | null): object {
  const [ids, show] =
    family === 'openai' ? ([OPENAI_MODELS, openai] as const) : ([ANTHROPIC_MODELS, anthropic] as const);
  if (id !== null) return show(known(family, ids, id));
  const data = ids.map(show);
  return family === 'openai'
    ? { object: 'list', data }
    : { data, has_more: false, first_id: ids[0], last_id: ids.at(-1) };
}

function known(family: 'openai' | 'anthropic', ids: readonly string[], id: string): string {
  if (ids.includes(id) || /lab-/.test(id)) return id;
  if (family === 'anthropic') throw new LabError(404, `model: ${id}`, { type: 'not_found_error' });
  throw new LabError(404, `The model '${id}' does not exist`, { code: 'model_not_found', param: 'model' });
}

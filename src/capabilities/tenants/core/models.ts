import { nearest } from '#kernel/did-you-mean.ts';
import { HeadgateError } from '#kernel/errors.ts';

/** Does an allow-list name the model: exactly, or by a trailing `*`. Null allows every model. */
export const modelAllowed = (allowed: readonly string[] | null, model: string): boolean =>
  allowed === null || allowed.some((rule) => matches(rule, model));

const matches = (rule: string, model: string): boolean =>
  rule.endsWith('*') ? model.startsWith(rule.slice(0, -1)) : rule === model;

/** The models of the operator's file that this list allows, in the file's order: what `GET /v1/models` shows. */
export const allowedModels = (allowed: readonly string[] | null, known: Iterable<string>): string[] =>
  [...known].filter((model) => modelAllowed(allowed, model));

// The caller's name is echoed; nothing longer is a model's name.
const ECHOED_CHARS = 128;

/** 404 with the nearest names that this key may call. Unknown and forbidden models read the same. */
export function modelNotFound(asked: string, callable: Iterable<string>): HeadgateError {
  const near = nearest(asked, callable);
  const name = asked.length > ECHOED_CHARS ? `${asked.slice(0, ECHOED_CHARS)}…` : asked;
  const hint = near.length > 0 ? ` Did you mean ${near.map((known) => `\`${known}\``).join(', ')}?` : '';
  return new HeadgateError('model_not_found', {
    field: 'model',
    message: `The model \`${name}\` does not exist or this key may not call it.${hint}`,
  });
}

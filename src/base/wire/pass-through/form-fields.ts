import { err, ok, type Result } from '#kernel/result.ts';
import type { FieldFault } from '#wire/dialect.ts';
import { isFormFile, type FormFile } from '#wire/form/read-form.ts';
import { wrongField } from '#wire/json/checks.ts';
import type { JsonObject } from '#wire/json/read.ts';

/** What the text of a form's field stands for, where it is no text. */
export type FieldKinds = Readonly<Record<string, 'count' | 'boolean'>>;

const BOOLEANS: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['false', false],
]);

/** The fields of a form as a JSON body would hold them. An empty field is an absent one. */
export function typedFields(form: JsonObject, kinds: FieldKinds): Result<JsonObject, FieldFault> {
  const out: Record<string, unknown> = { ...form };
  for (const [field, kind] of Object.entries(kinds)) {
    const value = form[field];
    if (value === undefined) continue;
    if (value === '') delete out[field];
    else if (kind === 'count' && typeof value === 'string' && /^\d{1,9}$/.test(value)) out[field] = Number(value);
    else if (kind === 'boolean' && BOOLEANS.has(value as string)) out[field] = BOOLEANS.get(value as string);
    else return err(wrongField(field, kind === 'count' ? 'a number without sign' : '`true` or `false`', value));
  }
  return ok(out);
}

/** All files of a form under one name, alone or as a list. */
export const filesOf = (form: JsonObject, name: string): readonly FormFile[] =>
  [form[name], form[`${name}[]`]].flat().filter(isFormFile);

import { isDeepStrictEqual } from 'node:util';
import { err, ok, type Result } from '#kernel/result.ts';
import type { CanonicalCall, Extra, FieldClass, GenerateCall, Media, Part } from '../canonical.ts';
import type { Dialect, FieldFault, PathFacts, Target } from '../dialect.ts';
import { isObject } from '../json/read.ts';
import type { StrictJson } from '../json/strict.ts';
import { sourceField } from './names.ts';

/**
 * What happens to what the target cannot say. `reject`: any such field is a 400. `drop-hints`: hints are left out and
 * listed, meaning is a 400. `drop`: both are left out and listed.
 */
export type OnUnsupported = 'reject' | 'drop-hints' | 'drop';

export interface Crossed {
  /** The body in the target's dialect. */
  readonly value: Record<string, unknown>;
  /** Fields left out, as the caller's dialect names them, in the order met: `x-headgate-dropped`. */
  readonly dropped: readonly string[];
}

/** What is known of a call beside its body. */
export interface Known {
  /** Model and stream flag of a call whose path names them. */
  readonly named?: PathFacts | undefined;
  /** The model that the target will be asked for, where it has another name than the caller's. */
  readonly model?: string | undefined;
  readonly target?: Target | undefined;
}

/** A call of one dialect as a body of another. Errors name the field as the caller wrote it. */
export function crossCall(
  from: Dialect,
  to: Dialect,
  request: StrictJson,
  rule: OnUnsupported,
  { named, model, target }: Known = {},
): Result<Crossed, FieldFault> {
  if (request.longNumberAt !== null) return err(longNumber(request.longNumberAt));
  const decoded = from.decodeCall(request, named);
  if (!decoded.ok) return decoded;
  const encoded = to.encodeCall(model === undefined ? decoded.value : { ...decoded.value, model }, target);
  const misfits = [
    ...keptMedia(decoded.value),
    ...decoded.value.extras.filter((extra) => !isCarried(extra, encoded.value)),
    ...encoded.unsupported.map((it) => ({ field: sourceField(from.name, it.field), class: it.class })),
  ];
  const refused = misfits.find((it) => rule === 'reject' || (rule === 'drop-hints' && it.class === 'meaning'));
  if (refused) return err(unsupported(refused.field, to));
  return ok({ value: encoded.value, dropped: [...new Set(misfits.map((it) => it.field))] });
}

/** APIs of one family share fields that the canonical call has no place for: their encoder writes those as they came. */
function isCarried(extra: Extra, value: unknown): boolean {
  let there = value;
  for (const name of extra.field.split('.')) {
    if (!isObject(there) || !Object.hasOwn(there, name)) return false;
    there = there[name];
  }
  return isDeepStrictEqual(there, extra.value);
}

/** A double holds it rounded: the target would get another number than the caller sent. */
const longNumber = (at: number): FieldFault => ({
  code: 'unsupported_field',
  field: `byte ${at}`,
  message: `An integer that a double cannot hold stands at byte ${at}; it cannot be translated without a loss. Send it as a string.`,
});

const unsupported = (field: string, to: Dialect): FieldFault => ({
  code: 'unsupported_field',
  field,
  message: `\`${field}\` cannot be expressed in ${to.name}.`,
});

interface Misfit {
  readonly field: string;
  readonly class: FieldClass;
}

/** A file id is one provider's: no other has the file, whatever the target's form of naming one. */
function keptMedia(call: CanonicalCall): Misfit[] {
  if (call.kind !== 'generate') return [];
  return filesOf(call).map((media) => ({ field: `file_id ${media.fileId}`, class: 'meaning' }));
}

function filesOf(call: GenerateCall): Extract<Media, { at: 'file' }>[] {
  return call.turns.flatMap((turn) => turn.parts.flatMap(partFiles));
}

function partFiles(part: Part): Extract<Media, { at: 'file' }>[] {
  if (part.type === 'tool_result') return part.content.flatMap(partFiles);
  if (part.type !== 'image' && part.type !== 'document') return [];
  return part.media.at === 'file' ? [part.media] : [];
}

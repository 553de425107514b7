import { invariant } from '#kernel/invariant.ts';
import type { BodyChanges } from '#wire/dialect.ts';
import type { StrictJson } from '#wire/json/strict.ts';
import { boundaryOf } from './boundary.ts';

/**
 * A form with another model as pieces in order: every byte of files and other fields is the caller's own, and so is the
 * boundary. Where the form names no model, a part that does stands first.
 */
export function formPieces(request: StrictJson, { model }: BodyChanges): readonly Uint8Array[] {
  const { bytes, spans, value } = request;
  if (model === undefined || model === value['model']) return [bytes];
  const text = Buffer.from(model);
  const span = spans.get('model');
  if (span) return [bytes.subarray(0, span.start), text, bytes.subarray(span.end)];
  const boundary = boundaryOf(request.contentType ?? '');
  invariant(boundary !== null, 'a form that was read names its boundary');
  const head = Buffer.from(`--${boundary}\r\nContent-Disposition: form-data; name="model"\r\n\r\n`);
  return [head, text, Buffer.from('\r\n'), bytes];
}

export const patchForm = (request: StrictJson, changes: BodyChanges): Buffer =>
  Buffer.concat(formPieces(request, changes));

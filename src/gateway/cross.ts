import { ok, type Result } from '#kernel/result.ts';
import { invariant } from '#kernel/invariant.ts';
import type { DialectName } from '#wire/canonical.ts';
import { crossCall, type OnUnsupported } from '#wire/crossing/cross.ts';
import type { BodyChanges, FieldFault } from '#wire/dialect.ts';
import { parseStrict, type StrictJson } from '#wire/json/strict.ts';
import { DIALECTS } from './dialects.ts';

/** A translation to make: from one dialect to another, with the gate's own changes applied in the target's words. */
export interface CrossOrder {
  readonly from: DialectName;
  readonly to: DialectName;
  readonly rule: OnUnsupported;
  readonly changes: BodyChanges;
}

export interface Crossed {
  readonly body: Uint8Array;
  readonly dropped: readonly string[];
}

/** Translates on the calling thread. */
export function crossHere(request: StrictJson, order: CrossOrder): Result<Crossed, FieldFault> {
  const to = DIALECTS[order.to];
  const crossed = crossCall(DIALECTS[order.from], to, request, order.rule, order.changes.model);
  if (!crossed.ok) return crossed;
  const own = parseStrict(Buffer.from(JSON.stringify(crossed.value.value)));
  invariant(own.ok, 'what an encoder makes is strict JSON');
  return ok({ body: to.patch(own.value, order.changes), dropped: crossed.value.dropped });
}

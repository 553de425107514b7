import { ok, type Result } from '#kernel/result.ts';
import { invariant } from '#kernel/invariant.ts';
import type { DialectName } from '#wire/canonical.ts';
import { crossCall, type OnUnsupported } from '#wire/crossing/cross.ts';
import type { BodyChanges, Dialect, FieldFault, PathFacts, Target } from '#wire/dialect.ts';
import { splice } from '#wire/json/splice.ts';
import { parseStrict, type StrictJson } from '#wire/json/strict.ts';
import { DIALECTS } from './dialects.ts';

/** A body to make for a target: from one dialect to another or the same, with the gate's own changes in its words. */
export interface CrossOrder {
  readonly from: DialectName;
  readonly to: DialectName;
  readonly rule: OnUnsupported;
  readonly changes: BodyChanges;
  /** Without reasoning that only another family can read (clients.md 8). */
  readonly bare: boolean;
  readonly target: Target;
  /** Model and stream flag of a call whose path names them. */
  readonly named?: PathFacts | undefined;
}

export interface Crossed {
  readonly body: Uint8Array;
  readonly dropped: readonly string[];
}

/** Translates on the calling thread. */
export function crossHere(request: StrictJson, order: CrossOrder): Result<Crossed, FieldFault> {
  const [from, to] = [DIALECTS[order.from], DIALECTS[order.to]];
  const source = order.bare ? bareOf(from, request) : { request, dropped: [] };
  if (from === to) return ok({ body: to.patch(source.request, order.changes), dropped: source.dropped });
  const known = { named: order.named, model: order.changes.model, target: order.target };
  const crossed = crossCall(from, to, source.request, order.rule, known);
  if (!crossed.ok) return crossed;
  const own = strict(Buffer.from(JSON.stringify(crossed.value.value)));
  return ok({ body: to.patch(own, order.changes), dropped: [...source.dropped, ...crossed.value.dropped] });
}

function bareOf(dialect: Dialect, request: StrictJson): { request: StrictJson; dropped: readonly string[] } {
  // Texts that are made anew would round such a number.
  const bare = request.longNumberAt === null ? dialect.withoutReasoning?.(request) : null;
  if (!bare) return { request, dropped: [] };
  return { request: strict(splice(request.bytes, request.spans, bare.edits)), dropped: bare.dropped };
}

function strict(bytes: Buffer): StrictJson {
  const parsed = parseStrict(bytes);
  invariant(parsed.ok, 'what an encoder makes is strict JSON');
  return parsed.value;
}

import { err, ok, type Result } from '#kernel/result.ts';
import type { MaybePromise } from '#ports/shared-state.ts';
import type { Dialect, FieldFault } from '#wire/dialect.ts';
import { splicePieces } from '#wire/json/splice.ts';
import { parseStrict, type StrictJson } from '#wire/json/strict.ts';
import { inFront } from '#wire/seams.ts';
import { deploymentId, type Deployment } from '#capabilities/failover/index.ts';
import { prefixPreamble } from '#capabilities/tenants/index.ts';
import type { CallFacts } from '../call.ts';
import { offLoop } from '../decode.ts';
import type { DecodePool } from '../decode-pool.ts';
import { effectiveOf, prefixCacheOf } from './rules.ts';

/** The most that it adds to a body: its text in two places, with the JSON around it. */
export const MOST_PREAMBLE_BYTES = 256;

/** Ids that stand for a beginning of the prompt which is not in the body: nothing can be put before it. */
const FRONT_ELSEWHERE: ReadonlySet<string> = new Set(['prompt', 'cached_content']);

type Facts = Pick<CallFacts, 'dialect' | 'body' | 'view' | 'caller' | 'login' | 'layers'>;

/**
 * Do prompts of this call begin with the tenant's own line here? A caller's own login has a cache of its own, and what
 * makes vectors, images or sound reads no line.
 */
export function hasPreamble(facts: Facts, deployment: Deployment): boolean {
  if (prefixCacheOf(deployment, effectiveOf(facts)) !== 'preamble' || facts.login !== null) return false;
  const { kind, seams } = facts.dialect;
  return kind === 'generate' || (kind === 'count' && seams?.instruct !== undefined);
}

/** The body with the tenant's line before all that the model reads; other bytes stay. */
export function withPreamble(
  facts: Facts,
  deployment: Deployment,
  pool: DecodePool,
): MaybePromise<Result<StrictJson, FieldFault>> {
  const { dialect, body, view, caller } = facts;
  const elsewhere = view.keptIds.find(({ kind }) => FRONT_ELSEWHERE.has(kind));
  if (elsewhere) return err(noFront(elsewhere.field));
  const front = prefixPreamble(caller.tenant.secret, deploymentId(deployment, view.model));
  if (!offLoop(body.bytes)) return frontHere(dialect, body, front, view.model);
  const order = { prompt: null, model: null, parameters: [], front };
  const named = dialect.inPath && { model: view.model, stream: view.stream };
  return pool
    .customize(body.bytes, dialect.name, order, named ? { named } : undefined)
    .then(({ body: changed }) => ok(changed));
}

const noFront = (field: string): FieldFault => ({
  code: 'unsupported_field',
  field,
  message: 'Prompts to this deployment begin with a line of the gate, and what this names has no place for one.',
});

function frontHere(dialect: Dialect, body: StrictJson, front: string, model: string): Result<StrictJson, FieldFault> {
  const changes = inFront(dialect.seams, body, front, model);
  if (!changes.ok) return changes;
  const parsed = parseStrict(Buffer.concat(splicePieces(body.bytes, body.spans, changes.value)));
  // A count that becomes a whole call is one level deeper than what came.
  return parsed.ok ? parsed : err({ code: 'invalid_request', field: 'contents', message: parsed.error.message });
}

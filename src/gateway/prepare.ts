import { ok, type Result } from '#kernel/result.ts';
import type { OnUnsupported } from '#wire/crossing/cross.ts';
import { crossHere } from './cross.ts';
import { patchLarge, LARGE_BYTES } from './patch-large.ts';
import type { BodyChanges, Dialect, FieldFault } from '#wire/dialect.ts';
import { dialectFor } from '#providers/index.ts';
import type { Deployment } from '#capabilities/failover/index.ts';
import type { CallFacts, Exchange } from './call.ts';
import { crossOffLoop } from './decode.ts';
import type { DecodePool } from './decode-pool.ts';
import { DIALECTS } from './dialects.ts';

/** A request as one deployment gets it. */
export interface Prepared {
  readonly dialect: Dialect;
  readonly body: Uint8Array;
  /** Hints that were left out. */
  readonly dropped: readonly string[];
}

/** Encodes the call for a deployment, or says which field it cannot express. Bytes stay where the dialect is the same. */
export async function prepare(
  exchange: Exchange,
  facts: Pick<CallFacts, 'dialect' | 'body' | 'view' | 'reservation' | 'attribution'>,
  deployment: Deployment,
  pool: DecodePool,
): Promise<Result<Prepared, FieldFault>> {
  const asked = facts.dialect;
  const name = dialectFor(deployment.provider.data, asked.name);
  if (name === null) return { ok: false, error: cannotSpeak(asked, deployment) };
  if (name === asked.name) return ok(await sameDialect(facts, deployment));
  const rule = unsupportedRule(exchange, facts, deployment);
  const to = DIALECTS[name];
  const changes = { ...changesOf(facts, deployment, to), model: deployment.model ?? facts.view.model };
  const order = { from: asked.name, to: name, rule, changes };
  const large = crossOffLoop(facts.body.bytes);
  const crossed = large ? await pool.cross(facts.body.bytes, order) : crossHere(facts.body, order);
  return crossed.ok ? ok({ dialect: to, ...crossed.value }) : crossed;
}

const cannotSpeak = (asked: Dialect, deployment: Deployment): FieldFault => ({
  code: 'unsupported_field',
  field: 'model',
  message: `The provider \`${deployment.provider.name}\` has no endpoint that can answer ${asked.name}.`,
});

function unsupportedRule(
  exchange: Exchange,
  facts: Pick<CallFacts, 'attribution'>,
  deployment: Deployment,
): OnUnsupported {
  const feature = facts.attribution.feature;
  const ofFeature = feature ? exchange.config.file.features[feature]?.onUnsupported : undefined;
  return deployment.onUnsupported ?? ofFeature ?? 'drop-hints';
}

function sameDialect(
  facts: Pick<CallFacts, 'dialect' | 'body' | 'view' | 'reservation'>,
  deployment: Deployment,
): Prepared | Promise<Prepared> {
  const refused = deployment.provider.data.refusedHints[facts.dialect.name] ?? [];
  const dropped = refused.filter((field) => facts.body.spans.has(field));
  const changes: BodyChanges = {
    ...changesOf(facts, deployment, facts.dialect),
    ...(dropped.length > 0 && { drop: dropped }),
  };
  const { dialect, body } = facts;
  if (Object.keys(changes).length === 0) return { dialect, body: body.bytes, dropped };
  if (body.bytes.length < LARGE_BYTES) return { dialect, body: dialect.patch(body, changes), dropped };
  return patchLarge(dialect, body, changes).then((patched) => ({ dialect, body: patched, dropped }));
}

function changesOf(
  facts: Pick<CallFacts, 'view' | 'reservation'>,
  deployment: Deployment,
  dialect: Dialect,
): BodyChanges {
  const { view, reservation } = facts;
  const { data } = deployment.provider;
  const chat = dialect.name === 'openai-chat';
  const asks = chat && view.stream && data.streamUsage === 'ask';
  return {
    ...(deployment.model !== null && deployment.model !== view.model && { model: deployment.model }),
    ...(asks && !view.includeUsage && { includeUsage: true as const }),
    ...(reservation.sendMaxOutputTokens !== null && { maxOutputTokens: reservation.sendMaxOutputTokens }),
    ...(chat && data.maxOutputTokensField === 'max_tokens' && { maxOutputTokensField: data.maxOutputTokensField }),
  };
}

import { ok, type Result } from '#kernel/result.ts';
import { andThen, type MaybePromise } from '#ports/shared-state.ts';
import type { OnUnsupported } from '#wire/crossing/cross.ts';
import { formChanges, refusedWords } from './body-form.ts';
import { crossHere } from './cross.ts';
import { patchLarge, LARGE_BYTES } from './patch-large.ts';
import { formPieces } from '#wire/form/patch-form.ts';
import type { DialectName } from '#wire/canonical.ts';
import type { BodyChanges, Dialect, FieldFault } from '#wire/dialect.ts';
import { prefixSalt } from '#capabilities/tenants/index.ts';
import { dialectFor } from '#providers/index.ts';
import type { Deployment } from '#capabilities/failover/index.ts';
import { joined } from './body.ts';
import type { CallFacts, Exchange } from './call.ts';
import { crossOffLoop } from './decode.ts';
import type { DecodePool } from './decode-pool.ts';
import { DIALECTS } from './dialects.ts';
import { hasPreamble, withPreamble } from './prefix-cache/preamble.ts';
import { prefixCacheOf } from './prefix-cache/rules.ts';

/** A request as one deployment gets it. */
export interface Prepared {
  readonly dialect: Dialect;
  readonly body: Uint8Array;
  /** Of a body that is not JSON. */
  readonly contentType?: string;
  /** Hints that were left out. */
  readonly dropped: readonly string[];
  /** Bytes that the tenant's own line added; absent: none. */
  readonly preambleBytes?: number;
}

type Facts = Pick<
  CallFacts,
  'dialect' | 'body' | 'view' | 'reservation' | 'attribution' | 'caller' | 'login' | 'layers'
>;
type Changing = { -readonly [K in keyof BodyChanges]: BodyChanges[K] };

/**
 * Encodes the call for a deployment, or says which field it cannot express. Bytes stay where the dialect is the same,
 * unless `bare`: then reasoning of other families is left out (clients.md 8).
 */
export function prepare(
  exchange: Exchange,
  facts: Facts,
  deployment: Deployment,
  pool: DecodePool,
  bare: boolean,
): MaybePromise<Result<Prepared, FieldFault>> {
  const asked = facts.dialect;
  const way = exchange.redrive?.way(deployment, facts.view.model);
  const name = way?.dialect ?? dialectFor(deployment.provider.data, asked.name, deployment.provider.cacheControl);
  if (name === null) return { ok: false, error: cannotSpeak(asked, deployment) };
  if (hasPreamble(facts, deployment)) return withFront({ exchange, facts, deployment, pool, bare }, name);
  return encoded({ exchange, facts, deployment, pool, bare }, name);
}

/** The call with the tenant's own line before its prompt. */
async function withFront(crossing: Crossing, name: DialectName): Promise<Result<Prepared, FieldFault>> {
  const { facts, deployment, pool } = crossing;
  const body = await withPreamble(facts, deployment, pool);
  if (!body.ok) return body;
  const prepared = await encoded({ ...crossing, facts: { ...facts, body: body.value } }, name);
  if (!prepared.ok) return prepared;
  return ok({ ...prepared.value, preambleBytes: body.value.bytes.length - facts.body.bytes.length });
}

function encoded(crossing: Crossing, name: DialectName): MaybePromise<Result<Prepared, FieldFault>> {
  const { exchange, facts, deployment, bare } = crossing;
  if (name === facts.dialect.name && !bare) return andThen(sameDialect(exchange, facts, deployment), ok<Prepared>);
  return crossDialect(crossing, DIALECTS[name]);
}

interface Crossing {
  readonly exchange: Exchange;
  readonly facts: Facts;
  readonly deployment: Deployment;
  readonly pool: DecodePool;
  readonly bare: boolean;
}

async function crossDialect(
  { exchange, facts, deployment, pool, bare }: Crossing,
  to: Dialect,
): Promise<Result<Prepared, FieldFault>> {
  const target = { cacheControl: deployment.provider.cacheControl };
  const rule = unsupportedRule(exchange, facts, deployment);
  const changes = changesOf(exchange, facts, deployment, to);
  if (to !== facts.dialect) changes.model = deployment.model ?? facts.view.model;
  else changes.drop = refusedHints(facts, deployment);
  const { data } = deployment.provider;
  const form = data.bodyForms?.[to.name];
  const hints = changes.drop ?? NOTHING;
  if (form) {
    const own = to === facts.dialect ? { body: facts.body, headers: exchange.request.headers } : null;
    const { set, drop } = formChanges(form, data, own);
    Object.assign(changes, { set, drop: [...hints, ...drop] });
  }
  const { model, stream } = facts.view;
  const named = facts.dialect.inPath ? { model, stream } : undefined;
  const order = { from: facts.dialect.name, to: to.name, rule, changes, named, bare, target };
  const large = crossOffLoop(facts.body.bytes);
  const crossed = large ? await pool.cross(facts.body.bytes, order) : crossHere(facts.body, order);
  if (!crossed.ok) return crossed;
  const { body, dropped } = crossed.value;
  return ok({ dialect: to, body, dropped: [...hints, ...dropped] });
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

function sameDialect(exchange: Exchange, facts: Facts, deployment: Deployment): MaybePromise<Prepared> {
  const { dialect, body } = facts;
  if (body.contentType !== undefined) return sameForm(facts, deployment, body.contentType);
  const { data } = deployment.provider;
  let dropped = refusedHints(facts, deployment);
  const changes = changesOf(exchange, facts, deployment, dialect);
  if (dropped.length > 0) changes.drop = dropped;
  const form = data.bodyForms?.[dialect.name];
  if (form) {
    const { headers } = exchange.request;
    const { set, drop } = formChanges(form, data, { body, headers });
    Object.assign(changes, { set, drop: [...dropped, ...drop] });
  }
  if (data.acceptedWords) dropped = [...dropped, ...refusedWords(data, exchange.request.headers)];
  if (!changesAnything(changes)) return { dialect, body: body.bytes, dropped };
  if (body.bytes.length < LARGE_BYTES || dialect.patchesDeep)
    return { dialect, body: dialect.patch(body, changes), dropped };
  return patchLarge(dialect, body, changes).then((patched) => ({ dialect, body: patched, dropped }));
}

const refusedHints = ({ dialect, body }: Facts, { provider }: Deployment): readonly string[] =>
  provider.data.refusedHints[dialect.name]?.filter((field) => body.spans.has(field)) ?? NOTHING;

/** vLLM's: prompts with different ones share nothing in its prefix cache. A caller's own is refused before. */
const SALT = 'cache_salt';
const SALTED: ReadonlySet<DialectName> = new Set(['openai-chat', 'openai-completions', 'openai-responses']);
/** A form goes out in the pieces that it came in, but for its model; joined a piece a turn of the loop. */
function sameForm({ dialect, body, view }: Facts, deployment: Deployment, contentType: string): MaybePromise<Prepared> {
  const pieces = formPieces(body, deployment.model === null ? { model: view.model } : { model: deployment.model });
  const form = { dialect, contentType, dropped: NOTHING };
  return pieces.length === 1
    ? { ...form, body: pieces[0]! }
    : joined(pieces).then((whole) => ({ ...form, body: whole }));
}

const NOTHING: readonly string[] = [];

function changesAnything(changes: BodyChanges): boolean {
  for (const _ in changes) return true;
  return false;
}

function changesOf(exchange: Exchange, facts: Facts, deployment: Deployment, dialect: Dialect): Changing {
  const { view, reservation, caller } = facts;
  const { data } = deployment.provider;
  const changes: Changing = {};
  if (deployment.model !== null && deployment.model !== view.model) changes.model = deployment.model;
  if (reservation.sendMaxOutputTokens !== null) changes.maxOutputTokens = reservation.sendMaxOutputTokens;
  if (prefixCacheOf(deployment, null) === 'salt' && SALTED.has(dialect.name))
    changes.set = { [SALT]: JSON.stringify(prefixSalt(caller.tenant.secret)) };
  const continued = exchange.redrive?.way(deployment, view.model)?.set;
  if (continued !== undefined) changes.set = { ...changes.set, ...continued };
  if (dialect.name !== 'openai-chat' && dialect.name !== 'openai-completions') return changes;
  if (view.stream && data.streamUsage === 'ask' && !view.includeUsage) changes.includeUsage = true;
  if (data.maxOutputTokensField === 'max_tokens') changes.maxOutputTokensField = data.maxOutputTokensField;
  return changes;
}

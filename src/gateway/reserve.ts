import type { EpochMs } from '#kernel/brand.ts';
import { pricePerMillion, ZERO_USD } from '#kernel/money.ts';
import type { DialectName } from '#wire/canonical.ts';
import type { PriceQuote } from '#ledger/prices/index.ts';
import type { Asked } from '#wire/dialect.ts';
import { andThen, type MaybePromise } from '#ports/shared-state.ts';
import type { Deployment } from '#capabilities/failover/index.ts';
import type { Attribution, Caller, Reservation, ServingQuote } from '#capabilities/tenants/index.ts';
import type { Exchange } from './call.ts';
import type { Decoded } from './decode.ts';
import { DIALECTS } from './dialects.ts';
import type { Gate } from './gate.ts';
import type { CallLayers } from './layered/customize.ts';
import { deploymentPrice, isFree } from './deployment-price.ts';
import { hasPreamble, MOST_PREAMBLE_BYTES } from './prefix-cache/preamble.ts';
import { effectiveOf, prefixCacheOf } from './prefix-cache/rules.ts';

/** Ids that stand for input which is not in the body: an earlier response, a conversation, a stored prompt. */
const HIDES_INPUT = new Set([
  ...['response', 'conversation', 'prompt', 'item'],
  ...['cached_content', 'file_search_store'],
]);

interface Facts {
  readonly caller: Caller;
  readonly attribution: Attribution;
  readonly decoded: Decoded;
  readonly order: readonly Deployment[];
  readonly login: string | null;
  readonly layers: CallLayers | null;
}

/** Takes a call's place in the limits and holds its money in the budgets, or throws the refusal (402, 429). */
export function reserve(gate: Gate, exchange: Exchange, facts: Facts, at: EpochMs): MaybePromise<Reservation> {
  const { view, body } = facts.decoded;
  const bodyBytes = view.asked?.textBytes ?? body.bytes.length + preambleOf(exchange, facts);
  const feature = facts.attribution.feature;
  const dialect = DIALECTS[exchange.route.dialect];
  const serving = servingOf(gate, facts, dialect.name, at);
  const reserved = gate.tenants.admit({
    caller: facts.caller,
    attribution: facts.attribution,
    at,
    model: view.model,
    own: exchange.own !== null,
    free: dialect.kind === 'count' || facts.login !== null || serving.every((quote) => quote.price === FREE),
    requestOnly: dialect.kind === 'count' || facts.order.length === 0,
    serving,
    featureMaxOutputTokens: (feature && exchange.config.file.features[feature]?.maxOutputTokens) || null,
    hostedTools: view.hostedTools,
    unpricedTools: unpricedTools(gate, facts, at),
    size: {
      bodyBytes,
      inputTokensEstimate: gate.estimator.inputTokens(view.model, bodyBytes) + (view.asked?.mediaTokens ?? 0),
      media: view.media,
      hiddenInput: view.keptIds.some(({ kind }) => HIDES_INPUT.has(kind)),
      maxOutputTokens: view.maxOutputTokens,
      n: dialect.kind === 'generate' ? view.n * view.inputs : view.n,
      hasOutput: dialect.kind === 'generate' || view.asked !== undefined,
    },
  });
  return andThen(reserved, (result) => {
    if (!result.ok) throw result.error;
    return result.value;
  });
}

/** The most that a line of the tenant's own adds, at whichever deployment serves. */
function preambleOf({ route }: Exchange, { caller, decoded, order, login, layers }: Facts): number {
  const preambled = order.find((deployment) => prefixCacheOf(deployment, effectiveOf({ layers })) === 'preamble');
  if (preambled === undefined) return 0;
  const call = { ...decoded, dialect: DIALECTS[route.dialect], caller, login, layers };
  return hasPreamble(call, preambled) ? MOST_PREAMBLE_BYTES : 0;
}

/** A deployment each; two where a call may be billed by token or by unit: the dearer one counts. */
function servingOf(
  gate: Gate,
  { decoded: { view }, order }: Facts,
  dialect: DialectName,
  at: EpochMs,
): readonly ServingQuote[] {
  const { asked, model } = view;
  if (asked) return order.flatMap((deployment) => unitQuotes(gate, { deployment, model, at, asked }));
  return order.map((deployment) => {
    const quote = quoteOf(gate, deployment, model, at);
    return isFree(deployment, dialect) ? { ...quote, price: FREE } : quote;
  });
}

interface UnitsAsked {
  readonly deployment: Deployment;
  readonly model: string;
  readonly at: EpochMs;
  readonly asked: Asked;
}

function unitQuotes(gate: Gate, { deployment, model, at, asked }: UnitsAsked): ServingQuote[] {
  const row = deploymentPrice(gate, deployment, model, at);
  const quote = quoteOf(gate, deployment, model, at);
  const byUnit = row && gate.prices.unitCost(row, asked.most);
  const quotes = row && gate.prices.pricesTokens(row) ? [quote] : [];
  if (byUnit !== null) quotes.push({ ...quote, price: { ...NO_TOKENS, perCallNanoUsd: byUnit } });
  return quotes.length > 0 ? quotes : [{ ...quote, price: null }];
}

const NO_PRICE = pricePerMillion(0n);
const NO_TOKENS = {
  inputPerMillion: NO_PRICE,
  outputPerMillion: NO_PRICE,
  dearestInputPerMillion: NO_PRICE,
  dearestOutputPerMillion: NO_PRICE,
} as const;

/** A provider that states a price of zero for the dialect. */
const FREE: PriceQuote = { ...NO_TOKENS, perCallNanoUsd: ZERO_USD };

function quoteOf(gate: Gate, deployment: Deployment, modelAsked: string, at: EpochMs): ServingQuote {
  const price = deploymentPrice(gate, deployment, modelAsked, at)?.quote ?? null;
  const last = lastQuotes.get(deployment);
  if (last?.price === price) return last;
  const { data } = deployment.provider;
  const quote = {
    price,
    maxOutputTokens: deployment.maxOutputTokens ?? data.maxOutputTokens,
    maxInputTokens: null,
    ...data.largest,
  };
  lastQuotes.set(deployment, quote);
  return quote;
}
// A deployment's quote changes with its price, a few times a year; a configuration makes its deployments anew.
const lastQuotes = new WeakMap<Deployment, ServingQuote>();

/** Hosted tools that some deployment which may serve has no price for. */
function unpricedTools(gate: Gate, { decoded, order }: Facts, at: EpochMs): readonly string[] {
  const { hostedTools, model } = decoded.view;
  if (hostedTools.length === 0) return hostedTools;
  const rows = order.map((deployment) => deploymentPrice(gate, deployment, model, at));
  return hostedTools.filter((tool) => rows.some((row) => row === null || !gate.prices.pricesTool(row, tool)));
}

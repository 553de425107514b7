import type { EpochMs } from '#kernel/brand.ts';
import { andThen, type MaybePromise } from '#ports/shared-state.ts';
import type { Deployment } from '#capabilities/failover/index.ts';
import type { Attribution, Caller, Reservation, ServingQuote } from '#capabilities/tenants/index.ts';
import type { Exchange } from './call.ts';
import type { Decoded } from './decode.ts';
import { DIALECTS } from './dialects.ts';
import type { Gate } from './gate.ts';
import { deploymentPrice } from './deployment-price.ts';

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
}

/** Holds the money of a call in every budget that applies, or throws the refusal (402, 429). */
export function reserve(gate: Gate, exchange: Exchange, facts: Facts, at: EpochMs): MaybePromise<Reservation> {
  const { view, body } = facts.decoded;
  const feature = facts.attribution.feature;
  const dialect = DIALECTS[exchange.route.dialect];
  const reserved = gate.tenants.admit({
    caller: facts.caller,
    attribution: facts.attribution,
    at,
    model: view.model,
    free: dialect.kind === 'count',
    serving: facts.order.map((deployment) => quoteOf(gate, deployment, view.model, at)),
    featureMaxOutputTokens: (feature && exchange.config.file.features[feature]?.maxOutputTokens) || null,
    hostedTools: view.hostedTools,
    unpricedTools: unpricedTools(gate, facts, at),
    size: {
      bodyBytes: body.bytes.length,
      inputTokensEstimate: gate.estimator.inputTokens(view.model, body.bytes.length),
      media: view.media,
      hiddenInput: view.keptIds.some(({ kind }) => HIDES_INPUT.has(kind)),
      maxOutputTokens: view.maxOutputTokens,
      n: view.n,
      hasOutput: dialect.kind === 'generate',
    },
  });
  return andThen(reserved, (result) => {
    if (!result.ok) throw result.error;
    return result.value;
  });
}

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

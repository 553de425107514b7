import type { EpochMs } from '#kernel/brand.ts';
import type { Deployment } from '#capabilities/failover/index.ts';
import type { Attribution, Caller, Reservation, ServingQuote } from '#capabilities/tenants/index.ts';
import type { Exchange } from './call.ts';
import type { Decoded } from './decode.ts';
import { DIALECTS } from './dialects.ts';
import type { Gate } from './gate.ts';

interface Facts {
  readonly caller: Caller;
  readonly attribution: Attribution;
  readonly decoded: Decoded;
  readonly order: readonly Deployment[];
}

/** Holds the money of a call in every budget that applies, or throws the refusal (402, 429). */
export async function reserve(gate: Gate, exchange: Exchange, facts: Facts, at: EpochMs): Promise<Reservation> {
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
    size: {
      bodyBytes: body.bytes.length,
      inputTokensEstimate: gate.estimator.inputTokens(view.model, body.bytes.length),
      media: view.media,
      hiddenInput: view.keptIds.length > 0,
      maxOutputTokens: view.maxOutputTokens,
      n: view.n,
      hasOutput: dialect.kind === 'generate',
    },
  });
  const result = reserved instanceof Promise ? await reserved : reserved;
  if (!result.ok) throw result.error;
  return result.value;
}

function quoteOf(gate: Gate, deployment: Deployment, modelAsked: string, at: EpochMs): ServingQuote {
  const { data, name } = deployment.provider;
  const row = gate.prices.row({ provider: name, book: data.priceBook, model: deployment.model ?? modelAsked, at });
  return {
    price: row?.quote ?? null,
    maxOutputTokens: deployment.maxOutputTokens ?? data.maxOutputTokens,
    maxInputTokens: null,
    ...data.largest,
  };
}

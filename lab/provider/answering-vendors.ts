import type { TokenUse } from './answer.ts';
import { describe, failing, type Shop } from './answering.ts';
import { ranking, readRerankAsk, rerankTokens } from './dialects/rerank.ts';
import type { Json } from './dialects/reading.ts';
import {
  cohereEmbeddings,
  contextualEmbeddings,
  readCohereAsk,
  readContextualAsk,
} from './dialects/vendor-embeddings.ts';
import { readDirective } from './directive.ts';
import { LabError } from './errors.ts';
import type { Exchange } from './exchange.ts';
import { randomId } from './plan-answer.ts';
import { RECORDED } from './recorded/index.ts';
import type { Endpoint } from './routes.ts';

const VENDOR_ENDPOINTS = ['rerank', 'embed_v2', 'contextual'] as const satisfies readonly Endpoint[];
type VendorEndpoint = (typeof VENDOR_ENDPOINTS)[number];

export const isVendors = (endpoint: Endpoint): endpoint is VendorEndpoint =>
  (VENDOR_ENDPOINTS as readonly Endpoint[]).includes(endpoint);

interface Answered {
  readonly model: string;
  readonly tokens: number;
  readonly body: object;
}

function answered(shop: Shop, endpoint: VendorEndpoint, path: string, body: Json): Answered {
  if (endpoint === 'rerank') {
    const ask = readRerankAsk(body, path);
    return { model: ask.model, tokens: rerankTokens(ask), body: ranking(ask, randomId(shop.rng, '')) };
  }
  if (endpoint === 'embed_v2') {
    const ask = readCohereAsk(body);
    return { model: ask.model, tokens: ask.tokens, body: cohereEmbeddings(ask, body, randomId(shop.rng, '')) };
  }
  const ask = readContextualAsk(body);
  return { model: ask.model, tokens: ask.tokens, body: contextualEmbeddings(ask) };
}

/** Rerank and embeddings in their vendors' own forms; `lab-recorded:<vendor>` answers with the vendor's own example. */
export async function answerVendors(
  shop: Shop,
  exchange: Exchange,
  endpoint: VendorEndpoint,
  body: Json,
): Promise<void> {
  const { model, tokens, body: made } = answered(shop, endpoint, exchange.entry.path, body);
  const header = (name: string): string | undefined => exchange.request.headers[name]?.toString();
  const directive = readDirective({ model, header, lastUserText: String(body['query'] ?? '') });
  describe(exchange, model, false, endpoint);
  exchange.entry.inputTokens = tokens;
  if (await failing(shop, exchange, directive.faults)) return;
  const recorded = directive.mode === 'recorded' ? RECORDED.get(endpoint)?.[directive.name ?? '']?.body : made;
  if (!recorded) throw new LabError(400, `no recorded answer '${directive.name}' for ${endpoint}`);
  if (!(await exchange.unary(exchange.fault('no-usage') ? without(recorded) : recorded))) return;
  exchange.entry.usageSent = useOf(tokens);
}

const without = (body: object): object => ({ ...body, usage: undefined, meta: undefined });
const useOf = (input: number): TokenUse => ({
  ...{ input, output: 0, cachedRead: 0, cacheWrite5m: 0, cacheWrite1h: 0, reasoning: 0 },
});

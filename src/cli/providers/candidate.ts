import { epochMs } from '#kernel/brand.ts';
import { didYouMean } from '#kernel/config/diagnostics.ts';
import type { ConfigFile } from '#gateway/config/schema.ts';
import { loadPublicList, VersionedPriceBook } from '#ledger/prices/index.ts';
import type { ProviderData } from '#providers/index.ts';
import { CliFailure, EXIT } from '../failure.ts';
import type { Configured } from './configured.ts';

/** The call that a test makes. */
export interface Candidate {
  readonly model: string;
  readonly path: string;
  readonly body: object;
}

/** Enough for an answer; reasoning models answer 400 where they are given next to nothing. */
const OUTPUT_TOKENS = 16;
/** Of the question, about. */
const INPUT_TOKENS = 10;

/** The cheapest model that this provider serves first, by the prices that the gate itself uses. */
export async function cheapest(
  { file, providers }: Configured,
  name: string,
  asked: string | undefined,
): Promise<Candidate> {
  const provider = providers.find((one) => one.name === name);
  if (!provider?.data)
    throw unknown(
      name,
      providers.map((one) => one.name),
    );
  if (asked !== undefined) return candidate(asked, asked, provider.data);
  const served = modelsOf(file, name);
  if (served.length === 0) throw nothing(name, provider.models);
  const book = await priceBook(file, provider.data);
  const cost = (model: string): number => {
    const row = book.row({ provider: name, book: provider.data!.priceBook, model, at: epochMs(Date.now()) });
    // It only ranks; what has no known price of a token comes last: an image is no cheap question.
    if (!row || !book.pricesTokens(row)) return Infinity;
    return Number(row.quote.inputPerMillion) * INPUT_TOKENS + Number(row.quote.outputPerMillion) * OUTPUT_TOKENS;
  };
  const [best] = served.toSorted((a, b) => cost(a.deployed) - cost(b.deployed));
  return candidate(best!.model, best!.deployed, provider.data);
}

const unknown = (name: string, known: readonly string[]): CliFailure =>
  new CliFailure({
    code: 'not_found',
    message: `There is no provider ${name} in the configuration.`,
    hint: didYouMean(name, known) ?? 'headgate providers list',
    exit: EXIT.usage,
  });

const nothing = (name: string, models: readonly string[]): CliFailure =>
  new CliFailure({
    code: 'usage',
    message:
      models.length === 0
        ? `No model is served by ${name}.`
        : `No model with a full name is served by ${name} first: ${models.slice(0, 6).join(', ')}.`,
    hint: 'name one with --model',
    exit: EXIT.usage,
  });

/** Models whose first order is this provider alone, so that the call surely goes there. */
function modelsOf(file: ConfigFile, name: string): { readonly model: string; readonly deployed: string }[] {
  return Object.entries(file.models).flatMap(([model, { deployments }]) => {
    const first = Math.min(...deployments.map(({ order }) => order));
    const group = deployments.filter(({ order }) => order === first);
    const isOurs = !model.endsWith('*') && group.every(({ provider }) => provider === name);
    return isOurs ? [{ model, deployed: group[0]!.model ?? model }] : [];
  });
}

/** The prices that the gate itself uses, apart from those that were set by command. */
async function priceBook(file: ConfigFile, data: ProviderData): Promise<VersionedPriceBook> {
  const list = data.priceBook === null ? { list: null, source: 'none' } : await loadPublicList();
  const overrides = file.prices.map((price, i) => ({
    id: `file-${i}`,
    provider: price.provider,
    model: price.model,
    validFrom: epochMs(Date.parse(price.validFrom)),
    prices: price.perMillion,
    source: 'headgate.yaml',
  }));
  return new VersionedPriceBook({ ...list, overrides });
}

const generates = ({ paths }: ProviderData): boolean =>
  paths['openai-chat'] !== undefined ||
  paths['anthropic-messages'] !== undefined ||
  paths['openai-responses'] !== undefined;

function candidate(model: string, deployed: string, data: ProviderData): Candidate {
  if (/rerank/i.test(deployed)) return { model, path: '/v1/rerank', body: { model, query: 'a', documents: ['a'] } };
  if (/moderation/i.test(deployed)) return { model, path: '/v1/moderations', body: { model, input: 'a' } };
  if (/embed|bge|e5-/i.test(deployed) || !generates(data))
    return { model, path: '/v1/embeddings', body: { model, input: 'a' } };
  const messages = [{ role: 'user', content: 'Say hello.' }];
  if (data.paths['openai-chat'] === undefined && data.paths['anthropic-messages'] !== undefined)
    return { model, path: '/v1/messages', body: { model, max_tokens: OUTPUT_TOKENS, messages } };
  return { model, path: '/v1/chat/completions', body: { model, [data.maxOutputTokensField]: OUTPUT_TOKENS, messages } };
}

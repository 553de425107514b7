import type { Shop } from './answering.ts';
import type { Ask, TokenUse } from './answer.ts';
import * as anthropic from './dialects/anthropic.ts';
import { embeddings, readEmbedAsk } from './dialects/embeddings.ts';
import * as chat from './dialects/openai-chat.ts';
import * as responses from './dialects/openai-responses.ts';
import type { Json } from './dialects/reading.ts';
import { readDirective } from './directive.ts';
import { LabError, statusError } from './errors.ts';
import { planAnswer, randomId } from './plan-answer.ts';
import { promptOf, tokenUse } from './token-use.ts';

/** Answers one line of a batch, without a connection: the answer's body, or the error that the API would give. */
export function answerOffline(shop: Shop, path: string, body: Json): object {
  if (path.endsWith('/embeddings')) return embeddings(readEmbedAsk(body), true);
  const dialect = path.endsWith('/messages') ? anthropic : path.endsWith('/responses') ? responses : chat;
  const ask = dialect.readAsk(body);
  const directive = readDirective({ model: ask.model, header: () => undefined, lastUserText: ask.lastUserText });
  const status = directive.faults.find(({ name }) => /^[45]\d\d$/.test(name));
  if (status) throw statusError(dialect === anthropic ? 'anthropic' : 'openai', Number(status.name));
  const { lengths, scripts } = shop.options;
  const choices = planAnswer({ ask, directive, rng: shop.rng, lengths, scripts });
  const usage = useOf(shop, ask, choices, dialect === anthropic);
  const context = { id: randomId(shop.rng, ''), createdS: Math.floor(Date.now() / 1000), ask, azure: false, usage };
  const answer = dialect.unary(choices, context) as { usage?: object };
  // Anthropic says in the usage that a batch served it; OpenAI says so nowhere.
  return dialect === anthropic ? { ...answer, usage: { ...answer.usage, service_tier: 'batch' } } : answer;
}

function useOf(shop: Shop, ask: Ask, choices: ReturnType<typeof planAnswer>, isAnthropic: boolean): TokenUse {
  const prompt = promptOf(ask, isAnthropic, shop.options.sizes.blockTokens);
  const { cacheMinTokens } = shop.options;
  return tokenUse({ ask, prompt, choices, cachedTokens: 0, anthropic: isAnthropic, cacheMinTokens });
}

export const isLabError = (error: unknown): error is LabError => error instanceof LabError;

import { isObject, listOf, numberOf, objectOf, textOf } from '../json/read.ts';

interface Token {
  readonly token: string;
  readonly logprob: number;
  readonly bytes: null;
}

const token = (value: unknown): Token => {
  const { token: text, logProbability } = objectOf(value) as Record<string, unknown>;
  return { token: textOf(text) ?? '', logprob: numberOf(logProbability) ?? 0, bytes: null };
};

/** Google's `logprobsResult` in chat's form, which is the canonical one; null where there is none. */
export function readLogprobs(value: unknown): object | null {
  if (!isObject(value)) return null;
  const tops = listOf(value['topCandidates']).map((one) => listOf(objectOf(one)['candidates']).map(token));
  const content = listOf(value['chosenCandidates']).map((one, i) => ({ ...token(one), top_logprobs: tops[i] ?? [] }));
  return { content, refusal: null };
}

const candidate = (value: unknown): object => {
  const { token: text, logprob } = objectOf(value) as Record<string, unknown>;
  return { token: textOf(text) ?? '', logProbability: numberOf(logprob) ?? 0 };
};

/** The reverse; null where the value is no list of chat's. */
export function writeLogprobs(value: unknown): object | null {
  const content = listOf(objectOf(value)['content']);
  if (content.length === 0) return null;
  return {
    chosenCandidates: content.map(candidate),
    topCandidates: content.map((one) => ({ candidates: listOf(objectOf(one)['top_logprobs']).map(candidate) })),
  };
}

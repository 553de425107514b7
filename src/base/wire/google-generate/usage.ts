import { isObject, listOf, objectOf, textOf, type JsonObject, usedOf } from '../json/read.ts';
import { NO_USAGE, type Usage } from '../usage.ts';

/**
 * Google's `usageMetadata` to ours, or null where the value is none. `promptTokenCount` includes cached tokens;
 * what tools of Google's own read (`toolUsePromptTokenCount`) is billed as input and stands beside it. Thoughts are
 * output and stand beside `candidatesTokenCount`. A count of zero is left out on the wire, and the total says so.
 */
export function readUsage(value: unknown, answer: JsonObject = NOTHING): Usage | null {
  if (!isObject(value)) return null;
  const prompt = usedOf(value['promptTokenCount']);
  const tools = usedOf(value['toolUsePromptTokenCount']);
  const inputTokens = prompt === null ? null : prompt + (tools ?? 0);
  const thoughts = usedOf(value['thoughtsTokenCount']);
  const input = [...listOf(value['promptTokensDetails']), ...listOf(value['toolUsePromptTokensDetails'])];
  return {
    ...NO_USAGE,
    inputTokens,
    cachedReadTokens: usedOf(value['cachedContentTokenCount']),
    inputAudioTokens: ofModality(input, 'AUDIO'),
    inputImageTokens: ofModality(input, 'IMAGE'),
    outputTokens: outputOf(value, inputTokens, thoughts),
    reasoningTokens: thoughts,
    outputAudioTokens: ofModality(listOf(value['candidatesTokensDetails']), 'AUDIO'),
    toolUses: searches(answer),
    serviceTier: tierOf(value),
  };
}

/**
 * Some versions of the API counted thoughts within `candidatesTokenCount`. Where prompt and candidates alone make up
 * the total, thoughts are within and are not added again.
 */
function outputOf(value: JsonObject, input: number | null, thoughts: number | null): number | null {
  const candidates = usedOf(value['candidatesTokenCount']);
  const total = usedOf(value['totalTokenCount']);
  const rest = total === null || input === null ? null : Math.max(0, total - input);
  if (candidates === null) return rest ?? thoughts;
  if (thoughts === null || rest === candidates) return candidates;
  return candidates + thoughts;
}

/** Null where the provider did not divide its count by modality. */
function ofModality(details: readonly unknown[], modality: string): number | null {
  const counts = details.map(objectOf).filter((one) => one['modality'] === modality);
  return counts.length === 0 ? null : counts.reduce((sum, one) => sum + (usedOf(one['tokenCount']) ?? 0), 0);
}

const NOTHING: JsonObject = Object.freeze({});
/** Up to Gemini 2.5 a prompt that was grounded is paid once, however many searches it took; since then each search is. */
const PAID_BY_PROMPT = /gemini-[12]\./;

/** Searches that Google made for the answer and bills (`groundingMetadata.webSearchQueries`). */
function searches(answer: JsonObject): Usage['toolUses'] {
  let queries = 0;
  for (const candidate of listOf(answer['candidates']))
    queries += listOf(objectOf(objectOf(candidate)['groundingMetadata'])['webSearchQueries']).length;
  if (queries === 0) return NO_USAGE.toolUses;
  return { google_search: PAID_BY_PROMPT.test(textOf(answer['modelVersion']) ?? '') ? 1 : queries };
}

/** Vertex says the tier as `trafficType`, the Gemini API as `serviceTier`. */
const TIERS: ReadonlyMap<string, string> = new Map([
  ['ON_DEMAND', 'standard'],
  ['ON_DEMAND_PRIORITY', 'priority'],
  ['ON_DEMAND_FLEX', 'flex'],
]);
function tierOf(value: JsonObject): string | null {
  const traffic = textOf(value['trafficType']);
  return textOf(value['serviceTier']) ?? (traffic === null ? null : (TIERS.get(traffic) ?? traffic.toLowerCase()));
}

/** Usage in Google's form. Counts that nobody stated are left out, as Google leaves out zeros. */
export function writeUsage(usage: Usage): object {
  const input = usage.inputTokens ?? 0;
  const thoughts = Math.min(usage.reasoningTokens ?? 0, usage.outputTokens ?? 0);
  const output = usage.outputTokens ?? 0;
  return {
    promptTokenCount: input,
    candidatesTokenCount: output - thoughts,
    totalTokenCount: input + output,
    ...(usage.cachedReadTokens !== null && { cachedContentTokenCount: usage.cachedReadTokens }),
    ...(thoughts > 0 && { thoughtsTokenCount: thoughts }),
  };
}

import { cannotSay, type Encoding } from '../anthropic-messages/encoding.ts';
import type { GenerateCall } from '../canonical.ts';

/** Efforts in the levels of Gemini 3; no model has a level beyond `HIGH` that all of them take. */
const LEVELS: ReadonlyMap<string, string> = new Map([
  ['none', 'MINIMAL'],
  ['minimal', 'MINIMAL'],
  ['low', 'LOW'],
  ['medium', 'MEDIUM'],
  ['high', 'HIGH'],
  ['xhigh', 'HIGH'],
  ['max', 'HIGH'],
]);

/** The same in tokens, for models that know no level: Google's own table for its OpenAI-compatible endpoint. */
const BUDGETS: ReadonlyMap<string, number> = new Map([
  ['none', 0],
  ['minimal', 1_024],
  ['low', 1_024],
  ['medium', 8_192],
  ['high', 24_576],
  ['xhigh', 24_576],
  ['max', 24_576],
]);

/** Gemini 2.5 refuses a level; what came later takes both, and levels are what its vendor advises. */
const WITHOUT_LEVELS = /gemini-[12]\./;

/** `thinkingConfig`, or null where the call says nothing of thinking. A budget wins over an effort: Google takes one. */
export function encodeThinking(to: Encoding, call: GenerateCall): object | null {
  const { reasoning } = call;
  if (!reasoning) return null;
  const off = reasoning.enabled === false || reasoning.effort === 'none';
  const shown = !off && (reasoning.summary === null ? reasoning.enabled === true : reasoning.summary !== 'omitted');
  const amount = off
    ? amountOf(to, call.model, 'none')
    : reasoning.budgetTokens !== null
      ? { thinkingBudget: reasoning.budgetTokens }
      : amountOf(to, call.model, reasoning.effort);
  const config = { ...amount, ...(shown && { includeThoughts: true }) };
  return Object.keys(config).length === 0 ? null : config;
}

function amountOf(to: Encoding, model: string, effort: string | null): object {
  if (effort === null) return {};
  const level = LEVELS.get(effort);
  if (level === undefined) return (cannotSay(to, 'reasoning_effort', 'hint'), {});
  return WITHOUT_LEVELS.test(model) ? { thinkingBudget: BUDGETS.get(effort)! } : { thinkingLevel: level };
}

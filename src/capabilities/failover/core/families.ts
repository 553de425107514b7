import type { Deployment } from './models.ts';

/**
 * Who can read the reasoning that a deployment signs or encrypts. Claude's signatures hold on every platform that
 * serves Claude, and so do Gemini's (extended thinking and thought signature guides); whatever else is taken as bound
 * to the account that made it, as OpenAI's encrypted items are.
 */
export function familyOf({ provider, model }: Deployment, modelAsked: string): string {
  const id = model ?? modelAsked;
  if (/claude/i.test(id)) return 'anthropic';
  if (/gemini/i.test(id)) return 'google';
  return provider.name;
}

/** A conversation that another family has thought in: its reasoning would be refused here. */
export const thoughtElsewhere = (families: readonly string[], family: string): boolean =>
  families.some((one) => one !== family);

/**
 * Words in which providers refuse reasoning that is not theirs. Anthropic: "Invalid `signature` in `thinking` block";
 * OpenAI: "The encrypted content … could not be verified"; Google: "Thought signature is not valid".
 */
const REFUSES_REASONING = /invalid `?signature`?|thought.?signature|encrypted.?content .{0,120}(verified|decrypted)/is;

/** Does a provider's error say that it cannot read the reasoning in the request? */
export const refusesReasoning = (status: number, code: string | null, message: string): boolean =>
  status === 400 && (code === 'invalid_encrypted_content' || REFUSES_REASONING.test(message));

import type { Rng } from '#kernel/rng.ts';

const LETTERS = 'abcdefghijklmnopqrstuvwxyz';
const letter = (rng: Rng): string => LETTERS[Math.floor(rng.next() * LETTERS.length)]!;

/** Random letters with spaces between, about a token each: no cache has seen them (Gu et al., ICML 2025). */
export const freshPrompt = (rng: Rng, letters: number): string =>
  Array.from({ length: letters }, () => letter(rng)).join(' ');

/** The prompt up to a share of its letters, and others from there on; the first of those is certain to differ. */
export function derivedPrompt(rng: Rng, prompt: string, share: number): string {
  const letters = prompt.split(' ');
  const kept = Math.round(letters.length * share);
  if (kept >= letters.length) return prompt;
  const other = LETTERS.replace(letters[kept]!, '');
  const first = other[Math.floor(rng.next() * other.length)]!;
  const rest = Array.from({ length: letters.length - kept - 1 }, () => letter(rng));
  return [...letters.slice(0, kept), first, ...rest].join(' ');
}

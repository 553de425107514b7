import type { BareRequest } from '../dialect.ts';
import { isObject, listOf } from '../json/read.ts';
import type { StrictJson } from '../json/strict.ts';

/** The request without reasoning items, which only the account that made them can read (clients.md 8). */
export function withoutReasoning({ value }: StrictJson): BareRequest | null {
  const items = listOf(value['input']);
  const kept = items.filter((item) => !isObject(item) || item['type'] !== 'reasoning');
  if (kept.length === items.length) return null;
  return { edits: new Map([['input', JSON.stringify(kept)]]), dropped: ['input.reasoning'] };
}

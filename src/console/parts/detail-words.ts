/** What a change said, in words: a field that says nothing is left out. Pure. */
import { duration, money } from '#kernel/format.ts';
import { nanoUsd } from '#kernel/money.ts';
import { iso } from './text.ts';

/** The audit keeps money in nano-dollars: a big integer is written as its digits. */
const MONEY = /(Usd|NanoUsd)$/;
const DURATION = /^for$|Ms$/;
const TIME = /^until$|At$/;

export function detailWords(detail: unknown): string | null {
  if (typeof detail !== 'object' || detail === null) return null;
  const words = Object.entries(detail).flatMap(([name, value]) => {
    const text = wordOf(name, value);
    return text === null ? [] : [`${name} ${text}`];
  });
  return words.length === 0 ? null : words.join(' · ');
}

function wordOf(name: string, value: unknown): string | null {
  if (value === null || value === undefined || value === false || value === '') return null;
  if (MONEY.test(name) && typeof value === 'string' && /^\d+$/.test(value)) return money(nanoUsd(BigInt(value)));
  if (DURATION.test(name) && typeof value === 'number') return duration(value);
  if (TIME.test(name) && typeof value === 'number') return iso(value);
  if (Array.isArray(value)) return value.length === 0 ? null : value.join(', ');
  if (typeof value === 'object') return detailWords(value)?.replaceAll(' · ', ', ') ?? null;
  return String(value);
}

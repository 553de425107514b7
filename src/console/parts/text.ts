/** Words around figures: the formatter of the command line, and what only a page needs. Pure. */
import { dateTime, ESTIMATED, money, qualifiedMoney, UNKNOWN } from '#kernel/format.ts';
import type { NanoUsd } from '#kernel/money.ts';

/**
 * Text from outside as a person reads it: controls, and marks that turn the direction of what follows, are made
 * visible. A name cannot reorder the line that it stands in.
 */
export const plain = (text: string): string =>
  text.replace(/[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g, '�');

export interface Costed {
  readonly costNanoUsd: NanoUsd;
  readonly unknownCostCalls: number;
  readonly estimatedNanoUsd: NanoUsd;
  readonly calls: number;
}

/** Sums that leave calls out say so (≥), sums on estimates too (≈); nothing but unknown prices is unknown. */
export function cost(sums: Costed): string {
  if (sums.calls > 0 && sums.unknownCostCalls === sums.calls) return 'unknown';
  return qualifiedMoney(sums.costNanoUsd, {
    estimated: sums.estimatedNanoUsd > 0n,
    partial: sums.unknownCostCalls > 0,
  });
}

export const callCost = ({
  cost: own,
  usageSource,
}: {
  cost: { total: NanoUsd } | null;
  usageSource: string;
}): string => (own === null ? 'unknown' : `${usageSource === 'estimated' ? ESTIMATED : ''}${money(own.total)}`);

/** `14:03:05` today, else with its date. */
export function moment(at: number, zone: string, now: number): string {
  const text = dateTime(at, zone, { seconds: true });
  return text.slice(0, 10) === dateTime(now, zone).slice(0, 10) ? text.slice(11) : text;
}

export const iso = (at: number | string | null): string =>
  at === null
    ? UNKNOWN
    : new Date(at)
        .toISOString()
        .replace('T', ' ')
        .replace(/\.\d+Z$/, ' UTC');

/** How long ago or ahead, for a moment near now. */
export function ago(at: number, now: number): string {
  const s = Math.round(Math.abs(now - at) / 1000);
  const [value, unit] =
    s < 90 ? [s, 's'] : s < 5_400 ? [s / 60, 'min'] : s < 129_600 ? [s / 3600, 'h'] : [s / 86_400, 'days'];
  const text = `${Math.round(value)} ${unit}`;
  return at <= now ? `${text} ago` : `in ${text}`;
}

export const plural = (count: number, one: string, many = `${one}s`): string => (count === 1 ? one : many);

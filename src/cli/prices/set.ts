import type { CliContext } from '../context.ts';
import { usageFailure } from '../failure.ts';
import { usd, type CommonFlags } from '../flags.ts';
import { change, day, given, word } from '../state/change.ts';
import { priceText } from './list.ts';

const NAMED = ['input', 'output', 'cachedRead', 'cacheWrite', 'reasoning'] as const;

export interface SetFlags extends CommonFlags, Readonly<Partial<Record<(typeof NAMED)[number], string>>> {
  readonly provider?: string;
  readonly price?: readonly string[];
  readonly validFrom?: (now: number) => number;
}

export function setPrice(this: CliContext, flags: SetFlags, model: string): Promise<void> {
  const perMillion = pricesOf(flags);
  if (Object.keys(perMillion).length === 0)
    throw usageFailure('No price was stated.', 'state one, a free model too: --input 0 --output 0');
  const validFrom = flags.validFrom && new Date(flags.validFrom(this.now())).toISOString();
  return change(this, flags, {
    method: 'POST',
    path: '/prices',
    body: { model, perMillion, ...given({ provider: flags.provider, validFrom }) },
    done: (row) => `${said(row)}, ${sinceText(this, row['validFrom'])} (${word(row['id'])})`,
    hint: 'headgate prices reprice --since 24h --dry-run   what it changes for calls of the last day',
  });
}

const sinceText = (context: CliContext, validFrom: unknown): string =>
  Date.parse(String(validFrom)) === 0 ? 'from the start: it had no price before' : `from ${day(context, validFrom)} on`;

function said(row: Readonly<Record<string, unknown>>): string {
  const prices = Object.entries(row['perMillion'] as Readonly<Record<string, string>>);
  const text = prices.map(([bucket, price]) => `${word(bucket)} ${priceText(price)}`).join(', ');
  return `set ${word(row['provider'])}/${word(row['model'])}: ${text} a million`;
}

export function removePrice(this: CliContext, flags: CommonFlags, id: string): Promise<void> {
  return change(this, flags, {
    method: 'DELETE',
    path: `/prices/${encodeURIComponent(id)}`,
    done: (row) => `removed the price of ${word(row['provider'])}/${word(row['model'])}`,
  });
}

function pricesOf(flags: SetFlags): Record<string, string> {
  const named = NAMED.flatMap((name) => (flags[name] === undefined ? [] : [[name, flags[name]] as const]));
  const others = (flags.price ?? []).map((text) => {
    const cut = text.lastIndexOf('=');
    if (cut < 1) throw usageFailure(`--price ${text} is no bucket=usd.`, 'such as --price flex.input=1.25');
    return [text.slice(0, cut), text.slice(cut + 1)] as const;
  });
  return Object.fromEntries([...named, ...others].map(([bucket, text]) => [bucket, amount(bucket, text)]));
}

function amount(bucket: string, text: string): string {
  try {
    return usd(text);
  } catch (error) {
    throw usageFailure(`${bucket}: ${(error as Error).message}, not ${text}.`, 'dollars for a million units');
  }
}

/** What a provider bills beside its calls, or instead of their list price. Pure. */
import { divideHalfEven } from '#kernel/money.ts';
import type { AttributedCharge, ShareRule } from './attribute.ts';

/** Price from a count on. */
export interface PriceStep {
  /** Money in nano-dollars, or tokens, of the month that come before it. */
  readonly over: bigint;
  /** Off the list in millionths, or nano-dollars for a million tokens. */
  readonly rate: bigint;
}

/** Prices of tokens by the count of the month; what both count is paid twice. */
export interface TokenSteps {
  /** Input and output together. */
  readonly tokens?: readonly PriceStep[] | undefined;
  readonly input?: readonly PriceStep[] | undefined;
  readonly output?: readonly PriceStep[] | undefined;
}

/**
 * What a provider's account bills by contract, for one month. `commitment`: at least this much is billed; what calls
 * did not use of it is split. `gpu`: exactly this much is billed, whatever calls cost by the price list; what they did
 * not use is idle. `discount`: a share of what calls cost is not billed. `credit`: so much of the bill is paid already.
 * `volume`: the part of what calls cost beyond each step is billed less the step's share. `token_price`: tokens are
 * billed by these steps, whatever calls cost by the price list.
 */
export type FixedCost = {
  readonly name: string;
  readonly provider: string;
  readonly rule: ShareRule;
  /** Charges that it counts and is split by, where those are not all of the month. */
  readonly charges?: readonly AttributedCharge[];
} & (
  | {
      readonly kind: 'commitment' | 'gpu' | 'credit';
      readonly amountNanoUsd: bigint;
      /** Of a commitment or credit: it is measured by what is billed after the others, not by the list. */
      readonly afterOthers?: boolean;
    }
  /** In millionths of the whole: 5 % is 50,000. */
  | { readonly kind: 'discount'; readonly partsPerMillion: number }
  | { readonly kind: 'volume'; readonly steps: readonly PriceStep[] }
  | { readonly kind: 'token_price'; readonly steps: TokenSteps }
);

export const FIXED_KINDS = ['commitment', 'gpu', 'discount', 'credit', 'volume', 'token_price'] as const;
export type FixedKind = (typeof FIXED_KINDS)[number];

const MILLION = 1_000_000n;

/** In which order contracts of one account are measured, where one comes after others. */
const turnOf = (fixed: FixedCost): number => (!isAfter(fixed) ? 0 : fixed.kind === 'commitment' ? 1 : 2);
const isAfter = (fixed: FixedCost): boolean => 'afterOthers' in fixed && fixed.afterOthers === true;

/** What each contract adds to what calls cost by the list, in the order in which they are given. */
export function amountsOf(fixed: readonly FixedCost[], charges: readonly AttributedCharge[]): readonly bigint[] {
  const amounts = fixed.map(() => 0n);
  const added = new Map<string, bigint>();
  const turns = fixed.map((one, i) => ({ one, i })).sort((a, b) => turnOf(a.one) - turnOf(b.one) || a.i - b.i);
  for (const { one, i } of turns) {
    const own = (one.charges ?? charges).filter(({ provider }) => provider === one.provider);
    const before = added.get(one.provider) ?? 0n;
    amounts[i] = amountOf(one, own, isAfter(one) ? before : 0n);
    added.set(one.provider, before + amounts[i]);
  }
  return amounts;
}

/** `charges`: those of its account. `before`: what contracts before it have added. */
function amountOf(fixed: FixedCost, charges: readonly AttributedCharge[], before: bigint): bigint {
  const used = charges.reduce((sum, { costNanoUsd }) => sum + costNanoUsd, before);
  if (fixed.kind === 'discount') return -((used * BigInt(fixed.partsPerMillion)) / MILLION);
  if (fixed.kind === 'volume') return -(stepped(used, fixed.steps) / MILLION);
  if (fixed.kind === 'token_price') return priceOf(charges, fixed.steps) - used;
  const { amountNanoUsd: amount } = fixed;
  if (fixed.kind === 'gpu') return amount - used;
  if (fixed.kind === 'commitment') return amount > used ? amount - used : 0n;
  const payable = isAfter(fixed) && used < 0n ? 0n : used;
  return -(amount < payable ? amount : payable);
}

/** Each part of a count times the rate of its step: only what lies beyond a step has the step's rate. */
export function stepped(count: bigint, steps: readonly PriceStep[]): bigint {
  const sorted = steps.toSorted((a, b) => (a.over < b.over ? -1 : 1));
  return sorted.reduce((sum, { over, rate }, i) => {
    const end = sorted[i + 1]?.over ?? count;
    const within = (count < end ? count : end) - over;
    return within > 0n ? sum + within * rate : sum;
  }, 0n);
}

/** Nano-dollars for the tokens of the month, rounded once, half to even. */
function priceOf(charges: readonly AttributedCharge[], { tokens = [], input = [], output = [] }: TokenSteps): bigint {
  const all = BigInt(charges.reduce((sum, charge) => sum + charge.tokens, 0));
  const out = BigInt(charges.reduce((sum, charge) => sum + charge.outputTokens, 0));
  return divideHalfEven(stepped(all, tokens) + stepped(all - out, input) + stepped(out, output), MILLION);
}

import { count, money, share, UNKNOWN } from '#kernel/format.ts';
import { Given } from '../../parts/basics.tsx';
import { scopeText } from '../budgets/words.ts';
import { unitText, whoseLimit } from '../limits/view.ts';
import type { MonthLine, QualityView, TenantLine } from './view.ts';

export const toneOf = (taken: number, warnAt = 0.8): string => (taken >= 1 ? 'bad' : taken >= warnAt ? 'warn' : '');

/** The fullest limit: how full, and which. */
export function FullestLimit({ of: { limit, limits } }: { readonly of: TenantLine }) {
  if (limit === null) return <span class="muted">{limits === 0 ? 'none' : 'for each'}</span>;
  return (
    <>
      <span class={toneOf(limit.share)}>
        {share(limit.share)}
        {limit.share >= 1 && ' full'}
      </span>
      <div class="muted">
        {unitText(limit)}
        {limit.scope.level !== 'tenant' && (
          <>
            , <Given text={whoseLimit(limit)} />
          </>
        )}
      </div>
    </>
  );
}

export function FullestBudget({ of: { budget, budgets } }: { readonly of: TenantLine }) {
  if (budget === null) return <span class="muted">{budgets === 0 ? 'none' : 'for each'}</span>;
  return (
    <>
      <span class={toneOf(budget.share, Math.min(0.8, ...budget.warnAt))}>
        {share(budget.share)}
        {budget.share >= 1 && ' used up'}
      </span>
      <div class="muted">
        of {money(budget.limitNanoUsd)}
        {budget.scope.level !== 'tenant' && (
          <>
            , <Given text={scopeText(budget.scope)} />
          </>
        )}
      </div>
    </>
  );
}

const VERDICTS: Readonly<Record<QualityView['verdict'], readonly [tone: string, text: string]>> = {
  fell: ['bad', '✕ fell'],
  fell_for_all: ['warn', '! fell, as all did'],
  no_change: ['ok', '✓ no fall seen'],
  not_enough: ['muted', 'not enough data'],
};

export function Verdict({ of: { verdict, missing } }: { readonly of: Pick<QualityView, 'verdict' | 'missing'> }) {
  const [tone, text] = VERDICTS[verdict];
  return (
    <span class={tone} title={verdict === 'not_enough' ? `about ${count(missing)} more scores are missing` : undefined}>
      {text}
    </span>
  );
}

export function Quality({ of: { quality } }: { readonly of: TenantLine }) {
  if (quality === null) return <span class="muted">not scored</span>;
  return (
    <>
      <Verdict of={quality} />
      {quality.verdict !== 'no_change' && quality.verdict !== 'not_enough' && (
        <div class="muted">
          <Given text={[quality.score, quality.feature].filter(Boolean).join(' of ')} />
        </div>
      )}
    </>
  );
}

/** What is left of what it pays; without a price nobody knows. */
export function Margin({ of: month }: { readonly of: MonthLine | null }) {
  if (month === null) return <>{UNKNOWN}</>;
  if (month.pricedBy === null) return <span class="muted">no price</span>;
  const { marginNanoUsd, marginRatio } = month;
  return (
    <span class={marginNanoUsd < 0n ? 'bad' : ''}>
      {money(marginNanoUsd)}
      {marginRatio !== null && <div class={marginNanoUsd < 0n ? 'bad' : 'muted'}>{share(marginRatio)}</div>}
    </span>
  );
}

export const Revenue = ({ of: month }: { readonly of: MonthLine | null }) =>
  month === null ? (
    <>{UNKNOWN}</>
  ) : month.pricedBy === null ? (
    <span class="muted">–</span>
  ) : (
    <span title={month.pricedBy}>{money(month.revenueNanoUsd)}</span>
  );

export function ErrorShare({ calls, errors }: Pick<TenantLine, 'calls' | 'errors'>) {
  const part = calls === 0 ? null : errors / calls;
  const tone = part === null || part < 0.02 ? '' : part >= 0.1 ? 'bad' : 'warn';
  return <span class={tone}>{share(part)}</span>;
}

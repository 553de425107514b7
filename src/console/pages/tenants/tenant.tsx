import { count, dateTime, duration, money, share, windowLength } from '#kernel/format.ts';
import type { NanoUsd } from '#kernel/money.ts';
import { Copy, Figure, Figures, Given, Trouble, Waiting } from '../../parts/basics.tsx';
import { cost, plural } from '../../parts/text.ts';
import { read } from '../../session/client.ts';
import { bucketOf, spanOf, type Place } from '../../state/place.ts';
import { spendCompared, spendRows, zone } from '../../state/questions.ts';
import { useAsked } from '../../state/use-asked.ts';
import { useNavigation } from '../../state/use-place.ts';
import { Bounds } from './bounds.tsx';
import { Calling } from './calling.tsx';
import { Charts, Groups } from './spending.tsx';
import { MonthPart } from './month.tsx';
import { Safety } from './safety.tsx';

interface TenantView {
  readonly id: string;
  readonly name: string;
  readonly plan: string | null;
  readonly disabledAt: string | null;
  readonly declared: { readonly file: string | null; readonly path: string } | null;
}

/** What the window brings; all of it of the same moment. */
export async function lookAt(place: Place, tenant: string) {
  const span = spanOf(place.window, Date.now());
  const bucket = bucketOf(span);
  const { environment } = place.asked;
  const asked = { ...span, filters: { tenant, ...(environment && { environment }) } };
  const [features, models, byFeature, byModel, whole, calls] = await Promise.all([
    spendCompared({ ...asked, by: ['feature'] }),
    spendCompared({ ...asked, by: ['model'] }),
    spendRows({ ...asked, by: ['feature'], bucket, figures: 'sums' }),
    spendRows({ ...asked, by: ['model'], bucket, figures: 'sums' }),
    spendRows({ ...asked, by: [], figures: 'quantiles' }),
    spendRows({ ...asked, by: [], bucket, figures: 'quantiles' }),
  ]);
  return { span, bucket, features, models, byFeature, byModel, calls, whole: whole[0] ?? null };
}

export type Look = Awaited<ReturnType<typeof lookAt>>;

/** One tenant: what it costs and why, how near its limits it is, how well it is served, who may call for it. */
export function TenantPage({ id }: { readonly id: string }) {
  const { place } = useNavigation();
  const { environment = '' } = place.asked;
  const who = useAsked(
    JSON.stringify(['tenant', id]),
    async () => (await read(`/tenants/${encodeURIComponent(id)}`)) as TenantView,
    { slow: true },
  );
  const asked = useAsked(JSON.stringify(['tenant look', id, place.window, environment]), () => lookAt(place, id), {
    slow: place.window !== '1h',
  });
  return (
    <>
      <header>
        <h1>
          Tenant <Given text={id} />
        </h1>
        <Who id={id} view={who.data} />
        {asked.data && <Answer look={asked.data} />}
      </header>
      <Trouble asked={who} />
      <Trouble asked={asked} />
      {asked.data === null ? (
        <Waiting asked={asked} height={500} />
      ) : (
        <>
          <Sums look={asked.data} />
          {asked.data.whole && <Charts look={asked.data} />}
          {asked.data.whole && <Groups tenant={id} look={asked.data} />}
        </>
      )}
      <MonthPart tenant={id} />
      <Bounds tenant={id} />
      <Safety tenant={id} />
      <Calling tenant={id} />
    </>
  );
}

function Who({ id, view }: { readonly id: string; readonly view: TenantView | null }) {
  const { to } = useNavigation();
  return (
    <p class="row">
      {view && view.name !== id && <Given text={view.name} />}
      {view?.plan && (
        <span>
          plan <Given text={view.plan} />
        </span>
      )}
      {view && view.disabledAt !== null && <strong class="bad">disabled: its keys are refused</strong>}
      {view?.declared && (
        <span class="muted">
          declared under <code>{view.declared.path}</code>
        </span>
      )}
      <Copy text={id} what="the id of the tenant" />
      <a href={to('tenants')}>All tenants</a>
      <a href={to('calls', { tenant: id })}>Its calls</a>
      <a href={to('spend', { tenant: id, by: 'feature,model' })}>Its spend</a>
    </p>
  );
}

function Answer({ look: { whole, span } }: { readonly look: Look }) {
  const window = `${windowLength(span.to - span.from)} to ${dateTime(span.to, zone())} ${zone()}`;
  return (
    <p>
      {whole === null
        ? `No calls in ${window}.`
        : `${cost(whole)} for ${count(whole.calls)} ${plural(whole.calls, 'call')} in ${window}; ${
            whole.errors === 0 ? 'none failed' : `${share(whole.errors / whole.calls)} failed`
          }.`}
    </p>
  );
}

function Sums({ look: { whole, features } }: { readonly look: Look }) {
  if (whole === null) return null;
  const errors = whole.errors / whole.calls;
  return (
    <Figures>
      <Figure name="Spend" value={cost(whole)} note={beforeText(features.total.priorCostNanoUsd)} />
      <Figure
        name="Calls"
        value={count(whole.calls)}
        note={`${count(features.lines.length)} ${plural(features.lines.length, 'feature')}`}
      />
      <Figure
        name="Errors"
        value={share(errors)}
        tone={errors >= 0.1 ? 'bad' : errors >= 0.02 ? 'warn' : undefined}
        note={`${count(whole.errors)} calls failed`}
      />
      <Figure
        name="Whole call, p99"
        value={duration(whole.totalMs?.p99 ?? null)}
        note={`p50 ${duration(whole.totalMs?.p50 ?? null)}`}
      />
      <Figure
        name="First token, p99"
        value={duration(whole.firstTokenMs?.p99 ?? null)}
        note={`p50 ${duration(whole.firstTokenMs?.p50 ?? null)}`}
      />
    </Figures>
  );
}

const beforeText = (prior: NanoUsd | null): string =>
  prior === null ? 'no calls in the window before' : `${money(prior)} in the window before`;

import { count, dateTime, money, ratioOf, share } from '#kernel/format.ts';
import { Empty, Figure, Figures, Given, Trouble, Waiting } from '../../parts/basics.tsx';
import { offsetIn, Pager } from '../../parts/pager.tsx';
import { plain, plural } from '../../parts/text.ts';
import { zone } from '../../state/questions.ts';
import { useAsked } from '../../state/use-asked.ts';
import { useNavigation } from '../../state/use-place.ts';
import { Buckets, Groups, Lines, Prices, Providers } from './tables.tsx';
import { Entries } from './entries.tsx';
import { billLevel, monthStep, NONE, purposeText, type Level } from './view.ts';

const PAGE = 100;

/** Whose bill is it: a month's, by tenant, by feature, by what it was for, down to the entries; each level sums to the one above. */
export function Attribution() {
  const { place, ask } = useNavigation();
  const { month, tenant, feature, purpose, bucket } = place.asked;
  const offset = offsetIn(place.asked['offset']);
  const query = { month, tenant, feature: tenant ? feature : undefined, offset, limit: PAGE };
  const asked = useAsked(JSON.stringify(['attribution', query]), () => billLevel(query), { slow: true });
  const { data } = asked;
  const deep = Boolean(purpose) || Boolean(bucket);
  return (
    <>
      <header>
        <h1>Attribution</h1>
        {data && <Answer of={data} />}
      </header>
      <Path month={data?.month ?? month ?? ''} />
      <Trouble asked={asked} />
      {data === null && <Waiting asked={asked} height={400} />}
      {data && deep && <Entries level={data} />}
      {data && !deep && <Body level={data} />}
      {data && !deep && (
        <Pager offset={offset} size={PAGE} total={data.total} onGo={(next) => ask({ offset: String(next || '') })} />
      )}
    </>
  );
}

function Answer({
  of: { billedNanoUsd, amountNanoUsd, month, timeZone, closedAt, knownFrom },
}: {
  readonly of: Level;
}) {
  const { tenant, feature } = useNavigation().place.asked;
  const part = ratioOf(amountNanoUsd, billedNanoUsd);
  return (
    <p>
      {tenant ? (
        <>
          {money(amountNanoUsd)} of {money(billedNanoUsd)} ({share(part)}) is <Given text={namedTenant(tenant)} />
          {feature && (
            <>
              , <Given text={namedFeature(feature)} />
            </>
          )}
        </>
      ) : (
        <>{money(billedNanoUsd)} billed by providers</>
      )}{' '}
      in {month} {timeZone};{' '}
      {closedAt === null ? 'the month is open' : `closed ${dateTime(Date.parse(closedAt), zone())}`}
      {knownFrom !== null && `; nothing is known of it before ${dateTime(Date.parse(knownFrom), zone())}`}.
    </p>
  );
}

const namedTenant = (tenant: string): string => (tenant === NONE ? 'nobody’s' : `${tenant}’s`);
const namedFeature = (feature: string): string => (feature === NONE ? 'calls without a feature' : feature);

/** Where one is, each level a step back. */
function Path({ month }: { readonly month: string }) {
  const { place, ask } = useNavigation();
  const { tenant, feature, purpose, bucket } = place.asked;
  const up = { feature: '', purpose: '', provider: '', bucket: '', offset: '' };
  const step = (by: 1 | -1): void => ask({ month: monthStep(month, by), offset: '' });
  return (
    <nav class="row" aria-label="Levels of the bill">
      <button type="button" aria-label="The month before" disabled={month === ''} onClick={() => step(-1)}>
        ‹
      </button>
      <button type="button" aria-pressed={!tenant && !bucket} onClick={() => ask({ ...up, tenant: '' })}>
        {month || 'this month'}
      </button>
      <button type="button" aria-label="The month after" disabled={month === ''} onClick={() => step(1)}>
        ›
      </button>
      {tenant && (
        <button type="button" aria-pressed={!feature} onClick={() => ask(up)}>
          {tenant === NONE ? '(nobody)' : plain(tenant)}
        </button>
      )}
      {tenant && feature && (
        <button type="button" aria-pressed={!purpose && !bucket} onClick={() => ask({ ...up, feature })}>
          {feature === NONE ? '(no feature)' : plain(feature)}
        </button>
      )}
      {bucket && (
        <span>
          bucket <Given text={bucket} />
        </span>
      )}
      {purpose && <span>{purposeText(purpose)}</span>}
    </nav>
  );
}

function Body({ level }: { readonly level: Level }) {
  const { tenant, feature } = useNavigation().place.asked;
  if (level.total === 0)
    return (
      <Empty
        title={tenant ? 'Nothing was billed for it in this month' : 'Nothing was billed in this month'}
        command="npx headgate spend attribution"
      >
        What providers bill for calls of a month, and beside them, is divided here among tenants and features. Choose
        another month, or run the demo.
      </Empty>
    );
  if (tenant && feature) return <Lines level={level} />;
  return (
    <>
      {!tenant && <Sums level={level} />}
      <Groups level={level} by={tenant ? 'feature' : 'tenant'} />
      {level.buckets.length > 0 && <Buckets level={level} />}
      {level.providers.length > 0 && <Providers level={level} />}
      {level.prices.length > 0 && <Prices level={level} />}
    </>
  );
}

function Sums({ level: { providers, buckets, billedNanoUsd } }: { readonly level: Level }) {
  const sum = (pick: (one: Level['providers'][number]) => bigint): bigint =>
    providers.reduce((all, one) => all + pick(one), 0n);
  const shared = buckets.reduce((all, { amountNanoUsd }) => all + amountNanoUsd, 0n);
  const unknown = providers.reduce((all, { unknownCostAttempts }) => all + unknownCostAttempts, 0);
  const [calls, estimated] = [sum((one) => one.callsNanoUsd), sum((one) => one.estimatedNanoUsd)];
  return (
    <Figures>
      <Figure
        name="Billed"
        value={money(billedNanoUsd)}
        note={`${count(providers.length)} ${plural(providers.length, 'provider')}`}
      />
      <Figure
        name="Calls by the price list"
        value={money(calls)}
        note={`${share(ratioOf(estimated, calls))} estimated`}
      />
      <Figure name="Beside calls" value={money(sum((one) => one.fixedNanoUsd))} note="contracts" />
      <Figure name="Shared" value={money(shared)} note={`${share(ratioOf(shared, billedNanoUsd))} of the bill`} />
      <Figure
        name="Without a price"
        value={count(unknown)}
        tone={unknown > 0 ? 'warn' : undefined}
        note={unknown > 0 ? 'requests, in no sum (≥)' : 'requests'}
      />
    </Figures>
  );
}

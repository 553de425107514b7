import { count, dateTime, duration, money, UNKNOWN, windowLength } from '#kernel/format.ts';
import { Empty, Given, Trouble, Waiting } from '../../parts/basics.tsx';
import { offsetIn, Pager } from '../../parts/pager.tsx';
import { Table, type Column } from '../../parts/table.tsx';
import { cost, plural } from '../../parts/text.ts';
import { pathOf, toPage } from '../../state/place.ts';
import { zone } from '../../state/questions.ts';
import { useAsked, useSoon } from '../../state/use-asked.ts';
import { useNavigation } from '../../state/use-place.ts';
import { ErrorShare, FullestBudget, FullestLimit, Margin, Quality, Revenue } from './cells.tsx';
import { ONLY, tenantReport, type Only, type TenantLine, type TenantReport } from './view.ts';

const PAGE = 50;
/** The first press of a column sorts so; all others: the largest first. */
const LEAST_FIRST: ReadonlySet<string> = new Set(['tenant', 'margin']);

/** How every tenant stands: what it costs and pays, how near its limits it is, how well it is served. */
export function Tenants() {
  const { place, ask } = useNavigation();
  const { q = '', only = '', sort = 'cost', order = '', environment = '' } = place.asked;
  const offset = offsetIn(place.asked['offset']);
  const query = { search: q, only, sort, order, offset, limit: PAGE };
  const asked = useAsked(JSON.stringify(['tenants', place.window, environment, query]), () =>
    tenantReport(place, query),
  );
  const { data } = asked;
  useSoon(asked, data !== null && data.reading.length > 0);
  return (
    <>
      <header>
        <h1>Tenants</h1>
        {data && <Answer of={data} />}
      </header>
      <Search of={data} />
      <Trouble asked={asked} />
      {data === null && <Waiting asked={asked} height={500} />}
      {data?.tenants === 0 && (
        <Empty title="No tenants" command="npx headgate tenants create acme">
          A tenant is whose calls are kept apart and whose money is counted. Create one on the command line or on the
          page of keys.
        </Empty>
      )}
      {data && data.tenants > 0 && data.total === 0 && <Empty title="No tenant matches">Leave a filter out.</Empty>}
      {data && data.rows.length > 0 && <List of={data} />}
      {data && (
        <Pager offset={offset} size={PAGE} total={data.total} onGo={(next) => ask({ offset: String(next || '') })} />
      )}
      {data && <Notes of={data} />}
    </>
  );
}

const WORDS: Readonly<Record<Only, readonly [button: string, said: string]>> = {
  near: ['Near a limit', 'near a limit or a budget'],
  failing: ['Failing', 'with 2 % of calls or more failing'],
  fell: ['Quality fell', 'whose quality fell'],
  loss: ['At a loss', 'at a loss'],
};

function Answer({ of: { tenants, sums, counts, from, to } }: { readonly of: TenantReport }) {
  const [start, end] = [Date.parse(from), Date.parse(to)];
  const said = ONLY.filter((name) => counts[name] > 0).map((name) => `${count(counts[name])} ${WORDS[name][1]}`);
  return (
    <p>
      {count(tenants)} {plural(tenants, 'tenant')}: {said.length === 0 ? 'nothing stands out' : said.join(', ')}.{' '}
      <span class="muted">
        {cost(sums)} for {count(sums.calls)} {plural(sums.calls, 'call')} in {windowLength(end - start)} to{' '}
        {dateTime(end, zone())} {zone()}
      </span>
    </p>
  );
}

function Search({ of }: { readonly of: TenantReport | null }) {
  const { place, ask } = useNavigation();
  const { q = '', only = '' } = place.asked;
  return (
    <div class="row" role="search" aria-label="Find tenants">
      <label class="field">
        <span>id or name</span>
        <input
          type="search"
          size={24}
          data-search=""
          value={q}
          onInput={(event) => ask({ q: event.currentTarget.value, offset: '' }, 'replace')}
        />
      </label>
      {ONLY.map((name) => (
        <button
          key={name}
          type="button"
          aria-pressed={only === name}
          onClick={() => ask({ only: only === name ? '' : name, offset: '' })}
        >
          {WORDS[name][0]}
          {of && <span class="muted">{count(of.counts[name])}</span>}
        </button>
      ))}
    </div>
  );
}

function List({ of: report }: { readonly of: TenantReport }) {
  const { place, go, ask } = useNavigation();
  const { sort, order, sums, month, rows, total } = report;
  const priced = sums.priced > 0 || rows.some(({ month: own }) => own?.pricedBy != null);
  const columns = columnsOf(report, priced);
  const footer: Readonly<Record<string, string>> = {
    tenant: `total of ${count(total)}`,
    calls: count(sums.calls),
    spend: cost(sums),
    month: month ? money(sums.attributedNanoUsd) : UNKNOWN,
    revenue: month ? money(sums.revenueNanoUsd) : UNKNOWN,
    margin: month ? money(sums.marginNanoUsd) : UNKNOWN,
  };
  return (
    <Table
      label="Tenants"
      rows={rows}
      rowKey={({ tenant }) => tenant}
      onOpen={({ tenant }) => go(toPage(place, pathOf('tenants', tenant)))}
      columns={columns}
      footer={columns.map(({ title }) => footer[title] ?? '')}
      sorting={{
        by: sort,
        order,
        onSort: (by) => {
          const usual = LEAST_FIRST.has(by) ? 'asc' : 'desc';
          const turned = order === 'asc' ? 'desc' : 'asc';
          ask({ sort: by, order: by === sort ? turned : usual, offset: '' });
        },
      }}
    />
  );
}

const columnsOf = ({ reading }: TenantReport, priced: boolean): readonly Column<TenantLine>[] => [
  { title: 'tenant', kind: 'who', sort: 'tenant', cell: (line) => <Name of={line} /> },
  { title: 'calls', kind: 'number', minor: true, sort: 'calls', cell: ({ calls }) => count(calls) },
  { title: 'errors', kind: 'number', sort: 'errors', cell: ErrorShare },
  {
    title: 'p99',
    kind: 'number',
    minor: true,
    sort: 'p99',
    cell: ({ p99Ms }) => (reading.includes('latency') ? '…' : duration(p99Ms)),
  },
  { title: 'spend', kind: 'number', sort: 'cost', cell: (line) => (line.calls === 0 ? UNKNOWN : cost(line)) },
  {
    title: 'month',
    kind: 'number',
    minor: true,
    sort: 'attributed',
    cell: ({ month }) => (reading.includes('month') ? '…' : money(month && month.costNanoUsd)),
  },
  ...(priced
    ? [
        {
          title: 'revenue',
          kind: 'number' as const,
          minor: true,
          sort: 'revenue',
          cell: ({ month }: TenantLine) => <Revenue of={month} />,
        },
        {
          title: 'margin',
          kind: 'number' as const,
          minor: true,
          sort: 'margin',
          cell: ({ month }: TenantLine) => <Margin of={month} />,
        },
      ]
    : []),
  { title: 'limit', sort: 'limit', cell: (line) => <FullestLimit of={line} /> },
  { title: 'budget', minor: true, sort: 'budget', cell: (line) => <FullestBudget of={line} /> },
  { title: 'quality', sort: 'quality', cell: (line) => <Quality of={line} /> },
];

function Name({ of: { tenant, name, plan, disabled } }: { readonly of: TenantLine }) {
  const { to } = useNavigation();
  const notes = [name !== null && name !== tenant && name, plan !== null && `plan ${plan}`].filter(Boolean);
  return (
    <>
      <a href={to(pathOf('tenants', tenant))} tabIndex={-1}>
        <Given text={tenant} />
      </a>
      {notes.length > 0 && (
        <span class="muted">
          {' '}
          <Given text={notes.join(', ')} />
        </span>
      )}
      {disabled && <div class="warn">disabled</div>}
      {name === null && <div class="warn">no such tenant any more</div>}
    </>
  );
}

function Notes({ of: { month, sums, reading, total, rows } }: { readonly of: TenantReport }) {
  const { to } = useNavigation();
  if (rows.length === 0) return null;
  return (
    <p class="muted">
      {reading.includes('latency') && 'Reading … latencies. '}
      {reading.includes('month') && 'Reading … the month’s bill. '}
      {month && (
        <>
          Calls, errors, p99 and spend are of the window; month, revenue and margin of {month.month} {month.timeZone} so
          far, with shares of what belongs to all
          {month.nobodyNanoUsd !== 0n && `; ${money(month.nobodyNanoUsd)} of it is nobody’s`}:{' '}
          <a href={to('attribution')}>where it comes from</a>.{' '}
          {sums.priced === 0 ? (
            <>
              No tenant has a price, so that revenue and margin are not known: <code>attribution.pricing</code> in
              headgate.yaml gives plans and tenants one.{' '}
            </>
          ) : (
            sums.priced < total &&
            `${count(total - sums.priced)} of ${count(total)} have no price or no bill: they are in no sum of revenue and margin. `
          )}
        </>
      )}
      Limit and budget are the fullest that it has: a limit for each team, feature or key counts by the fullest of them;
      one for each end user, and a budget for each of many, is not looked at. Quality is the worst of a tenant’s scores.
    </p>
  );
}

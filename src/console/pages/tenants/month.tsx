import { money, ratioOf, share } from '#kernel/format.ts';
import { Given } from '../../parts/basics.tsx';
import { Part } from '../../parts/part.tsx';
import { Table } from '../../parts/table.tsx';
import { toPage } from '../../state/place.ts';
import { useAsked, useSoon } from '../../state/use-asked.ts';
import { useNavigation } from '../../state/use-place.ts';
import { billLevel, NONE, partIn, partsIn, type Group, type Level } from '../attribution/view.ts';
import { tenantReport, type MonthLine } from './view.ts';

const MOST = 100;

/** What of the month's bill is this tenant's, and what it pays. */
export function MonthPart({ tenant }: { readonly tenant: string }) {
  const { place, to } = useNavigation();
  const load = async () => {
    const [level, report] = await Promise.all([
      billLevel({ tenant, limit: MOST }),
      tenantReport(place, { search: tenant, limit: MOST, sort: 'tenant' }),
    ]);
    const line = report.rows.find((row) => row.tenant === tenant)?.month ?? null;
    return { level, line, isReading: report.reading.includes('month') };
  };
  const asked = useAsked(JSON.stringify(['tenant month', tenant]), load, { slow: true });
  useSoon(asked, asked.data?.isReading === true);
  return (
    <Part
      title="Month"
      asked={asked}
      note={({ level }) => `${level.month} ${level.timeZone}, ${level.closedAt === null ? 'open' : 'closed'}`}
      side={<a href={to('attribution', { tenant })}>What it is made of</a>}
    >
      {(data) => <Month {...data} tenant={tenant} />}
    </Part>
  );
}

interface MonthProps {
  readonly level: Level;
  readonly line: MonthLine | null;
  /** The gate is still reading what it pays. */
  readonly isReading: boolean;
  readonly tenant: string;
}

function Month({ level, line, isReading, tenant }: MonthProps) {
  const { place, go } = useNavigation();
  const { groups, amountNanoUsd: whole, billedNanoUsd } = level;
  if (groups.length === 0) return <p class="muted">Nothing was billed for it so far.</p>;
  const parts = partsIn(groups);
  return (
    <>
      <p>
        {money(whole)}, {share(ratioOf(whole, billedNanoUsd))} of what providers bill.{' '}
        {isReading ? 'Reading … what it pays.' : <Paid line={line} />}
      </p>
      <Table
        label="Month by feature"
        rows={groups}
        rowKey={({ name }) => JSON.stringify(name)}
        onOpen={({ name }) => go(toPage(place, 'attribution', { tenant, feature: name ?? NONE }))}
        columns={[
          { title: 'feature', kind: 'name', cell: ({ name }) => <Given text={name} none="(no feature)" /> },
          ...parts.map((part) => ({
            title: part,
            kind: 'number' as const,
            minor: true,
            cell: (group: Group) => money(partIn(group, part)),
          })),
          { title: 'cost', kind: 'number' as const, cell: (group: Group) => money(group.amountNanoUsd) },
          {
            title: 'share',
            kind: 'number' as const,
            cell: (group: Group) => share(ratioOf(group.amountNanoUsd, whole)),
          },
        ]}
        footer={['total', ...parts.map(() => ''), money(whole), share(1)]}
      />
    </>
  );
}

function Paid({ line }: { readonly line: MonthLine | null }) {
  if (line === null || line.pricedBy === null)
    return (
      <>
        It has no price, so that its margin is not known: <code>attribution.pricing</code> in headgate.yaml gives it
        one.
      </>
    );
  const { pricedBy, revenueNanoUsd, marginNanoUsd, marginRatio } = line;
  return (
    <>
      By the price of <Given text={pricedBy} /> it pays {money(revenueNanoUsd)}: margin{' '}
      <strong class={marginNanoUsd < 0n ? 'bad' : 'ok'}>
        {money(marginNanoUsd)}
        {marginRatio !== null && ` (${share(marginRatio)})`}
      </strong>
      .
    </>
  );
}

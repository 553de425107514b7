import { duration, ESTIMATED, tokens, UNKNOWN } from '#kernel/format.ts';
import type { LedgerEntry } from '#ports/entry.ts';
import { outcomeText } from '#cli/calls/outcome.ts';
import { Given, Id, Outcome, Time } from '../../parts/basics.tsx';
import { Table, type Column } from '../../parts/table.tsx';
import { callCost } from '../../parts/text.ts';
import { pathOf, toPage } from '../../state/place.ts';
import { useNavigation } from '../../state/use-place.ts';

const counted = (entry: LedgerEntry, value: number | null): string =>
  value === null ? UNKNOWN : `${entry.usageSource === 'estimated' ? ESTIMATED : ''}${tokens(value)}`;

const WHO: readonly Column<LedgerEntry>[] = [
  { title: 'tenant', kind: 'name', cell: ({ tenant }) => <Given text={tenant} /> },
  { title: 'feature', minor: true, kind: 'name', cell: ({ feature }) => <Given text={feature} /> },
];

const COLUMNS: readonly Column<LedgerEntry>[] = [
  { title: 'model', kind: 'name', cell: ({ modelAsked }) => <Given text={modelAsked} /> },
  { title: 'outcome', kind: 'tight', cell: (entry) => <Outcome status={entry.status} text={outcomeText(entry)} /> },
  { title: 'tries', minor: true, kind: 'number', cell: ({ attempts }) => String(attempts.length) },
  { title: 'in', minor: true, kind: 'number', cell: (entry) => counted(entry, entry.usage.inputTokens) },
  { title: 'cached', minor: true, kind: 'number', cell: (entry) => counted(entry, entry.usage.cachedReadTokens) },
  { title: 'out', minor: true, kind: 'number', cell: (entry) => counted(entry, entry.usage.outputTokens) },
  { title: 'first token', minor: true, kind: 'number', cell: ({ timing }) => duration(timing.firstTokenMs) },
  { title: 'total', kind: 'number', cell: ({ timing }) => duration(timing.totalMs) },
  { title: 'cost', kind: 'number', cell: callCost },
];

/** Calls as rows; within a session who made them is said once, above. */
export function CallsTable({
  calls,
  label,
  who = true,
}: {
  readonly calls: readonly LedgerEntry[];
  readonly label: string;
  readonly who?: boolean;
}) {
  const { place, go, to } = useNavigation();
  const columns: Column<LedgerEntry>[] = [
    { title: 'time', kind: 'tight', cell: ({ at }) => <Time at={at} /> },
    {
      title: 'call',
      minor: true,
      kind: 'tight',
      cell: ({ id }) => (
        <a href={to(pathOf('calls', id))} tabIndex={-1}>
          <Id id={id} />
        </a>
      ),
    },
    ...(who ? WHO : []),
    ...COLUMNS,
  ];
  return (
    <Table
      label={label}
      columns={columns}
      rows={calls}
      rowKey={({ id }) => id}
      onOpen={({ id }) => go(toPage(place, pathOf('calls', id)))}
    />
  );
}

import { useState } from 'preact/hooks';
import { count, money } from '#kernel/format.ts';
import { Empty, Given, Outcome, Panel, Time, Trouble, Waiting } from '../../parts/basics.tsx';
import { Table, type Column } from '../../parts/table.tsx';
import { plural } from '../../parts/text.ts';
import { pathOf, toPage } from '../../state/place.ts';
import { useAsked } from '../../state/use-asked.ts';
import { useNavigation } from '../../state/use-place.ts';
import { billEntries, purposeText, type EntryLine, type EntryPage, type Level } from './view.ts';

const PAGE = 100;

/** The entries behind a line, and what they sum to. A line of a bucket is made of the calls that went into it. */
export function Entries({ level }: { readonly level: Level }) {
  const { tenant, feature, purpose, provider, bucket } = useNavigation().place.asked;
  const whose = bucket ? { bucket } : { tenant, feature };
  const query = { month: level.month, ...whose, purpose, provider, limit: PAGE };
  return <Found key={JSON.stringify(query)} query={query} line={lineOf(level, { purpose, provider, bucket })} />;
}

interface Names {
  readonly purpose: string | undefined;
  readonly provider: string | undefined;
  readonly bucket: string | undefined;
}

interface Whole {
  readonly amountNanoUsd: bigint;
  /** What a share of it is this line; null: it is all the line's own. */
  readonly shareNanoUsd: bigint | null;
}

/** What the entries are to sum to; null: the level has no such line. */
function lineOf({ lines, buckets }: Level, { purpose, provider, bucket }: Names): Whole | null {
  const fits = (one: { purpose: string; provider: string | null; bucket: string | null }): boolean =>
    one.purpose === purpose && (one.provider ?? '-') === provider && (one.bucket ?? '') === (bucket ?? '');
  const own = lines.find(fits);
  if (own?.bucket) return { amountNanoUsd: own.ofBucketNanoUsd ?? 0n, shareNanoUsd: own.amountNanoUsd };
  if (own) return { amountNanoUsd: own.amountNanoUsd, shareNanoUsd: null };
  const whole = buckets.find(fits);
  return whole ? { amountNanoUsd: whole.amountNanoUsd, shareNanoUsd: null } : null;
}

interface FoundProps {
  readonly query: Readonly<Record<string, string | number | undefined>>;
  readonly line: Whole | null;
}

function Found({ query, line }: FoundProps) {
  const [before, setBefore] = useState<readonly EntryPage[]>([]);
  const cursor = before.at(-1)?.next ?? undefined;
  const asked = useAsked(JSON.stringify(['entries', query, cursor]), () => billEntries({ ...query, before: cursor }), {
    slow: true,
  });
  const pages = asked.data === null ? before : [...before, asked.data];
  const entries = pages.flatMap((page) => page.entries);
  const sum = pages.reduce((all, { amountNanoUsd }) => all + amountNanoUsd, 0n);
  const next = asked.data?.next ?? null;
  if (asked.data !== null && entries.length === 0 && next === null)
    return (
      <Empty title="No entries are kept of it">They may be older than the retention, while their sums are kept.</Empty>
    );
  return (
    <Panel title="Entries" note="newest first; a row opens the call">
      {line?.shareNanoUsd != null && (
        <p>
          These calls belong to all: of {money(line.amountNanoUsd)} this line has {money(line.shareNanoUsd)}.
        </p>
      )}
      <Trouble asked={asked} />
      {entries.length > 0 && <EntryTable entries={entries} sum={sum} />}
      {asked.data === null && <Waiting asked={asked} height={120} />}
      <p>
        {count(entries.length)} {plural(entries.length, 'entry', 'entries')} {plural(entries.length, 'sums', 'sum')} to{' '}
        {money(sum)}
        {line && <Compared sum={sum} whole={line.amountNanoUsd} more={next !== null || asked.data === null} />}.
      </p>
      {next !== null && (
        <div class="row">
          <button type="button" onClick={() => setBefore(pages)}>
            Older
          </button>
        </div>
      )}
    </Panel>
  );
}

interface ComparedProps {
  readonly sum: bigint;
  readonly whole: bigint;
  readonly more: boolean;
}

function Compared({ sum, whole, more }: ComparedProps) {
  if (more) return <>, of {money(whole)}; there are older ones</>;
  if (sum === whole)
    return (
      <>
        , <span class="ok">all of the line</span>
      </>
    );
  return (
    <>
      , of {money(whole)}; <span class="warn">{money(whole - sum)} apart</span>: entries that came or were corrected
      since the bill was made or the month was closed, or that the retention took
    </>
  );
}

const COLUMNS: readonly Column<EntryLine>[] = [
  { title: 'time', kind: 'tight', cell: ({ at }) => <Time at={at} /> },
  { title: 'tenant', kind: 'name', minor: true, cell: ({ tenant }) => <Given text={tenant} /> },
  { title: 'feature', kind: 'name', minor: true, cell: ({ feature }) => <Given text={feature} /> },
  { title: 'model', kind: 'name', cell: ({ model }) => <Given text={model} /> },
  { title: 'outcome', kind: 'tight', minor: true, cell: ({ status }) => <Outcome status={status} text={status} /> },
  { title: 'for', kind: 'name', minor: true, cell: ({ purposes }) => purposes.map(purposeText).join(', ') },
  { title: 'requests', kind: 'number', minor: true, cell: ({ attempts }) => count(attempts) },
  { title: 'in this line', kind: 'number', cell: ({ amountNanoUsd }) => money(amountNanoUsd) },
];

function EntryTable({ entries, sum }: { readonly entries: readonly EntryLine[]; readonly sum: bigint }) {
  const { place, go } = useNavigation();
  return (
    <Table
      label="Entries"
      rows={entries}
      rowKey={({ call }) => call}
      onOpen={({ call }) => go(toPage(place, pathOf('calls', call)))}
      columns={COLUMNS}
      footer={COLUMNS.map(({ title }) => (title === 'time' ? 'total' : title === 'in this line' ? money(sum) : ''))}
    />
  );
}

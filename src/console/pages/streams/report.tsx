import type { ComponentChildren } from 'preact';
import { count, dateTime, duration, share } from '#kernel/format.ts';
import {
  cameBack,
  endedAs,
  goneOnWith,
  IN_VAIN,
  moneyOf,
  tokensOf,
  UNPRICED,
  type EndColumn,
} from '#cli/streams/words.ts';
import { Copy, Empty, Figure, Figures, Given, Panel } from '../../parts/basics.tsx';
import { Table, type Column } from '../../parts/table.tsx';
import { plain, plural } from '../../parts/text.ts';
import { useWho } from '../../session/who.ts';
import { zone } from '../../state/questions.ts';
import { useNavigation } from '../../state/use-place.ts';
import { callsBehind, closer, DIMENSIONS, type Advice, type StreamLine, type StreamsReport } from './view.ts';

/** What stands out among the streams that ended, and their sums. */
export function Ended({ report }: { readonly report: StreamsReport }) {
  if (report.total.all.streams === 0) return null;
  return (
    <>
      <AdviceList advice={report.advice} />
      <Sums report={report} />
    </>
  );
}

/** How the streams of each group ended. */
export function EndedByGroup({ report }: { readonly report: StreamsReport }) {
  return report.total.all.streams === 0 ? <None report={report} /> : <Groups report={report} />;
}

function None({ report: { by, filters } }: { readonly report: StreamsReport }) {
  return (
    <>
      <GroupBy by={by} filters={filters} />
      <Empty title="No streams ended in this window" command="npx headgate demo --calls 200">
        How streams end, and what of them is paid in vain, appears here: a stream is a call with{' '}
        <code>stream: true</code>. {Object.keys(filters).length > 0 ? 'Leave a filter out, choose' : 'Choose'} a longer
        window, or run the demo.
      </Empty>
    </>
  );
}

/** As the command line prints it, with its commands. */
function AdviceList({ advice }: { readonly advice: readonly Advice[] }) {
  return (
    <Panel title="What stands out" note={advice.length > 0 ? advice.length : ''}>
      <ul class="findings">
        {advice.map(({ ending, text, next }) => (
          <li key={ending}>
            <span class={`grade ${LOST.has(ending) ? 'bad' : 'warn'}`}>{LOST.has(ending) ? '✕ lost' : '! left'}</span>
            <span>
              {plain(text)}
              {next.map((command) => (
                <span key={command} class="row">
                  <code>{plain(command)}</code> <Copy text={command} what="the command" />
                </span>
              ))}
            </span>
          </li>
        ))}
        {advice.length === 0 && (
          <li>
            <span class="ok">✓ Nothing stands out</span>
            <span class="muted">
              cuts, deaths, failures, clients that left and streams that were abandoned were looked at
            </span>
          </li>
        )}
      </ul>
    </Panel>
  );
}

/** Against their callers' will; the others are the callers' doing, or a hop's between. */
const LOST: ReadonlySet<string> = new Set(['interrupted', 'truncated', 'failed']);

function Sums({ report: { total } }: { readonly report: StreamsReport }) {
  const { all, wasted, wastedAtMost, resumed, meanMs } = total;
  const { whole } = endedAs(total.endings);
  return (
    <Figures>
      <Figure name="Streams" value={count(all.streams)} note={`mean time ${duration(meanMs)}`} />
      <Figure name="Whole" value={share(whole / all.streams)} note={`${count(whole)} of ${count(all.streams)}`} />
      <Figure
        name="Paid in vain"
        value={moneyOf(wasted)}
        note={`${tokensOf(wasted)} tokens of ${count(wasted.streams)} ${plural(wasted.streams, 'stream')}`}
        tone={wasted.streams > 0 ? 'bad' : undefined}
      />
      <Figure
        name="At most"
        value={moneyOf(wastedAtMost)}
        note={`with ${count(wastedAtMost.streams - wasted.streams)} that callers ended`}
      />
      <Figure
        name="Resumed"
        value={count(resumed.streams)}
        note={resumed.streams === 0 ? 'no reader came back' : `${count(resumed.whole)} ended whole`}
      />
    </Figures>
  );
}

function Groups({ report }: { readonly report: StreamsReport }) {
  const { go, place } = useNavigation();
  const { by, filters, lines, rest, total, knownFrom } = report;
  const rows = rest ? [...lines, rest.line] : lines;
  const columns = [...by.map((name, i) => groupColumn(report, name, i)), ...figureColumns(report)];
  const open = (line: StreamLine): void => {
    const asked = line === rest?.line ? null : closer(report, line);
    if (asked) go({ ...place, asked: { ...place.asked, ...asked } });
  };
  return (
    <>
      <GroupBy by={by} filters={filters} />
      <Panel title={`By ${by.join(', ')}`} note="most paid in vain first; a row opens one group">
        <Table
          label="Streams by group"
          rows={rows}
          rowKey={(line) => (line === rest?.line ? 'other' : JSON.stringify(line.by))}
          onOpen={open}
          columns={columns}
          footer={columns.map(({ cell }, i) => (i === 0 ? 'total' : i < by.length ? '' : cell(total)))}
        />
        <p class="muted">
          {sentence([
            ...(knownFrom === null ? [] : [`known from ${dateTime(Date.parse(knownFrom), zone())} on`]),
            ...(total.resumed.streams > 0 ? [cameBack(total.resumed)] : []),
            ...[goneOnWith(total.endings)].filter((text) => text !== null),
            IN_VAIN.join(' '),
            ...(total.wastedAtMost.unknownCostStreams > 0 ? [UNPRICED] : []),
          ])}
        </p>
      </Panel>
    </>
  );
}

const sentence = (parts: readonly string[]): string =>
  parts.map((part) => `${part.charAt(0).toUpperCase()}${part.slice(1)}.`).join(' ');

const groupColumn = ({ rest }: StreamsReport, title: string, i: number): Column<StreamLine> => ({
  title,
  kind: 'name',
  cell: (line) => {
    if (line === rest?.line) return i === 0 ? `other (${count(rest.groups)})` : '';
    return <Given text={line.by[i] ?? null} none="(none)" />;
  },
});

const figureColumns = (report: StreamsReport): readonly Column<StreamLine>[] => [
  { title: 'streams', kind: 'number', cell: ({ all }) => count(all.streams) },
  ended(report, 'whole', { title: 'whole', minor: true }),
  ended(report, 'cut', { title: 'cut', outcome: 'truncated', bad: true }),
  ended(report, 'died', { title: 'died', outcome: 'interrupted', bad: true }),
  ended(report, 'redriven', { title: 'redriven', minor: true }),
  ended(report, 'failed', { title: 'failed', bad: true, minor: true }),
  ended(report, 'clientLeft', { title: 'client left', minor: true }),
  ended(report, 'abandoned', { title: 'abandoned', minor: true }),
  ended(report, 'cancelled', { title: 'cancelled', minor: true }),
  { title: 'resumed', kind: 'number', minor: true, cell: ({ resumed }) => <Quiet text={count(resumed.streams)} /> },
  { title: 'tokens in vain', kind: 'number', minor: true, cell: ({ wasted }) => <Quiet text={tokensOf(wasted)} /> },
  { title: 'paid in vain', kind: 'number', cell: ({ wasted }) => <Quiet text={moneyOf(wasted)} /> },
  { title: 'at most', kind: 'number', minor: true, cell: ({ wastedAtMost }) => <Quiet text={moneyOf(wastedAtMost)} /> },
];

/** Nothing is there to be seen as nothing: what is not zero stands out. */
const Quiet = ({ text }: { readonly text: string }) => (
  <span class={text === '0' || text === '$0' ? 'muted' : ''}>{text}</span>
);

interface EndedColumn {
  readonly title: string;
  /** The outcome by which the list of calls shows these and no others. */
  readonly outcome?: string;
  readonly bad?: boolean;
  readonly minor?: boolean;
}

const ended = (report: StreamsReport, column: EndColumn, { title, outcome, bad, minor }: EndedColumn) =>
  ({
    title,
    kind: 'number',
    ...(minor && { minor }),
    cell: (line: StreamLine) => {
      const streams = endedAs(line.endings)[column];
      const behind = outcome === undefined || line === report.rest?.line ? null : callsBehind(report, line);
      if (streams === 0) return <Quiet text="0" />;
      const text = <span class={bad ? 'bad' : ''}>{count(streams)}</span>;
      return behind ? <CallsLink asked={{ ...behind, outcome: outcome! }}>{text}</CallsLink> : text;
    },
  }) satisfies Column<StreamLine>;

function CallsLink({
  asked,
  children,
}: {
  readonly asked: Record<string, string>;
  readonly children: ComponentChildren;
}) {
  const { to } = useNavigation();
  return (
    <a class="bad" href={to('calls', asked)} title="These calls">
      {children}
    </a>
  );
}

interface GroupByProps {
  readonly by: StreamsReport['by'];
  readonly filters: StreamsReport['filters'];
}

/** Dimensions in the order in which they are pressed, and the filters that are on. */
function GroupBy({ by, filters }: GroupByProps) {
  const { ask } = useNavigation();
  // A tenant's own token asks about that tenant whatever the address says: it is no filter that somebody could leave out.
  const isChoice = useWho().token.tenant === null ? () => true : (name: string): boolean => name !== 'tenant';
  const on = Object.entries(filters).filter(([name]) => isChoice(name));
  const toggle = (name: (typeof DIMENSIONS)[number]): void =>
    ask({ by: (by.includes(name) ? by.filter((one) => one !== name) : [...by, name]).join(',') });
  return (
    <div class="row">
      <div class="row" role="group" aria-label="Group by">
        <span class="muted">By</span>
        {DIMENSIONS.filter(isChoice).map((name) => (
          <button key={name} type="button" aria-pressed={by.includes(name)} onClick={() => toggle(name)}>
            {name}
          </button>
        ))}
      </div>
      {on.length > 0 && (
        <div class="row" role="group" aria-label="Filters">
          <span class="muted">Only</span>
          {on.map(([name, value]) => (
            <button key={name} type="button" onClick={() => ask({ [name]: '' })} title="Leave this filter out">
              {name} <bdi>{plain(value)}</bdi> ✕
            </button>
          ))}
        </div>
      )}
    </div>
  );
}

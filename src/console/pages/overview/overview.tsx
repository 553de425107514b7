import { change, count, dateTime, duration, share, tokens, windowLength } from '#kernel/format.ts';
import { sumOf } from '#cli/spend/report.ts';
import { Chart } from '../../parts/chart.tsx';
import { Empty, Figure, Figures, Panel, Trouble, Waiting } from '../../parts/basics.tsx';
import { cost } from '../../parts/text.ts';
import { bucketOf, spanOf } from '../../state/place.ts';
import { useWho, type Who } from '../../session/who.ts';
import { budgetList, spendCompared, spendRows, zone, type SpendFigures } from '../../state/questions.ts';
import { read } from '../../session/client.ts';
import { useAsked } from '../../state/use-asked.ts';
import { useNavigation } from '../../state/use-place.ts';
import { Findings } from './findings-list.tsx';
import { findingsOf } from './findings.ts';
import { Movers } from './movers.tsx';
import { Refusals } from './refusals.tsx';
import type { NowReport } from './view.ts';
import { CallsPanel, LatencyPanel, partialNote, usd, useFrame } from './charts.tsx';
import { dollars, sumsOver, valuesOver } from './series.ts';

/** What one look at a window brings: all of it is of the same moment. */
async function load(place: ReturnType<typeof useNavigation>['place']) {
  const span = spanOf(place.window, Date.now());
  const bucket = bucketOf(span);
  const asked = { ...span, filters: filtersOf(place.asked) };
  const before = { ...asked, from: 2 * span.from - span.to, to: span.from };
  const [kinds, latency, whole, wholeBefore, tenants] = await Promise.all([
    spendRows({ ...asked, by: ['kind'], bucket, figures: 'sums' }),
    spendRows({ ...asked, by: [], bucket, figures: 'quantiles' }),
    spendRows({ ...asked, by: [], figures: 'quantiles' }),
    spendRows({ ...before, by: [], figures: 'quantiles' }),
    spendCompared({ ...asked, by: ['tenant', 'model'] }),
  ]);
  return { span, bucket, kinds, latency, whole: whole[0] ?? null, before: wholeBefore[0] ?? null, tenants };
}

type Look = Awaited<ReturnType<typeof load>>;

const filtersOf = ({ tenant, environment }: Readonly<Record<string, string>>): Record<string, string> => ({
  ...(tenant && { tenant }),
  ...(environment && { environment }),
});

/**
 * The same report as `headgate now`; many viewers share one that is a few seconds old. It is of all tenants: for one
 * alone its own budgets say what needs somebody.
 */
async function loadState(may: Who['may']) {
  if (!may(NOW)) return { now: null, budgets: await budgetList(undefined) };
  return { now: (await read('/now', { maxAge: '10s' })) as NowReport, budgets: [] };
}

const NOW = 'GET /admin/now';
/** What the findings rest on. */
const LOOKED_AT = {
  all: 'alerts, providers, streams, tenants, budgets, refusals, prices, spool and configuration',
  own: 'your budgets, failed calls and prices',
  ownBudgets: 'your budgets',
} as const;

export function Overview() {
  const { place } = useNavigation();
  const { may } = useWho();
  const key = JSON.stringify([place.window, filtersOf(place.asked)]);
  const long = place.window !== '1h';
  const asked = useAsked(key, () => load(place), { slow: long });
  const state = useAsked('now', () => loadState(may), { slow: true });
  const total = asked.data ? sumOf(asked.data.kinds) : null;
  const findings = findingsOf({
    now: state.data?.now ?? null,
    budgets: state.data?.budgets ?? [],
    total,
    zone: zone(),
  });
  return (
    <>
      <header>
        <h1>Overview</h1>
        {asked.data && <Answer look={asked.data} findings={findings.length} at={asked.at!} />}
      </header>
      {asked.data && asked.error === null ? null : <Trouble asked={asked} />}
      <Findings
        findings={findings}
        ready={state.data !== null}
        lookedAt={LOOKED_AT[may(NOW) ? 'all' : total ? 'own' : 'ownBudgets']}
      />
      {asked.data === null ? <Waiting asked={asked} height={600} /> : <Body look={asked.data} />}
      <Refusals />
    </>
  );
}

function Answer({ look, findings, at }: { readonly look: Look; readonly findings: number; readonly at: number }) {
  const { span, whole } = look;
  const words =
    findings === 0 ? 'Nothing needs you.' : findings === 1 ? 'One thing needs you.' : `${findings} things need you.`;
  const spent = whole ? `${count(whole.calls)} calls for ${cost(whole)}` : 'No calls';
  return (
    <p>
      {words} {spent} in {windowLength(span.to - span.from)} to {dateTime(span.to, zone())} {zone()}
      <span class="muted"> · read {dateTime(at, zone(), { seconds: true }).slice(11)}</span>
    </p>
  );
}

function Body({ look }: { readonly look: Look }) {
  if (look.whole === null)
    return (
      <Empty title="No calls in this window" command="npx headgate demo --calls 200">
        Spend, tokens, errors and latency of the calls that pass this gate appear here. Send one with the line that the
        start of the gate printed, run the demo, or choose a longer window.
      </Empty>
    );
  return (
    <>
      <Sums look={look} whole={look.whole} />
      <Pictures look={look} />
      <Movers report={look.tenants} />
    </>
  );
}

const growth = (now: bigint | number, before: bigint | number | undefined): string => {
  if (before === undefined || Number(before) === 0) return 'none before';
  return `${change(Number(now) / Number(before) - 1)} against the window before`;
};

const KINDS = ['generate', 'embed'] as const;

function Sums({ look, whole }: { readonly look: Look; readonly whole: SpendFigures }) {
  const { before } = look;
  const [generate, embed] = KINDS.map((kind) => sumOf(look.kinds.filter((row) => row.by[1] === kind)));
  const errors = whole.errors / whole.calls;
  return (
    <Figures>
      <Figure name="Spend" value={cost(whole)} note={growth(whole.costNanoUsd, before?.costNanoUsd)} />
      <Figure name="Generation" value={cost(generate!)} note={`${count(generate!.calls)} calls`} />
      <Figure name="Embedding" value={cost(embed!)} note={`${count(embed!.calls)} calls`} />
      <Figure name="Calls" value={count(whole.calls)} note={growth(whole.calls, before?.calls)} />
      <Figure
        name="Errors"
        value={share(errors)}
        tone={errors >= 0.1 ? 'bad' : errors >= 0.02 ? 'warn' : undefined}
        note={`${count(whole.errors)} calls failed`}
      />
      <Figure name="Tokens in" value={tokens(whole.inputTokens)} note={`${share(cachedShare(whole))} from cache`} />
      <Figure
        name="Tokens out"
        value={tokens(whole.outputTokens)}
        note={`${tokens(whole.reasoningTokens)} reasoning`}
      />
      <Figure
        name="Whole call, p50"
        value={duration(whole.totalMs?.p50 ?? null)}
        note={latencyNote(before?.totalMs?.p50)}
      />
      <Figure
        name="Whole call, p99"
        value={duration(whole.totalMs?.p99 ?? null)}
        note={latencyNote(before?.totalMs?.p99)}
      />
      <Figure
        name="First token, p99"
        value={duration(whole.firstTokenMs?.p99 ?? null)}
        note={latencyNote(before?.firstTokenMs?.p99)}
      />
    </Figures>
  );
}

const cachedShare = ({ cachedReadTokens, inputTokens }: SpendFigures): number | null =>
  inputTokens === 0 ? null : cachedReadTokens / inputTokens;

const latencyNote = (before: number | undefined): string =>
  before === undefined ? 'none before' : `${duration(before)} in the window before`;

function Pictures({ look }: { readonly look: Look }) {
  const { span, bucket, kinds, latency } = look;
  const frame = useFrame(span, bucket);
  const { times } = frame;
  const ofKind = (kind: string) => kinds.filter((row) => row.by[1] === kind);
  const others = kinds.filter((row) => !KINDS.includes(row.by[1] as never));
  const spendOf = (rows: readonly SpendFigures[]) => sumsOver(times, rows, (row) => dollars(row.costNanoUsd));
  const per = partialNote(bucket);
  return (
    <div class="columns">
      <Panel title="Spend" note={per}>
        <Chart
          {...frame}
          label="Spend over time"
          form="bars"
          format={usd}
          series={[
            { name: 'generation', colour: 1, values: spendOf(ofKind('generate')) },
            { name: 'embedding', colour: 2, values: spendOf(ofKind('embed')) },
            ...(others.length > 0 ? [{ name: 'other', colour: 6 as const, values: spendOf(others) }] : []),
          ]}
        />
      </Panel>
      <CallsPanel frame={frame} bucket={bucket} rows={kinds} />
      <LatencyPanel
        frame={frame}
        bucket={bucket}
        rows={latency}
        more={[
          {
            name: 'first token p99',
            colour: 5,
            values: valuesOver(times, latency, (row) => row.firstTokenMs?.p99 ?? null),
          },
        ]}
      />
      <Panel title="Tokens" note={per}>
        <Chart
          {...frame}
          label="Tokens over time"
          form="bars"
          format={tokens}
          series={[
            { name: 'out', colour: 1, values: sumsOver(times, kinds, (row) => row.outputTokens) },
            { name: 'in', colour: 6, values: sumsOver(times, kinds, (row) => row.inputTokens - row.cachedReadTokens) },
            { name: 'in from cache', colour: 3, values: sumsOver(times, kinds, (row) => row.cachedReadTokens) },
          ]}
        />
      </Panel>
    </div>
  );
}

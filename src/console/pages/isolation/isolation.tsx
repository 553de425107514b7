import type { LeakWatchNow, LevelFigures, Verdict } from '#capabilities/tenants/cli.ts';
import { count, duration, share } from '#kernel/format.ts';
import { Empty, Given, Panel, Time, Trouble, Waiting } from '../../parts/basics.tsx';
import { Table } from '../../parts/table.tsx';
import { read } from '../../session/client.ts';
import { useAsked } from '../../state/use-asked.ts';
import { useNavigation } from '../../state/use-place.ts';
import type { ProviderView } from '../providers/view.ts';
import type { CacheAuditView, Leaks } from './view.ts';

interface Providers {
  readonly providers: readonly Pick<ProviderView, 'name' | 'promptCache'>[];
}
interface Audits {
  readonly audits: readonly CacheAuditView[];
}

/** Do tenants see anything of each other: what was found in answers, and what audits of caches say. */
export function Isolation() {
  const asked = useAsked('isolation', async () => {
    const [found, audited, configured] = await Promise.all([read('/leaks'), read('/cache-audits'), read('/providers')]);
    return { ...(found as Leaks), ...(audited as Audits), ...(configured as Providers) };
  });
  const { data } = asked;
  return (
    <>
      <header>
        <h1>Isolation</h1>
        {data && <Answer {...data} />}
      </header>
      <Trouble asked={asked} />
      {data === null && <Waiting asked={asked} height={300} />}
      {data && <RuleTable providers={data.providers} />}
      {data && <AuditTable audits={data.audits} />}
      {data && <LeakTable {...data} />}
    </>
  );
}

function Answer({ watch, leaks, audits }: Leaks & Audits) {
  const open = newestOfEach(audits).filter(({ verdict }) => verdict === 'shared' || verdict === 'suspect').length;
  const caches =
    audits.length === 0
      ? 'No cache was audited'
      : open === 0
        ? 'No newest audit found a shared cache'
        : `${count(open)} ${open === 1 ? 'model has' : 'models have'} a cache that tells tenants of one another`;
  const answers =
    leaks.length === 0
      ? watch.action === 'off'
        ? 'no answer is read for texts of other tenants'
        : 'no answer held a text of another tenant'
      : `${count(leaks.length)} ${leaks.length === 1 ? 'answer' : 'answers'} held a text of another tenant`;
  return (
    <p>
      {caches}; {answers}.
    </p>
  );
}

const newestOfEach = (audits: readonly CacheAuditView[]): readonly CacheAuditView[] => [
  ...new Map(audits.toReversed().map((audit) => [audit.model, audit])).values(),
];

const WORDS: Readonly<Record<Verdict, readonly [tone: string, text: string]>> = {
  shared: ['bad', '✕ shared'],
  suspect: ['warn', '! suspect'],
  cannot_tell: ['warn', '? cannot tell'],
  nothing_found: ['ok', '✓ nothing found'],
};

const RULES = {
  shared: ['warn', '! shared by tenants'],
  salt: ['ok', '✓ a salt for each tenant'],
  preamble: ['ok', '✓ a preamble for each tenant'],
} as const;

const RuleTable = ({ providers }: Providers) => (
  <Panel title="Prompt caches" note={count(providers.length)}>
    <Table
      label="Prompt caches of providers"
      rows={providers}
      rowKey={({ name }) => name}
      columns={[
        { title: 'provider', kind: 'name', cell: ({ name }) => <Given text={name} /> },
        {
          title: 'cache',
          kind: 'tight',
          cell: ({ promptCache: { rule } }) => <span class={RULES[rule][0]}>{RULES[rule][1]}</span>,
        },
        {
          title: 'cached tokens',
          kind: 'tight',
          cell: ({ promptCache }) => (promptCache.hidesCachedTokens ? 'hidden from callers' : 'shown'),
        },
        {
          title: 'first tokens',
          kind: 'number',
          cell: ({ promptCache: { ttftQuantumMs } }) =>
            ttftQuantumMs === null ? 'as they come' : `each ${duration(ttftQuantumMs)}`,
        },
      ]}
    />
  </Panel>
);

export function AuditTable({ audits }: Audits) {
  if (audits.length === 0)
    return (
      <Empty
        title="No prefix cache was audited"
        command="npx headgate tenants audit-cache MODEL --victim TENANT --attacker TENANT"
      >
        A provider’s prefix cache that tenants share tells one, by its speed, what another has sent. An audit sends
        random prompts as two tenants and says whether it does.
      </Empty>
    );
  return (
    <Panel title="Audits of prefix caches" note={count(audits.length)}>
      <Table
        label="Audits of prefix caches"
        rows={audits}
        rowKey={({ id }) => id}
        columns={[
          {
            title: 'verdict',
            kind: 'tight',
            cell: ({ verdict }) => <span class={WORDS[verdict][0]}>{WORDS[verdict][1]}</span>,
          },
          { title: 'model', kind: 'name', cell: ({ model }) => <Given text={model} /> },
          {
            title: 'who probes whom',
            kind: 'name',
            cell: ({ attacker, victim }) => <Given text={`${attacker} → ${victim}`} />,
          },
          { title: 'first token, hit and miss', kind: 'number', cell: ({ levels }) => times(cross(levels)) },
          { title: 'p by time', kind: 'number', cell: ({ levels }) => chance(cross(levels)?.timing.p) },
          { title: 'p by usage', kind: 'number', minor: true, cell: ({ levels }) => chance(cross(levels)?.cached?.p) },
          {
            title: 'would have seen',
            kind: 'number',
            minor: true,
            cell: ({ levels }) => seen(cross(levels)),
          },
          { title: 'calls', kind: 'number', minor: true, cell: ({ calls }) => count(calls) },
          { title: 'when', kind: 'tight', cell: ({ at }) => <Time at={at} /> },
          { title: 'by', kind: 'name', minor: true, cell: ({ actor }) => <Given text={actor} /> },
        ]}
      />
      <p class="muted">
        p: the chance that caches which are kept apart would look like this, for prompts that another tenant had sent.
        Would have seen: the least share of probes served from the cache that four of five such audits suspect.
      </p>
    </Panel>
  );
}

const cross = (levels: readonly LevelFigures[]): LevelFigures | undefined =>
  levels.find(({ level }) => level === 'cross');
const times = (one: LevelFigures | undefined): string =>
  one ? `${duration(one.medianMs.hit)}, ${duration(one.medianMs.miss)}` : '–';
const chance = (p: number | undefined): string => (p === undefined ? '–' : p.toPrecision(2));
function seen(one: LevelFigures | undefined): string {
  const shares = [one?.wouldSee.timing, one?.wouldSee.cached].filter((value) => value !== null && value !== undefined);
  return shares.length === 0 ? '–' : share(Math.min(...shares));
}

function watched({ action, words, texts, canaries }: LeakWatchNow): string {
  if (action === 'off')
    return 'Nobody looks: leakWatch.action in headgate.yaml is off. Report or stop would read every answer for the texts of other tenants.';
  const of = `${count(texts)} pieces of tenants’ templates and ${count(canaries)} ${canaries === 1 ? 'canary' : 'canaries'}`;
  const then = action === 'stop' ? 'such an answer ends there' : 'such an answer is reported and goes out';
  return `None. Answers are read for runs of ${count(words)} words of ${of}; ${then}.`;
}

export function LeakTable({ watch, leaks }: Leaks) {
  const { to } = useNavigation();
  return (
    <Panel title="Texts of another tenant in answers" note={count(leaks.length)}>
      {leaks.length === 0 ? (
        <p class="muted">{watched(watch)}</p>
      ) : (
        <Table
          label="Leaks"
          rows={leaks}
          rowKey={({ id }) => id}
          columns={[
            {
              title: 'what was done',
              kind: 'tight',
              cell: ({ action }) =>
                action === 'stop' ? <span class="warn">! ended</span> : <span class="bad">✕ went out</span>,
            },
            { title: 'whose text', kind: 'name', cell: ({ owner }) => <Given text={owner} /> },
            { title: 'in an answer to', kind: 'name', cell: ({ tenant }) => <Given text={tenant} /> },
            { title: 'which text', kind: 'name', cell: ({ text }) => <Given text={text} /> },
            { title: 'words', kind: 'number', minor: true, cell: ({ words }) => count(words) },
            { title: 'when', kind: 'tight', cell: ({ at }) => <Time at={at} /> },
            { title: 'call', kind: 'name', cell: ({ call }) => <a href={to(`calls/${call}`)}>the call</a> },
          ]}
        />
      )}
    </Panel>
  );
}

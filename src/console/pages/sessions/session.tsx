import { count, duration, money, share, tokens } from '#kernel/format.ts';
import type { LedgerEntry } from '#ports/entry.ts';
import { isError } from '#ports/rollups.ts';
import { Copy, Empty, Figure, Figures, Given, Panel, Trouble, Waiting } from '../../parts/basics.tsx';
import { callCost } from '../../parts/text.ts';
import { pathOf } from '../../state/place.ts';
import { callList } from '../../state/questions.ts';
import { useAsked } from '../../state/use-asked.ts';
import { useNavigation } from '../../state/use-place.ts';
import { CallsTable } from '../calls/calls-table.tsx';

const MOST = 500;

interface Props {
  readonly tenant: string;
  readonly session: string;
}

/** One session: its calls in order, and where it failed. */
export function SessionPage({ tenant, session }: Props) {
  const load = () => callList({ tenant, session, from: 0, to: Date.now() + 1, limit: MOST });
  const asked = useAsked(JSON.stringify(['session', tenant, session]), load);
  return (
    <>
      <header>
        <h1>Session</h1>
        <p class="row">
          <code>
            <Given text={session} />
          </code>
          <Copy text={session} what="the id of the session" /> of <Given text={tenant} />
        </p>
      </header>
      <Trouble asked={asked} />
      {asked.data === null && <Waiting asked={asked} height={400} />}
      {asked.data?.length === 0 && (
        <Empty title="No calls are kept of this session">They may be older than the retention.</Empty>
      )}
      {asked.data !== null && asked.data.length > 0 && <Story calls={asked.data} />}
    </>
  );
}

const sum = (calls: readonly LedgerEntry[], pick: (call: LedgerEntry) => number | null): number =>
  calls.reduce((total, call) => total + (pick(call) ?? 0), 0);

function Story({ calls }: { readonly calls: readonly LedgerEntry[] }) {
  const { to } = useNavigation();
  const ordered = calls.toReversed();
  const [first, last] = [ordered[0]!, ordered.at(-1)!];
  const failed = ordered.filter(({ status }) => isError(status));
  const priced = calls.filter(({ cost }) => cost !== null);
  const total = priced.reduce((money, { cost }) => money + cost!.total, 0n);
  const [input, cached] = [
    sum(calls, (call) => call.usage.inputTokens),
    sum(calls, (call) => call.usage.cachedReadTokens),
  ];
  const models = [...Map.groupBy(calls, ({ modelAsked }) => modelAsked)].map(
    ([name, own]) => `${name} (${own.length})`,
  );
  const whole = calls.length < MOST ? '' : `the newest ${MOST}`;
  return (
    <>
      <Figures>
        <Figure
          name="Calls"
          value={count(calls.length)}
          note={whole || `over ${duration(last.at - first.at + (last.timing.totalMs ?? 0))}`}
        />
        <Figure
          name="Cost"
          value={`${priced.length < calls.length ? '≥' : ''}${money(total)}`}
          note={
            priced.length < calls.length
              ? `${calls.length - priced.length} without a price`
              : `dearest ${callCost(dearest(calls))}`
          }
        />
        <Figure
          name="Tokens in"
          value={tokens(input)}
          note={`${share(input === 0 ? null : cached / input)} from cache`}
        />
        <Figure name="Tokens out" value={tokens(sum(calls, (call) => call.usage.outputTokens))} />
        <Figure name="Failed" value={count(failed.length)} tone={failed.length > 0 ? 'bad' : undefined} />
      </Figures>
      <p>
        <Given text={models.join(', ')} />.{' '}
        {failed.length > 0 && (
          <>
            It failed first at <a href={to(pathOf('calls', failed[0]!.id))}>call {ordered.indexOf(failed[0]!) + 1}</a>
            {last === failed.at(-1) ? ', and its last call failed.' : '; later calls were answered.'}
          </>
        )}
      </p>
      <Panel title="Calls" note="in the order in which they were made">
        <CallsTable label="Calls of the session" calls={ordered} who={false} />
      </Panel>
    </>
  );
}

const dearest = (calls: readonly LedgerEntry[]): LedgerEntry =>
  calls.reduce((most, call) => ((call.cost?.total ?? 0n) > (most.cost?.total ?? 0n) ? call : most));

import { count, dateTime, duration, ESTIMATED, money, UNKNOWN } from '#kernel/format.ts';
import { unitsText } from '#kernel/format-units.ts';
import { asSaid, SUBSCRIPTION, type Attempt, type LedgerEntry } from '#ports/entry.ts';
import { outcomeText } from '#cli/calls/outcome.ts';
import { jsonText } from '#cli/json.ts';
import { callReport, type CallReport } from '#cli/calls/report.ts';
import { Copy, Empty, Figure, Figures, Given, Outcome, Panel, Trouble, Waiting } from '../../parts/basics.tsx';
import { Table } from '../../parts/table.tsx';
import { callCost, iso, plain } from '../../parts/text.ts';
import { read } from '../../session/client.ts';
import { useWho } from '../../session/who.ts';
import { pathOf } from '../../state/place.ts';
import { oneCall, zone } from '../../state/questions.ts';
import { useAsked } from '../../state/use-asked.ts';
import { useNavigation } from '../../state/use-place.ts';
import { Content } from './content.tsx';
import { Waterfall } from './waterfall.tsx';

/** One call: the answer in a line, the waterfall to scale, tokens and money by part, what was dropped. */
export function CallPage({ id }: { readonly id: string }) {
  const load = async (): Promise<CallReport> => {
    const call = await oneCall(id);
    // A key that is gone or a store that is away leaves the id.
    const key = (await read(`/keys/${encodeURIComponent(call.key)}`).catch(() => null)) as { name: string } | null;
    return callReport(call, key?.name ?? null);
  };
  const asked = useAsked(`call ${id}`, load, { once: true });
  return (
    <>
      <header>
        <h1>Call</h1>
        <p class="row">
          <code>{plain(id)}</code> <Copy text={id} what="the id of the call" />
        </p>
        {asked.data && <Answer report={asked.data} />}
      </header>
      {asked.error?.code === 'not_found' ? <NotYet /> : <Trouble asked={asked} />}
      {asked.data ? <Report report={asked.data} /> : <Waiting asked={asked} height={400} />}
    </>
  );
}

/** Asked for again by itself: a call that goes on is here as soon as it ends. */
function NotYet() {
  const { to } = useNavigation();
  return (
    <Empty title="This call is not in the ledger">
      A call is written when it ends, a second or two later: one that goes on appears here by itself.{' '}
      <a href={to('streams')}>Streams that go on</a>
    </Empty>
  );
}

function Answer({ report }: { readonly report: CallReport }) {
  const { call } = report;
  return (
    <p>
      <Outcome status={call.status} text={outcomeText(call)} /> in {duration(call.timing.totalMs)} for {callCost(call)}
      {call.finish !== null && <>, finish {plain(call.finish)}</>}
      {call.truncated && <strong class="bad">, truncated</strong>}
      {call.degraded && <strong class="warn">, degraded</strong>}
      {call.errorCode !== null && (
        <>
          , <code>{plain(call.errorCode)}</code>
        </>
      )}
      . {attemptWords(call)}
    </p>
  );
}

function attemptWords({ attempts }: LedgerEntry): string {
  const failed = attempts.filter(({ status }) => status !== 'ok').length;
  if (attempts.length === 0) return 'No attempt was sent to a provider.';
  if (attempts.length === 1) return failed === 0 ? 'One attempt.' : 'Its one attempt failed.';
  return `${attempts.length} attempts, ${failed === attempts.length ? 'all' : `${failed} of them`} failed.`;
}

const mark = ({ usageSource }: Pick<LedgerEntry, 'usageSource'>): string =>
  usageSource === 'estimated' ? ESTIMATED : '';

function Report({ report }: { readonly report: CallReport }) {
  const { may } = useWho();
  const { call } = report;
  return (
    <>
      <Figures>
        <Figure name="Cost" value={callCost(call)} note={`reserved ${money(call.reservedNanoUsd)}`} />
        <Figure
          name="Tokens in"
          value={`${mark(call)}${count(call.usage.inputTokens)}`}
          note={`${count(call.usage.cachedReadTokens)} from cache`}
        />
        <Figure
          name="Tokens out"
          value={`${mark(call)}${count(call.usage.outputTokens)}`}
          note={`${count(call.usage.reasoningTokens)} reasoning`}
        />
        {unitsText(call.usage.units) !== '' && (
          <Figure
            name="Billed by unit"
            value={`${mark(call)}${unitsText(call.usage.units)}`}
            note={call.usageSource === 'provider' ? 'as the provider states' : 'as the gate counts'}
          />
        )}
        <Figure
          name="First token"
          value={duration(call.timing.firstTokenMs)}
          note={`headers ${duration(call.timing.headersMs)}`}
        />
        <Figure name="Total" value={duration(call.timing.totalMs)} note={`queued ${duration(call.timing.queuedMs)}`} />
      </Figures>
      <Panel title="Attempts" note="connecting (grey), waiting (blue), tokens (green), failed (red, ✕)">
        {report.attempts.length > 0 && <Waterfall report={report} />}
        <Attempts attempts={call.attempts} />
      </Panel>
      <div class="columns">
        <Money report={report} />
        <Facts report={report} />
      </div>
      {may('GET /admin/calls/:call/content') && <Content id={call.id} />}
      <Panel title="Raw">
        <details>
          <summary>The entry as the ledger has it</summary>
          <pre class="block">{jsonText(call).split('\n').map(plain).join('\n')}</pre>
        </details>
      </Panel>
    </>
  );
}

const Attempts = ({ attempts }: { readonly attempts: readonly Attempt[] }) => (
  <Table
    label="Attempts"
    rows={attempts}
    rowKey={({ n }) => String(n)}
    columns={[
      { title: '#', kind: 'number', cell: ({ n }) => n },
      { title: 'deployment', kind: 'name', cell: ({ deployment }) => <Given text={deployment} /> },
      {
        title: 'outcome',
        kind: 'tight',
        cell: ({ status, httpStatus, errorCode }) => (
          <Outcome status={status} text={[httpStatus, status, errorCode].filter((part) => part !== null).join(' ')} />
        ),
      },
      { title: 'sent at', kind: 'number', cell: ({ startedMs }) => duration(startedMs) },
      { title: 'connect', kind: 'number', cell: ({ timing }) => duration(timing.connectedMs) },
      { title: 'headers', kind: 'number', cell: ({ timing }) => duration(timing.headersMs) },
      { title: 'first token', kind: 'number', cell: ({ timing }) => duration(timing.firstTokenMs) },
      ...(attempts.some(({ heldMs }) => heldMs !== undefined) ? [HELD] : []),
      { title: 'done', kind: 'number', cell: ({ timing }) => duration(timing.doneMs ?? timing.lastTokenMs) },
      { title: 'in', kind: 'number', cell: ({ usage }) => count(usage?.inputTokens ?? null) },
      { title: 'out', kind: 'number', cell: ({ usage }) => count(usage?.outputTokens ?? null) },
      { title: 'cost', kind: 'number', cell: (attempt) => (attempt.usage === null ? UNKNOWN : callCost(attempt)) },
    ]}
  />
);

/** Of answers that went out later than they came. */
const HELD = {
  title: 'held',
  kind: 'number',
  cell: ({ heldMs }: Attempt) => duration(heldMs ?? null),
} as const;

const PARTS = [
  ['input', 'input'],
  ['cachedRead', 'cached'],
  ['cacheWrite', 'cache write'],
  ['output', 'output'],
  ['other', 'other'],
] as const;

function priceNote({ priceVersion }: LedgerEntry): string {
  if (priceVersion === SUBSCRIPTION) return 'paid by the caller’s own subscription';
  return priceVersion === null ? '' : `prices ${priceVersion}`;
}

function Money({ report: { call, releasedNanoUsd } }: { readonly report: CallReport }) {
  const { cost } = call;
  return (
    <Panel title="Cost by part" note={priceNote(call)}>
      {cost === null ? (
        <p>
          Unknown: the model has no price. Set one under <code>prices:</code> in headgate.yaml.
        </p>
      ) : (
        <dl class="facts">
          {PARTS.filter(([part]) => cost[part] !== 0n).map(([part, name]) => (
            <>
              <dt>{name}</dt>
              <dd>{money(cost[part])}</dd>
            </>
          ))}
          <dt>total</dt>
          <dd>
            <strong>{callCost(call)}</strong>
          </dd>
          {call.savedCostNanoUsd !== null && (
            <>
              <dt>saved by caches</dt>
              <dd>{money(call.savedCostNanoUsd)}</dd>
            </>
          )}
          <dt>reserved − settled</dt>
          <dd>{money(releasedNanoUsd)}</dd>
        </dl>
      )}
    </Panel>
  );
}

function Facts({ report: { call: entry, endpoint, keyName } }: { readonly report: CallReport }) {
  const call = asSaid(entry);
  const { to } = useNavigation();
  const labels = Object.entries(call.labels).map(([name, value]) => `${name}=${value}`);
  return (
    <Panel title="Who and what">
      <dl class="facts">
        <dt>admitted</dt>
        <dd title={iso(call.at)}>
          {dateTime(call.at, zone(), { seconds: true })} {zone()}
        </dd>
        <dt>endpoint</dt>
        <dd>
          <code>POST {endpoint}</code> {call.stream ? 'stream' : 'unary'}
        </dd>
        <dt>tenant</dt>
        <dd>
          <a href={to('calls', { tenant: call.tenant })}>
            <Given text={call.tenant} />
          </a>
        </dd>
        <Fact name="team" text={call.team} />
        <Fact name="feature" text={call.feature} />
        <dt>key</dt>
        <dd>
          <a href={to('calls', { key: call.key })}>
            <Given text={keyName ?? call.key} />
          </a>
        </dd>
        <dt>session</dt>
        <dd>
          {call.session === null ? (
            <span class="muted">none</span>
          ) : (
            <a href={to(pathOf('sessions', call.tenant, call.session))}>
              <Given text={call.session} />
            </a>
          )}
        </dd>
        <Fact name="agent" text={call.agent} />
        <Fact name="purpose" text={call.purpose} />
        <Fact name="end user" text={call.endUser} />
        <Fact name="labels" text={labels.length > 0 ? labels.join(', ') : null} />
        <Fact name="model asked" text={call.alias === null ? call.modelAsked : `${call.alias} = ${call.modelAsked}`} />
        <Fact name="model returned" text={call.modelReturned} />
        <Fact name="deployment" text={call.deployment} />
        <Fact name="client" text={call.client === null ? null : `${call.client} ${call.clientVersion ?? ''}`} />
        <Fact name="trace" text={call.traceId} />
        <dt>dropped</dt>
        <dd>
          {call.dropped.length === 0 ? (
            <span class="muted">nothing</span>
          ) : (
            <span class="warn">{call.dropped.map(plain).join(', ')}</span>
          )}
        </dd>
        {call.layers.length > 0 && <Fact name="layers" text={call.layers.join(' → ')} />}
        {call.redriveOf !== null && <Fact name="goes on with" text={`${call.redriveOf}, whose gate died`} />}
        {call.movedFrom !== null && (
          <Fact
            name="moved from"
            text={`${call.movedFrom}, which held the prompt in its cache: ${call.moveCostNanoUsd === null ? 'cost unknown' : `${ESTIMATED}${money(call.moveCostNanoUsd)} more`}`}
          />
        )}
        {call.corrects !== null && <Fact name="corrects" text={call.corrects} />}
      </dl>
    </Panel>
  );
}

const Fact = ({ name, text }: { readonly name: string; readonly text: string | null }) => (
  <>
    <dt>{name}</dt>
    <dd>
      <Given text={text} none="none" />
    </dd>
  </>
);

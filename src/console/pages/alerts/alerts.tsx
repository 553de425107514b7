import { useState } from 'preact/hooks';
import { count, duration } from '#kernel/format.ts';
import { Empty, Given, Panel, Time, Trouble, Waiting } from '../../parts/basics.tsx';
import { Table, type Column } from '../../parts/table.tsx';
import { plain } from '../../parts/text.ts';
import { change, read } from '../../session/client.ts';
import { useWho } from '../../session/who.ts';
import { useAction } from '../../state/use-action.ts';
import { useAsked } from '../../state/use-asked.ts';
import type { AlertsView, RuleView, TestAnswer, WebhookTest, WebhookView } from './view.ts';

/** What fires, since when, and whether its message arrives. */
export function Alerts() {
  const asked = useAsked('alerts', async () => (await read('/alerts')) as AlertsView);
  const { data } = asked;
  return (
    <>
      <header>
        <h1>Alerts</h1>
        {data && <Answer view={data} />}
      </header>
      <Trouble asked={asked} />
      {data === null && <Waiting asked={asked} height={300} />}
      {data?.rules.length === 0 && (
        <Empty title="No rules are configured" command="npx headgate alerts list">
          Rules stand under <code>alerts:</code> in headgate.yaml: error rates, slow first tokens, burning budgets,
          unknown prices, unused and unusual keys, a store that lags.
        </Empty>
      )}
      {data && data.rules.length > 0 && <Rules rules={data.rules} />}
      {data && <Webhooks view={data} />}
    </>
  );
}

function Answer({ view: { rules, firing } }: { readonly view: AlertsView }) {
  const unknown = rules.filter(({ state }) => state === 'unknown').length;
  return (
    <p>
      {firing === 0 ? 'Nothing fires' : `${count(firing)} ${firing === 1 ? 'alert fires' : 'alerts fire'}`};{' '}
      {count(rules.length)} {rules.length === 1 ? 'rule is' : 'rules are'} looked at
      {unknown > 0 && `, ${count(unknown)} without an answer of the store`}.
    </p>
  );
}

interface Line {
  readonly key: string;
  readonly rule: RuleView;
  readonly state: RuleView['state'];
  readonly at: string | null;
  readonly text: string;
}

/** One line for each thing that fires or pends, the worst first; one for a rule where nothing does. */
const linesOf = (rules: readonly RuleView[]): readonly Line[] =>
  rules
    .flatMap((rule): Line[] => {
      const { rule: name, state, alerts, trouble, summary, leftOut } = rule;
      if (alerts.length === 0) return [{ key: name, rule, state, at: null, text: trouble ?? summary ?? '' }];
      const lines = alerts.map(({ phase, firedAt, since, text }, i): Line => ({
        key: `${name} ${i}`,
        rule,
        state: phase,
        at: firedAt ?? since,
        text,
      }));
      const more: Line = { key: `${name} more`, rule, state, at: null, text: `and ${count(leftOut)} more` };
      return leftOut > 0 ? [...lines, more] : lines;
    })
    .toSorted((a, b) => RANK[a.state] - RANK[b.state]);

const RANK: Readonly<Record<RuleView['state'], number>> = { firing: 0, pending: 1, unknown: 2, ok: 3 };
const WORDS: Readonly<Record<RuleView['state'], readonly [tone: string, text: string]>> = {
  firing: ['bad', '✕ firing'],
  pending: ['warn', '! pending'],
  unknown: ['warn', '? unknown'],
  ok: ['ok', '✓ ok'],
};

function Rules({ rules }: { readonly rules: readonly RuleView[] }) {
  return (
    <Panel title="Rules" note={count(rules.length)}>
      <Table
        label="Rules of alerts"
        rows={linesOf(rules)}
        rowKey={({ key }) => key}
        columns={[
          {
            title: 'state',
            kind: 'tight',
            cell: ({ state }) => <span class={WORDS[state][0]}>{WORDS[state][1]}</span>,
          },
          { title: 'rule', kind: 'name', cell: ({ rule }) => <Given text={rule.rule} /> },
          { title: 'severity', kind: 'tight', minor: true, cell: ({ rule }) => rule.severity },
          { title: 'what', kind: 'name', cell: ({ text }) => <Given text={text || null} /> },
          { title: 'since', kind: 'tight', cell: ({ at }) => (at === null ? '–' : <Time at={at} />) },
          { title: 'kind', kind: 'tight', minor: true, cell: ({ rule }) => rule.kind },
          {
            title: 'looked at',
            kind: 'tight',
            minor: true,
            cell: ({ rule }) => (rule.lookedAt === null ? '–' : <Time at={rule.lookedAt} />),
          },
        ]}
      />
    </Panel>
  );
}

const TEST: Column<WebhookView> = { title: 'test', kind: 'name', cell: ({ name }) => <TestButton name={name} /> };

function Webhooks({ view: { webhooks, delivery } }: { readonly view: AlertsView }) {
  const { may } = useWho();
  const { sent, waiting, rejected, dropped } = delivery;
  const lost = rejected + dropped;
  return (
    <Panel
      title="Webhooks"
      note={`${count(sent)} messages sent, ${count(waiting)} waiting, ${count(lost)} not delivered, since the start`}
    >
      {webhooks.length === 0 ? (
        <p class="muted">None is configured: nobody is told.</p>
      ) : (
        <Table
          label="Webhooks of alerts"
          rows={webhooks}
          rowKey={({ name }) => name}
          columns={[
            { title: 'name', kind: 'name', cell: ({ name }) => <Given text={name} /> },
            { title: 'host', kind: 'name', cell: ({ host }) => <code>{plain(host)}</code> },
            { title: 'format', kind: 'tight', minor: true, cell: ({ format }) => format },
            { title: 'signed', kind: 'tight', minor: true, cell: ({ signed }) => (signed ? 'yes' : 'no') },
            { title: 'from severity', kind: 'tight', minor: true, cell: ({ minSeverity }) => minSeverity },
            ...(may('POST /admin/alerts/test') ? [TEST] : []),
          ]}
        />
      )}
    </Panel>
  );
}

function TestButton({ name }: { readonly name: string }) {
  const { busy, refused, run } = useAction();
  const [tested, setTested] = useState<WebhookTest | null>(null);
  const test = (): Promise<boolean> =>
    run(async () => {
      const { results } = (await change('POST', '/alerts/test', { webhook: name })) as TestAnswer;
      setTested(results[0]!);
    });
  return (
    <span class="row">
      <button
        type="button"
        disabled={busy}
        onClick={() => void test()}
        title="Sends a message that says it is a test"
        aria-label={`Test webhook ${name}`}
      >
        {busy ? 'Testing …' : 'Test'}
      </button>
      <span role="status">
        {refused !== null && <span class="bad">{plain(refused)}</span>}
        {refused === null && !busy && tested && <Tested test={tested} />}
      </span>
    </span>
  );
}

function Tested({ test }: { readonly test: WebhookTest }) {
  const answer = `${test.httpStatus ?? plain(test.errorCode ?? '')} after ${duration(test.tookMs)}`;
  return test.ok ? <span class="ok">✓ taken: {answer}</span> : <span class="bad">✕ not taken: {answer}</span>;
}

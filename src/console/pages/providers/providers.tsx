import { count, duration, share } from '#kernel/format.ts';
import { Empty, Given, Id, Panel, Time, Trouble, Waiting } from '../../parts/basics.tsx';
import { Table } from '../../parts/table.tsx';
import { plain } from '../../parts/text.ts';
import { change, read } from '../../session/client.ts';
import { useWho } from '../../session/who.ts';
import { pathOf, toPage } from '../../state/place.ts';
import { useAction } from '../../state/use-action.ts';
import { useAsked } from '../../state/use-asked.ts';
import { useNavigation } from '../../state/use-place.ts';
import { DrainButton, Drains } from './drains.tsx';
import type { DrainView, LastTest, ProvidersView, ProviderView } from './view.ts';

/** Who serves, how they did of late, and whether they answer now. */
export function Providers() {
  const load = async () => (await read('/providers')) as ProvidersView;
  const asked = useAsked('providers', load);
  const { data } = asked;
  const failing = data?.providers.filter(({ health }) => health.failed > 0) ?? [];
  return (
    <>
      <header>
        <h1>Providers</h1>
        {data && (
          <p>
            {failing.length === 0
              ? 'No provider failed an attempt'
              : `${failing.map(({ name }) => plain(name)).join(', ')} failed attempts`}{' '}
            in the last {count(data.sampledCalls)} calls, since <Time at={data.since} />.
          </p>
        )}
      </header>
      <Trouble asked={asked} />
      {data === null && <Waiting asked={asked} height={300} />}
      {data?.providers.length === 0 && (
        <Empty title="No providers are configured" command="npx headgate init">
          Providers stand under <code>providers:</code> in headgate.yaml.
        </Empty>
      )}
      {data && <Drains drains={data.drains.filter(({ level }) => level === 'model')} onChanged={asked.again} />}
      {data?.providers.map((provider) => (
        <One
          key={provider.name}
          provider={provider}
          drains={data.drains.filter((drain) => isOf(drain, provider.name))}
          onChanged={asked.again}
        />
      ))}
    </>
  );
}

/** Of the provider itself, or of one of its deployments. */
const isOf = ({ level, target }: DrainView, name: string): boolean =>
  level === 'provider' ? target === name : level === 'deployment' && target.startsWith(`${name}/`);

const tone = ({ attempts, failed }: ProviderView['health']): 'ok' | 'warn' | 'bad' | 'muted' => {
  if (attempts === 0) return 'muted';
  const rate = failed / attempts;
  return rate >= 0.5 ? 'bad' : rate >= 0.1 ? 'warn' : 'ok';
};
const WORDS = { ok: '✓ healthy', warn: '! failing in part', bad: '✕ failing', muted: '– no attempts of late' } as const;

interface OneProps {
  readonly provider: ProviderView;
  readonly drains: readonly DrainView[];
  readonly onChanged: () => void;
}

function One({ provider, drains, onChanged }: OneProps) {
  const { may } = useWho();
  const { health } = provider;
  const grade = tone(health);
  return (
    <Panel
      title={plain(provider.name)}
      note={
        <>
          {plain(provider.title)} · <code>{plain(provider.address)}</code>
        </>
      }
      side={
        <span class="row">
          {may('POST /admin/providers/:provider/test') && <TestButton name={provider.name} onTested={onChanged} />}
          {may('POST /admin/drains') && <DrainButton provider={provider} onChanged={onChanged} />}
        </span>
      }
    >
      <Drains drains={drains} onChanged={onChanged} />
      <dl class="facts">
        <dt>health</dt>
        <dd>
          <span class={grade}>{WORDS[grade]}</span>
          {health.attempts > 0 &&
            `: ${count(health.failed)} of ${count(health.attempts)} attempts failed (${share(health.failed / health.attempts)})`}
        </dd>
        <dt>time to headers</dt>
        <dd>
          p50 {duration(health.headersMs?.p50 ?? null)}, p99 {duration(health.headersMs?.p99 ?? null)}
        </dd>
        <dt>last answer</dt>
        <dd>
          {health.lastOkAt === null ? <span class="muted">none in this sample</span> : <Time at={health.lastOkAt} />}
        </dd>
        <dt>credential</dt>
        <dd>
          <Credential of={provider} />
        </dd>
        <dt>last test</dt>
        <dd>
          {provider.lastTest === null ? (
            <span class="muted">not since this gate started</span>
          ) : (
            <Test test={provider.lastTest} />
          )}
        </dd>
        <dt>limits left</dt>
        <dd>
          <Limits of={provider.limits} />
        </dd>
        <dt>deployments</dt>
        <dd>
          <Given
            text={provider.deployments.length > 0 ? provider.deployments.join(', ') : null}
            none="no model uses it"
          />
        </dd>
      </dl>
      {health.lastErrors.length > 0 && <Errors provider={provider} />}
    </Panel>
  );
}

/** A key is there or not; what a platform's chain gave has an end, and its refresh may have failed. */
function Credential({ of: { credential, hasCredential } }: { readonly of: ProviderView }) {
  if (credential === null) return <>{hasCredential ? 'configured' : 'none'}</>;
  return (
    <>
      {credential.refreshedAt === null ? 'from the platform’s chain, not asked yet' : 'from the platform’s chain'}
      {credential.expiresAt !== null && (
        <>
          , good until <Time at={credential.expiresAt} />
        </>
      )}
      {credential.lastError !== null && (
        <>
          ; <span class="bad">✕ the last refresh failed</span>: <Given text={credential.lastError} />
        </>
      )}
    </>
  );
}

function Limits({ of: limits }: { readonly of: ProviderView['limits'] }) {
  if (limits === null) return <span class="muted">not known: none of its answers said so yet</span>;
  const words = Object.entries(limits.values).map(([name, value]) => `${name.replace(/^x-ratelimit-/, '')} ${value}`);
  return (
    <>
      <Given text={words.join(' · ')} />, <Time at={limits.at} />
    </>
  );
}

const VERDICTS: Readonly<Record<LastTest['verdict'], readonly ['ok' | 'warn' | 'bad', string]>> = {
  ok: ['ok', '✓ answers and takes the credential'],
  no_credential: ['bad', '✕ the platform’s chain gives no credential'],
  credential_refused: ['bad', '✕ answers and refuses the credential'],
  reached: ['warn', '! answers, but has no list of models: the credential was not tried'],
  failing: ['bad', '✕ answers with an error of its own'],
  unreachable: ['bad', '✕ cannot be reached'],
};

function Test({ test }: { readonly test: LastTest }) {
  const [grade, words] = VERDICTS[test.verdict];
  return (
    <>
      <span class={grade}>{words}</span> ({test.httpStatus ?? plain(test.errorCode ?? '')} after {duration(test.tookMs)}
      ), <Time at={test.at} />
    </>
  );
}

function TestButton({ name, onTested }: { readonly name: string; readonly onTested: () => void }) {
  const { busy, refused, run } = useAction();
  const test = (): Promise<boolean> =>
    run(async () => {
      await change('POST', `/providers/${encodeURIComponent(name)}/test`, {});
      onTested();
    });
  return (
    <span class="row">
      <button
        type="button"
        disabled={busy}
        onClick={() => void test()}
        title="Asks for its list of models: costs no tokens"
        aria-label={`Test provider ${name}`}
      >
        {busy ? 'Testing …' : 'Test'}
      </button>
      {refused !== null && <span class="bad">{plain(refused)}</span>}
    </span>
  );
}

function Errors({ provider }: { readonly provider: ProviderView }) {
  const { place, go, to } = useNavigation();
  return (
    <Table
      label={`Last errors of ${provider.name}`}
      rows={provider.health.lastErrors}
      rowKey={({ call, at }) => `${call} ${at}`}
      onOpen={({ call }) => go(toPage(place, pathOf('calls', call)))}
      columns={[
        { title: 'last errors', kind: 'tight', cell: ({ at }) => <Time at={at} /> },
        { title: 'deployment', kind: 'name', cell: ({ deployment }) => <Given text={deployment} /> },
        {
          title: 'status',
          kind: 'tight',
          cell: ({ httpStatus, status }) => (
            <span class="bad">{[httpStatus, status].filter((part) => part !== null).join(' ')}</span>
          ),
        },
        { title: 'code', kind: 'name', cell: ({ errorCode }) => <Given text={errorCode} /> },
        {
          title: 'call',
          kind: 'tight',
          cell: ({ call }) => (
            <a href={to(pathOf('calls', call))} tabIndex={-1}>
              <Id id={call} />
            </a>
          ),
        },
      ]}
    />
  );
}

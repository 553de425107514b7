import { useEffect, useErrorBoundary } from 'preact/hooks';
import { entryOf, isSeenBy } from '../frame/rail.tsx';
import { Empty } from '../parts/basics.tsx';
import { plain } from '../parts/text.ts';
import { scopeWords, useWho } from '../session/who.ts';
import { partsOf } from '../state/place.ts';
import { useNavigation } from '../state/use-place.ts';
import { Alerts } from './alerts/alerts.tsx';
import { Attribution } from './attribution/attribution.tsx';
import { Budgets } from './budgets/budgets.tsx';
import { CallPage } from './calls/call.tsx';
import { Calls } from './calls/calls.tsx';
import { Configuration } from './configuration/configuration.tsx';
import { Isolation } from './isolation/isolation.tsx';
import { Keys } from './keys/keys.tsx';
import { Limits } from './limits/limits.tsx';
import { Overview } from './overview/overview.tsx';
import { Providers } from './providers/providers.tsx';
import { Quality } from './quality/quality.tsx';
import { SessionPage } from './sessions/session.tsx';
import { Sessions } from './sessions/sessions.tsx';
import { Spend } from './spend/spend.tsx';
import { TenantPage } from './tenants/tenant.tsx';
import { Tenants } from './tenants/tenants.tsx';
import { Tokens } from './tokens/tokens.tsx';
import { Streams } from './streams/streams.tsx';

/** The page of a path below /console/. A page that fails by a mistake of ours leaves the frame standing. */
export function PageOf({ path }: { readonly path: string }) {
  const [error, reset] = useErrorBoundary();
  useEffect(() => {
    const name = entryOf(partsOf(path)[0]!)?.name;
    document.title = name === undefined ? 'Headgate' : `${name} · Headgate`;
  }, [path]);
  if (error)
    return (
      <div class="empty" role="alert">
        <strong class="bad">This page failed by a mistake of ours</strong>
        <code>{(error as Error).message}</code>
        <div>
          <button type="button" onClick={reset}>
            Draw it again
          </button>
        </div>
      </div>
    );
  return <Known key={path} path={path} />;
}

function Known({ path }: { readonly path: string }) {
  const { to } = useNavigation();
  const who = useWho();
  const [page, first, second] = partsOf(path);
  const entry = entryOf(page!);
  if (entry && !isSeenBy(entry, who)) return <Closed name={entry.name} />;
  if (page === '') return <Overview />;
  if (page === 'calls') return first === undefined ? <Calls /> : <CallPage id={first} />;
  if (page === 'sessions')
    return first !== undefined && second !== undefined ? <SessionPage tenant={first} session={second} /> : <Sessions />;
  if (page === 'streams') return <Streams />;
  if (page === 'tenants') return first === undefined ? <Tenants /> : <TenantPage id={first} />;
  if (page === 'quality') return <Quality />;
  if (page === 'alerts') return <Alerts />;
  if (page === 'spend') return <Spend />;
  if (page === 'attribution') return <Attribution />;
  if (page === 'limits') return <Limits />;
  if (page === 'isolation') return <Isolation />;
  if (page === 'keys') return <Keys />;
  if (page === 'budgets') return <Budgets />;
  if (page === 'providers') return <Providers />;
  if (page === 'tokens') return <Tokens />;
  if (page === 'configuration') return <Configuration />;
  return (
    <Empty title="There is no such page">
      <a href={to('')}>To the overview</a>
    </Empty>
  );
}

/** An address that somebody typed or was sent: what it shows is not this token's, and nothing of it was asked for. */
function Closed({ name }: { readonly name: string }) {
  const { to } = useNavigation();
  const { token } = useWho();
  return (
    <>
      <header>
        <h1>{name}</h1>
      </header>
      <Empty title="Your token does not open this page">
        <p>
          You are logged in with <bdi>{plain(token.name)}</bdi> ({plain(scopeWords(token))}), and this page is the
          operator’s. Ask whoever runs the gate for it, or log out and in with another token.
        </p>
        <a href={to('')}>To the overview</a>
      </Empty>
    </>
  );
}

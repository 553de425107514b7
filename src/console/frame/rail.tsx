import { useWho, type Who } from '../session/who.ts';
import { useConnection } from '../state/connection.ts';
import { useNavigation } from '../state/use-place.ts';

interface Entry {
  readonly path: string;
  readonly name: string;
  /** Goes there after `g`. */
  readonly key: string;
  /** A tenant's own token sees the page too, with what is its own. Absent: operators and readers alone. */
  readonly tenants?: true;
}

export const PAGES: readonly { readonly group: string; readonly entries: readonly Entry[] }[] = [
  {
    group: 'Watch',
    entries: [
      { path: '', name: 'Overview', key: 'o', tenants: true },
      { path: 'calls', name: 'Calls', key: 'c', tenants: true },
      { path: 'sessions', name: 'Sessions', key: 's', tenants: true },
      { path: 'streams', name: 'Streams', key: 't', tenants: true },
      { path: 'tenants', name: 'Tenants', key: 'n' },
      { path: 'quality', name: 'Quality', key: 'q', tenants: true },
      { path: 'alerts', name: 'Alerts', key: 'a' },
      { path: 'isolation', name: 'Isolation', key: 'i' },
    ],
  },
  {
    group: 'Money',
    entries: [
      { path: 'spend', name: 'Spend', key: 'm', tenants: true },
      { path: 'attribution', name: 'Attribution', key: 'w' },
    ],
  },
  {
    group: 'Run',
    entries: [
      { path: 'keys', name: 'Keys', key: 'k', tenants: true },
      { path: 'limits', name: 'Limits', key: 'l', tenants: true },
      { path: 'budgets', name: 'Budgets', key: 'b', tenants: true },
      { path: 'providers', name: 'Providers', key: 'p' },
      { path: 'configuration', name: 'Configuration', key: 'e' },
      { path: 'tokens', name: 'Tokens', key: 'u' },
    ],
  },
];

export const entryOf = (page: string): Entry | undefined =>
  PAGES.flatMap(({ entries }) => entries).find(({ path }) => path === page);

export const isSeenBy = ({ tenants }: Entry, { token }: Who): boolean => token.scope !== 'tenant' || tenants === true;

/** Groups with the pages that a session sees; none is empty. */
export const pagesOf = (who: Who): typeof PAGES =>
  PAGES.map(({ group, entries }) => ({ group, entries: entries.filter((entry) => isSeenBy(entry, who)) })).filter(
    ({ entries }) => entries.length > 0,
  );

export function Rail() {
  const who = useWho();
  const { place, to } = useNavigation();
  const { status } = useConnection();
  const [page] = place.path.split('/');
  return (
    <div class="rail">
      <a class="brand" href={to('')}>
        Headgate
      </a>
      <nav aria-label="Pages">
        {pagesOf(who).map(({ group, entries }) => (
          <div key={group}>
            <h2>{group}</h2>
            <ul>
              {entries.map(({ path, name }) => (
                <li key={path}>
                  <a href={to(path)} aria-current={path === page ? 'page' : undefined}>
                    {name}
                  </a>
                </li>
              ))}
            </ul>
          </div>
        ))}
      </nav>
      <div class="foot">
        {status && (
          <>
            {status.environment} · {status.version}
            <br />
            {status.inFlight} in flight
            <br />
          </>
        )}
        <kbd>?</kbd> for keys
      </div>
    </div>
  );
}

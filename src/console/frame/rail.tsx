import { useConnection } from '../state/connection.ts';
import { useNavigation } from '../state/use-place.ts';

interface Entry {
  readonly path: string;
  readonly name: string;
  /** Goes there after `g`. */
  readonly key: string;
}

export const PAGES: readonly { readonly group: string; readonly entries: readonly Entry[] }[] = [
  {
    group: 'Watch',
    entries: [
      { path: '', name: 'Overview', key: 'o' },
      { path: 'calls', name: 'Calls', key: 'c' },
      { path: 'sessions', name: 'Sessions', key: 's' },
      { path: 'streams', name: 'Streams', key: 't' },
      { path: 'tenants', name: 'Tenants', key: 'n' },
      { path: 'alerts', name: 'Alerts', key: 'a' },
      { path: 'isolation', name: 'Isolation', key: 'i' },
    ],
  },
  {
    group: 'Money',
    entries: [
      { path: 'spend', name: 'Spend', key: 'm' },
      { path: 'attribution', name: 'Attribution', key: 'w' },
    ],
  },
  {
    group: 'Run',
    entries: [
      { path: 'keys', name: 'Keys', key: 'k' },
      { path: 'limits', name: 'Limits', key: 'l' },
      { path: 'budgets', name: 'Budgets', key: 'b' },
      { path: 'providers', name: 'Providers', key: 'p' },
      { path: 'configuration', name: 'Configuration', key: 'e' },
    ],
  },
];

export function Rail() {
  const { place, to } = useNavigation();
  const { status } = useConnection();
  const [page] = place.path.split('/');
  return (
    <div class="rail">
      <a class="brand" href={to('')}>
        Headgate
      </a>
      <nav aria-label="Pages">
        {PAGES.map(({ group, entries }) => (
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

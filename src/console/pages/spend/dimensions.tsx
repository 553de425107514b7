import { DIMENSIONS } from '#cli/flags.ts';
import type { Dimension } from '#ports/ledger-store.ts';
import { plain } from '../../parts/text.ts';
import { useWho, type Who } from '../../session/who.ts';
import { useConnection } from '../../state/connection.ts';
import { useNavigation } from '../../state/use-place.ts';

/** The admin API takes no more. */
const MOST = 6;
/** What people ask first. */
const COMMON: readonly Dimension[] = [
  'tenant',
  'team',
  'feature',
  'key',
  'model',
  'kind',
  'provider',
  'outcome',
  'purpose',
];

/** `usual`: what is asked where the address does not say. */
export function dimensionsIn(text: string | undefined, usual: Dimension): Dimension[] {
  const names = (text ?? usual)
    .split(',')
    .filter((name) => (DIMENSIONS as readonly string[]).includes(name) || /^label:.+$/.test(name));
  return names.length === 0 ? [usual] : (names.slice(0, MOST) as Dimension[]);
}

/** Of one tenant alone its features are the question. */
export const usualOf = ({ tenant }: Who['token']): Dimension => (tenant === null ? 'tenant' : 'feature');

/** Dimensions to group by, in the order in which they are pressed, and the filters that are on. */
export function Dimensions({
  by,
  filters,
}: {
  readonly by: readonly Dimension[];
  readonly filters: Readonly<Record<string, string>>;
}) {
  const { ask } = useNavigation();
  const { token } = useWho();
  const { status } = useConnection();
  const labels = (status?.labels ?? []).map((name): Dimension => `label:${name}`);
  const all = [...new Set([...COMMON, ...labels, ...by])].filter((name) => name !== 'tenant' || token.tenant === null);
  const toggle = (name: Dimension): void => {
    const next = by.includes(name) ? by.filter((one) => one !== name) : [...by, name];
    ask({ by: next.slice(-MOST).join(',') || usualOf(token) });
  };
  return (
    <>
      <div class="row" role="group" aria-label="Group by">
        <span class="muted">By</span>
        {all.map((name) => (
          <button key={name} type="button" aria-pressed={by.includes(name)} onClick={() => toggle(name)}>
            {plain(name)}
          </button>
        ))}
      </div>
      {Object.keys(filters).length > 0 && (
        <div class="row">
          <span class="muted">Only</span>
          {Object.entries(filters).map(([name, value]) => (
            <button key={name} type="button" onClick={() => ask({ [name]: '' })} title="Leave this filter out">
              {name} <bdi>{plain(value)}</bdi> ✕
            </button>
          ))}
        </div>
      )}
    </>
  );
}

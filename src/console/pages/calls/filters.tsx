import { CALL_KINDS } from '#ports/entry.ts';
import type { Query } from '../../session/client.ts';
import { useNavigation } from '../../state/use-place.ts';

export const OUTCOMES = [
  'ok',
  'provider_error',
  'timeout',
  'truncated',
  'cancelled',
  'refused',
  'interrupted',
  'internal_error',
];
export const KINDS: readonly string[] = CALL_KINDS;

const TEXTS = ['feature', 'model', 'provider', 'deployment', 'team', 'key', 'session', 'label'] as const;
/** Asked for now and then: shown where the address has them. */
const RARE: ReadonlySet<string> = new Set(['deployment', 'team', 'key', 'session', 'label']);
const NAMES = ['tenant', 'environment', 'outcome', 'kind', 'endUser', 'purpose', ...TEXTS] as const;

/** The filters of an address that the ledger understands. */
export const filtersIn = (asked: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(NAMES.flatMap((name) => (asked[name] ? [[name, asked[name]]] : [])));

export const asQuery = (asked: Readonly<Record<string, string>>): Query => filtersIn(asked);

/** Filters of a list of calls; each change is in the address at once. */
export function CallFilters() {
  const { place, ask } = useNavigation();
  const { asked } = place;
  const set = (name: string, value: string): void => ask({ [name]: value.trim(), before: '' });
  const shown = TEXTS.filter((name) => !RARE.has(name) || asked[name]);
  const some = Object.keys(filtersIn(asked)).length > 0;
  return (
    <div class="row" role="search" aria-label="Filter calls">
      <Choice name="outcome" values={OUTCOMES} value={asked['outcome'] ?? ''} onChange={set} />
      <Choice name="kind" values={KINDS} value={asked['kind'] ?? ''} onChange={set} />
      {shown.map((name, i) => (
        <label key={name} class="field">
          <span>{name}</span>
          <input
            type="search"
            size={14}
            data-search={i === 0 ? '' : undefined}
            placeholder={name === 'label' ? 'name=value' : 'any'}
            value={asked[name] ?? ''}
            onChange={(event) => set(name, event.currentTarget.value)}
          />
        </label>
      ))}
      {some && (
        <button
          type="button"
          onClick={() => ask({ ...Object.fromEntries(NAMES.map((name) => [name, ''])), before: '' })}
        >
          Clear filters
        </button>
      )}
    </div>
  );
}

interface ChoiceProps {
  readonly name: string;
  readonly values: readonly string[];
  readonly value: string;
  readonly onChange: (name: string, value: string) => void;
}

const Choice = ({ name, values, value, onChange }: ChoiceProps) => (
  <label class="field">
    <span>{name}</span>
    <select value={value} onChange={(event) => onChange(name, event.currentTarget.value)}>
      <option value="">any</option>
      {values.map((one) => (
        <option key={one} value={one}>
          {one}
        </option>
      ))}
    </select>
  </label>
);

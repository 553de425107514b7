import { nearest } from '#kernel/did-you-mean.ts';
import { parseDuration } from '#kernel/config/quantities.ts';
import type { ApiKey, Budget, BudgetLevel, BudgetWindow, Limit, LimitUnit } from '#ports/state-store.ts';

/** What is wrong with a setting, where it stands, and the nearest that exists. */
export interface Fault {
  readonly field: string;
  readonly message: string;
  /** "did you mean `chat`?"; null where nothing is near. */
  readonly hint: string | null;
}

/** Names of the features and labels that the operator's file declares. */
export interface DeclaredNames {
  readonly features: ReadonlySet<string>;
  readonly labels: ReadonlySet<string>;
}

const fault = (field: string, message: string, hint: string | null = null): Fault => ({ field, message, hint });

/** A fault about a name that does not exist. */
export function unknownName(field: string, message: string, names: { wrong: string; known: Iterable<string> }): Fault {
  const near = nearest(names.wrong, names.known);
  return fault(
    field,
    message,
    near.length > 0 ? `did you mean ${near.map((name) => `\`${name}\``).join(', ')}?` : null,
  );
}

/** Every feature and label that a key names must be one of the operator's file. */
export function keyFaults(
  { defaultFeature, defaultLabels, rights }: Pick<ApiKey, 'defaultFeature' | 'defaultLabels' | 'rights'>,
  { features, labels }: DeclaredNames,
): readonly Fault[] {
  const asked = [
    ...(defaultFeature === null ? [] : [featureFault(defaultFeature, 'defaultFeature', features)]),
    ...(rights.features === '*' ? [] : rights.features.map((name) => featureFault(name, 'rights.features', features))),
    ...rights.labels.map((name) => labelFault(name, 'rights.labels', labels)),
    ...Object.keys(defaultLabels).map((name) => labelFault(name, 'defaultLabels', labels)),
  ];
  return asked.filter((one) => one !== null);
}

/** A feature that the operator's file does not declare, or null. */
export function featureFault(wrong: string, field: string, known: ReadonlySet<string>): Fault | null {
  if (known.has(wrong)) return null;
  return unknownName(field, `${field}: there is no feature \`${wrong}\` in the configuration`, { wrong, known });
}

function labelFault(wrong: string, field: string, known: ReadonlySet<string>): Fault | null {
  if (known.has(wrong)) return null;
  return unknownName(field, `${field}: the label \`${wrong}\` is not in the configured list`, { wrong, known });
}

interface ScopeInput {
  readonly level: BudgetLevel;
  readonly tenant?: string | undefined;
  readonly id?: string | undefined;
}

/** Which of tenant and id a level needs and which it refuses, before anybody looks whether they exist. */
export function scopeFault({ level, tenant, id }: ScopeInput, what: 'budget' | 'limit' = 'budget'): Fault | null {
  if (level === 'operator') {
    const extra = tenant !== undefined || id !== undefined;
    return extra ? fault('level', `The operator’s ${what} names no tenant and no id`) : null;
  }
  if (tenant === undefined) return fault('tenant', `A ${what} of a ${level} names its tenant`);
  if (level === 'tenant' && id !== undefined) return fault('id', `A ${what} of a tenant names no id`);
  if (level === 'end_user' && id !== undefined && !/^[0-9a-f]{32}$/.test(id))
    return fault('id', 'An end user is named by the 32 hex digits that the ledger shows');
  return null;
}

/** The window of a limit of a unit: of calls in flight there is none. */
export const unitFault = (unit: LimitUnit, window: Limit['window'] | undefined): Fault | null =>
  unit === 'concurrency' && window != null ? fault('window', 'A limit of calls in flight has no window') : null;

export const windowOfUnit = (unit: LimitUnit, window: 'minute' | 'day' | undefined): Limit['window'] =>
  unit === 'concurrency' ? null : (window ?? 'minute');

export const modeFault = ({ mode, endWhenSpent }: Pick<Budget, 'mode' | 'endWhenSpent'>): Fault | null =>
  mode === 'strict' && endWhenSpent
    ? fault(
        'endWhenSpent',
        '`endWhenSpent` belongs to `bounded`: a strict budget pays for the whole answer before it begins',
      )
    : null;

/** The window of a text that is checked already: `day`, `week`, `month`, `total`, or a rolling span. */
export function windowOf(text: string, timeZone: string): BudgetWindow {
  if (text === 'total') return { kind: 'total' };
  if (text === 'day' || text === 'week' || text === 'month') return { kind: 'calendar', unit: text, timeZone };
  return { kind: 'rolling', ms: parseDuration(text)! };
}

import { isDeepStrictEqual } from 'node:util';
import type { EpochMs, LimitId } from '#kernel/brand.ts';
import type { Limit, StateChange } from '#ports/state-store.ts';
import { declaredAt, isDeclared, type DeclaredLimit } from './declared.ts';
import { rowPairs, scopeOf } from './reconcile-pairs.ts';
import { changedFields, removalStep, takenOver, type NewId, type Step } from './reconcile-step.ts';

interface Options {
  readonly now: EpochMs;
  readonly newId: NewId;
  /** Ids of the declared keys by their paths. */
  readonly keyIds: ReadonlyMap<string, string>;
}

type Counted = Pick<Limit, 'scope' | 'unit' | 'window'>;

/** Limits as declared. One that counts something else than before is another limit: its counters have its id. */
export function limitSteps(
  held: readonly Limit[],
  wanted: readonly DeclaredLimit[],
  { now, newId, keyIds }: Options,
): Step[] {
  const countedBy = ({ settings: { unit, window }, ...subject }: DeclaredLimit): Counted => ({
    ...{ scope: scopeOf(subject, keyIds), unit, window },
  });
  const rows = rowPairs(held, wanted, { ofWanted: (limit) => purse(countedBy(limit)), ofHeld: purse });
  const put = wanted.map((limit) => {
    const [old, counted] = [rows.get(limit), countedBy(limit)];
    const isSame = old !== undefined && purse(old) === purse(counted);
    const kept = isSame ? old : { id: newId('lim_') as LimitId, raise: null, createdAt: now };
    const { settings, path } = limit;
    return putStep(old, { ...kept, ...settings, scope: counted.scope, declared: declaredAt(path) });
  });
  const known = new Set(rows.values());
  const gone = held
    .filter((row) => !known.has(row) && isDeclared(row))
    .map((row) => removalStep({ remove: 'limit', id: row.id }, row));
  return [...put.filter((step) => step !== null), ...gone];
}

const purse = ({ scope: { level, tenant, id }, unit, window }: Counted): string =>
  JSON.stringify([level, tenant, id, unit, window]);

function putStep(old: Limit | undefined, value: Limit): Step | null {
  if (isDeepStrictEqual(old, value)) return null;
  const { id, scope, unit, window, limit, contact, declared } = value;
  const first: StateChange[] = old && old.id !== id ? [{ remove: 'limit', id: old.id }] : [];
  return {
    changes: [...first, { put: 'limit', value }],
    action: old ? 'limit.update' : 'limit.create',
    subject: id,
    tenant: scope.tenant,
    detail: { scope, unit, window, limit, contact },
    path: declared!.path,
    takenOver: takenOver(old),
    changed: changedFields(old, value).filter((name) => name !== 'id' && name !== 'createdAt'),
  };
}

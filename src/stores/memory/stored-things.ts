import type { TenantId } from '#kernel/brand.ts';
import { tenantKey, type TenantKey } from '#kernel/whose.ts';
import type { StoredThing, StoredThings, ThingKind } from '#ports/stored-things.ts';

/** Things of one process, for tests: nothing outlives it. */
export function memoryThings(): StoredThings {
  const things = new Map<TenantKey<ThingKind>, StoredThing>();
  const keyOf = (tenant: TenantId, kind: ThingKind, id: string) => tenantKey(tenant, kind, id);
  return {
    put: async (thing) => void things.set(keyOf(thing.tenant, thing.kind, thing.id), thing),
    show: async (tenant, kind, id, shown) => {
      const thing = things.get(keyOf(tenant, kind, id));
      if (thing) things.set(keyOf(tenant, kind, id), { ...thing, shown });
      return thing !== undefined;
    },
    get: async (tenant, kind, id) => things.get(keyOf(tenant, kind, id)) ?? null,
    list: async ({ tenant, kind, family, limit, order, after }) => {
      const own = [...things.values()].filter(
        (one) => one.tenant === tenant && one.kind === kind && one.family === family,
      );
      own.sort((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1));
      if (order === 'desc') own.reverse();
      const from = own.findIndex(({ id }) => id === after) + 1;
      return own.slice(from, from + limit).map(({ facts: _, ...listed }) => listed);
    },
    remove: async (tenant, kind, id) => things.delete(keyOf(tenant, kind, id)),
    close: async () => undefined,
  };
}

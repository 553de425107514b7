import type { StoredThing, StoredThings } from '#ports/stored-things.ts';

/** Things of one process, for tests: nothing outlives it. */
export function memoryThings(): StoredThings {
  const things = new Map<string, StoredThing>();
  const nameOf = (kind: string, id: string): string => `${kind}\n${id}`;
  return {
    put: async (thing) => void things.set(nameOf(thing.kind, thing.id), thing),
    show: async (kind, id, shown) => {
      const thing = things.get(nameOf(kind, id));
      if (thing) things.set(nameOf(kind, id), { ...thing, shown });
      return thing !== undefined;
    },
    get: async (kind, id) => things.get(nameOf(kind, id)) ?? null,
    list: async ({ tenant, kind, family, limit, order, after }) => {
      const own = [...things.values()].filter(
        (one) => one.tenant === tenant && one.kind === kind && one.family === family,
      );
      own.sort((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1));
      if (order === 'desc') own.reverse();
      const from = own.findIndex(({ id }) => id === after) + 1;
      return own.slice(from, from + limit).map(({ facts: _, ...listed }) => listed);
    },
    remove: async (kind, id) => things.delete(nameOf(kind, id)),
    close: async () => undefined,
  };
}

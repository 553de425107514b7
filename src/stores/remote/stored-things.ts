import type { StoredThings } from '#ports/stored-things.ts';
import type { RemoteClient, Target } from './channel.ts';

export const THINGS_TARGET = 'things';

/** Things that another thread keeps. Closing it leaves the other's store open. */
export function remoteThings(client: RemoteClient): StoredThings {
  const call = (method: string, ...args: unknown[]): Promise<never> =>
    client.call(THINGS_TARGET, method, args) as Promise<never>;
  return {
    put: (thing) => call('put', thing),
    show: (tenant, kind, id, shown) => call('show', tenant, kind, id, shown),
    get: (tenant, kind, id) => call('get', tenant, kind, id),
    list: (question) => call('list', question),
    remove: (tenant, kind, id) => call('remove', tenant, kind, id),
    close: async () => undefined,
  };
}

/** What the other thread serves under {@link THINGS_TARGET}. */
export const thingsTarget = (store: StoredThings): Target => ({
  put: (thing: never) => store.put(thing),
  show: (tenant: never, kind: never, id: never, shown: never) => store.show(tenant, kind, id, shown),
  get: (tenant: never, kind: never, id: never) => store.get(tenant, kind, id),
  list: (question: never) => store.list(question),
  remove: (tenant: never, kind: never, id: never) => store.remove(tenant, kind, id),
});

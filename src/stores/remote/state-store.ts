import type { StateStore } from '#ports/state-store.ts';
import type { RemoteClient, Target } from './channel.ts';

export const STATE_TARGET = 'state';

/** State that another thread serves. Closing it leaves the other's store open. */
export function remoteState(client: RemoteClient): StateStore {
  const call = (method: string, ...args: unknown[]): Promise<never> =>
    client.call(STATE_TARGET, method, args) as Promise<never>;
  return {
    load: (whose) => call('load', whose),
    apply: (changes, ...audit) => call('apply', changes, ...audit),
    audit: (question) => call('audit', question),
    keepId: (id) => call('keepId', id),
    keptId: (tenant, kind, id) => call('keptId', tenant, kind, id),
    close: async () => undefined,
  };
}

/** What the other thread serves under {@link STATE_TARGET}. */
export const stateTarget = (store: StateStore): Target => ({
  load: (whose: never) => store.load(whose),
  apply: (changes: never, audit: never, ...more: never[]) => store.apply(changes, audit, ...more),
  audit: (question: never) => store.audit(question),
  keepId: (id: never) => store.keepId(id),
  keptId: (tenant: never, kind: never, id: never) => store.keptId(tenant, kind, id),
});

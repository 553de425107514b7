import type { LedgerStore } from '#ports/ledger-store.ts';
import type { RemoteClient, Target } from './channel.ts';

export const LEDGER_TARGET = 'ledger';

/** A ledger that another thread serves. Closing it leaves the other's store open. */
export function remoteLedger(client: RemoteClient): LedgerStore {
  const call = (method: string, ...args: unknown[]): Promise<never> =>
    client.call(LEDGER_TARGET, method, args) as Promise<never>;
  return {
    ship: (batch) => call('ship', [...batch]),
    call: (id, tenant) => call('call', id, tenant),
    calls: (question) => call('calls', question),
    spend: (question) => call('spend', question),
    streams: (question) => call('streams', question),
    charges: (question) => call('charges', question),
    closeBooks: (until) => call('closeBooks', until),
    keepMonth: (month) => call('keepMonth', month),
    closedMonths: () => call('closedMonths'),
    follow: (names) => call('follow', names),
    feed: (question) => call('feed', question),
    acknowledge: (name, seq) => call('acknowledge', name, seq),
    feeds: () => call('feeds'),
    verifyRollups: (window) => call('verifyRollups', window),
    retain: (limits) => call('retain', limits),
    close: async () => undefined,
  };
}

/** What the other thread serves under {@link LEDGER_TARGET}. */
export const ledgerTarget = (store: LedgerStore): Target => ({
  ship: (batch: never) => store.ship(batch),
  call: (id: never, tenant: never) => store.call(id, tenant),
  calls: (question: never) => store.calls(question),
  spend: (question: never) => store.spend(question),
  streams: (question: never) => store.streams(question),
  charges: (question: never) => store.charges(question),
  closeBooks: (until: never) => store.closeBooks(until),
  keepMonth: (month: never) => store.keepMonth(month),
  closedMonths: () => store.closedMonths(),
  follow: (names: never) => store.follow(names),
  feed: (question: never) => store.feed(question),
  acknowledge: (name: never, seq: never) => store.acknowledge(name, seq),
  feeds: () => store.feeds(),
  verifyRollups: (window: never) => store.verifyRollups(window),
  retain: (limits: never) => store.retain(limits),
});

import type { LedgerStore } from '#ports/ledger-store.ts';
import type { RemoteClient, Target } from './channel.ts';

export const LEDGER_TARGET = 'ledger';

/** A ledger that another thread serves. Closing it leaves the other's store open. */
export function remoteLedger(client: RemoteClient): LedgerStore {
  const call = (method: string, ...args: unknown[]): Promise<never> =>
    client.call(LEDGER_TARGET, method, args) as Promise<never>;
  return {
    ship: (batch) => call('ship', [...batch]),
    call: (id, whose) => call('call', id, whose),
    calls: (question) => call('calls', question),
    spend: (question) => call('spend', question),
    streams: (question) => call('streams', question),
    charges: (question) => call('charges', question),
    closeBooks: (whose, until) => call('closeBooks', whose, until),
    keepMonth: (whose, month) => call('keepMonth', whose, month),
    closedMonths: (whose) => call('closedMonths', whose),
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
  call: (id: never, whose: never) => store.call(id, whose),
  calls: (question: never) => store.calls(question),
  spend: (question: never) => store.spend(question),
  streams: (question: never) => store.streams(question),
  charges: (question: never) => store.charges(question),
  closeBooks: (whose: never, until: never) => store.closeBooks(whose, until),
  keepMonth: (whose: never, month: never) => store.keepMonth(whose, month),
  closedMonths: (whose: never) => store.closedMonths(whose),
  follow: (names: never) => store.follow(names),
  feed: (question: never) => store.feed(question),
  acknowledge: (name: never, seq: never) => store.acknowledge(name, seq),
  feeds: () => store.feeds(),
  verifyRollups: (window: never) => store.verifyRollups(window),
  retain: (limits: never) => store.retain(limits),
});

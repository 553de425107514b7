/** What of tenants runs in the thread of the stores: bills of months are divided there, where no call waits. */
import type { EpochMs } from '#kernel/brand.ts';
import type { Kept } from '#kernel/kept-answers.ts';
import type { LedgerStore } from '#ports/ledger-store.ts';
import type { Tenant } from '#ports/state-store.ts';
import { MonthBooks, type Books } from './attribution/books.ts';
import type { AttributionFile } from './attribution/config.ts';
import type { LevelAsked } from './attribution/level.ts';
import type { MarginReport } from './attribution/report.ts';
import { attributionSettings, NO_ATTRIBUTION } from './attribution/settings.ts';

export const BOOKS_TARGET = 'books';

/** Plans of tenants that are on one. */
type Plans = readonly (readonly [tenant: string, plan: string])[];

export const plansOf = (tenants: Iterable<Tenant>): Plans =>
  [...tenants].flatMap(({ id, plan }) => (plan == null ? [] : [[id, plan] as const]));

interface Remote {
  readonly ask: (target: string, method: string, args: readonly unknown[]) => Promise<unknown>;
  readonly file: () => AttributionFile;
  readonly plans: () => Plans;
}

/** Asks the other thread. The section of the file goes there when it is another one. */
export function remoteBooks({ ask, file, plans }: Remote): Books {
  let sent: AttributionFile | null = null;
  const asked = async (method: string, ...args: readonly unknown[]): Promise<never> => {
    const now = file();
    // Messages keep their order: what is asked next is asked of the new one.
    if (now !== sent) void ask(BOOKS_TARGET, 'use', [now]).catch(() => (sent = null));
    sent = now;
    return (await ask(BOOKS_TARGET, method, args)) as never;
  };
  return {
    report: (month) => asked('report', month),
    margin: (month) => asked('margin', month, plans()),
    margins: (month) => asked('margins', month, plans()),
    level: (month, level) => asked('level', month, level),
    close: (month, now) => asked('close', month, now),
  };
}

/** Answers {@link remoteBooks}. */
export function booksTarget(ledger: LedgerStore, now: () => EpochMs) {
  let settings = NO_ATTRIBUTION;
  let planOf: ReadonlyMap<string, string> = new Map();
  const books = new MonthBooks({
    ledger,
    settings: () => settings,
    planOf: (tenant) => planOf.get(tenant) ?? null,
    now,
  });
  const onPlans = (plans: Plans): void => void (planOf = new Map(plans));
  return {
    use: async (file: AttributionFile): Promise<void> => void (settings = attributionSettings(file)),
    report: (month: string | undefined): Promise<string> => books.report(month),
    margin: (month: string | undefined, plans: Plans): Promise<string> => {
      onPlans(plans);
      return books.margin(month);
    },
    margins: (month: string | undefined, plans: Plans): Promise<Kept<MarginReport>> => {
      onPlans(plans);
      return books.margins(month);
    },
    level: (month: string | undefined, asked: LevelAsked): Promise<object> => books.level(month, asked),
    close: (month: string, at: EpochMs): Promise<string> => books.close(month, at),
  };
}

import { epochMs } from '#kernel/brand.ts';
import { everyTenant } from '#kernel/whose.ts';
import type { LedgerEntry } from '#ports/entry.ts';
import type { LedgerStore } from '#ports/ledger-store.ts';
import { openSqliteLedger } from '#stores/sqlite/ledger-store.ts';

const DAY_MS = 86_400_000;
/** Later than any entry by more than a day, so that the day of the run is a whole bucket. */
const until = (): number => Date.now() + 2 * DAY_MS;
const PAGE = 1000;

export interface LedgerRead {
  readonly entries: readonly LedgerEntry[];
  /** Rollups that differ from a recount. */
  readonly rollupFaults: readonly string[];
  /** The spend report by tenant against sums over the entries. */
  readonly spendFaults: readonly string[];
}

/** Everything that a ledger's file holds, with its rollups counted again. No gate may run on it. */
export async function readLedger(path: string): Promise<LedgerRead> {
  const store = openSqliteLedger(path);
  try {
    const entries = await allEntries(store);
    const window = { from: epochMs(0), to: epochMs(until()) };
    return { entries, rollupFaults: await store.verifyRollups(window), spendFaults: await spendFaults(store, entries) };
  } finally {
    await store.close();
  }
}

const EVERY = everyTenant('the judge counts everything');

export async function allEntries(store: LedgerStore): Promise<LedgerEntry[]> {
  const entries: LedgerEntry[] = [];
  for (;;) {
    const last = entries.at(-1);
    const page = await store.calls({
      ...{ whose: EVERY, from: epochMs(0), to: epochMs(until()), limit: PAGE },
      ...(last && { before: last.id }),
    });
    entries.push(...page);
    if (page.length < PAGE) return entries;
  }
}

interface Sums {
  calls: number;
  costNanoUsd: bigint;
  inputTokens: number;
  outputTokens: number;
}

async function spendFaults(store: LedgerStore, entries: readonly LedgerEntry[]): Promise<string[]> {
  const rows = await store.spend({ whose: EVERY, from: epochMs(0), to: epochMs(until()), by: ['tenant'] });
  const sums = new Map<string, Sums>();
  for (const entry of entries) add(sums, entry);
  const reported = rows.map(({ by, calls, costNanoUsd, inputTokens, outputTokens }) =>
    text(by[0] ?? '', { calls, costNanoUsd, inputTokens, outputTokens }),
  );
  const counted = [...sums].map(([tenant, sum]) => text(tenant, sum));
  const differing = new Set(reported).symmetricDifference(new Set(counted));
  return [...differing].map((line) => `spend by tenant: ${line}`);
}

function add(sums: Map<string, Sums>, { tenant, cost, usage }: LedgerEntry): void {
  const sum = sums.get(tenant) ?? { calls: 0, costNanoUsd: 0n, inputTokens: 0, outputTokens: 0 };
  sums.set(tenant, sum);
  sum.calls += 1;
  sum.costNanoUsd += cost?.total ?? 0n;
  sum.inputTokens += usage.inputTokens ?? 0;
  sum.outputTokens += usage.outputTokens ?? 0;
}

const text = (tenant: string, sum: Sums): string =>
  `${tenant}: ${sum.calls} calls, ${sum.costNanoUsd} nano-dollars, ${sum.inputTokens} + ${sum.outputTokens} tokens`;

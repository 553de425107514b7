import { epochMs } from '#kernel/brand.ts';
import type { StoreThread } from '#stores/remote/thread.ts';
import type { Gate } from '#gateway/gate.ts';
import type { DeclaredState } from './declared-state.ts';
import { systemClock } from './system.ts';

/** How soon after a store is back what it missed is made up for. */
const FLUSH_EVERY_MS = 15_000;
/** How late scores by rule are in the tests. */
const SCORES_EVERY_MS = 1_000;
const RETAIN_EVERY_MS = 3_600_000;
/** Younger than a scrape of `/metrics`. */
const BUDGETS_EVERY_MS = 5_000;
/** Budgets that `/metrics` shows: the fullest, three samples each. */
const MOST_BUDGETS = 100;

/** What a start with the store away owes once it is back. */
interface LateState {
  readonly declared: DeclaredState;
  /** The state has been read from the store. */
  readonly reloaded: () => void;
}

/** Work beside the calls: what a store missed while it was away, and rows past their retention. */
export function housekeeping(gate: Gate, stores: StoreThread, late: LateState): { stop(): void } {
  const flush = setInterval(() => void makeUp(gate, late), FLUSH_EVERY_MS).unref();
  const scores = setInterval(() => {
    gate.grading.expire(systemClock.now());
    void gate.quality.flush();
  }, SCORES_EVERY_MS).unref();
  const retain = setInterval(() => void forget(gate, stores), RETAIN_EVERY_MS).unref();
  const budgets = setInterval(() => void readBudgets(gate), BUDGETS_EVERY_MS).unref();
  return {
    stop: () => {
      clearInterval(budgets);
      clearInterval(scores);
      clearInterval(flush);
      clearInterval(retain);
    },
  };
}

async function makeUp({ tenants, stored, log }: Gate, { declared, reloaded }: LateState): Promise<void> {
  tenants.directory.forgetOver(systemClock.now());
  try {
    if (tenants.origin === 'store') await tenants.flush();
    else {
      await tenants.reload();
      reloaded();
    }
    await declared.retry();
    await stored.background.flush();
    await stored.batches.flush();
  } catch (error) {
    log.debug({ err: error }, 'the store is still away');
  }
}

async function readBudgets({ tenants, meter, log }: Gate): Promise<void> {
  try {
    meter.budgets = await tenants.fullestBudgets(MOST_BUDGETS);
  } catch (error) {
    log.debug({ err: error }, 'the figures of budgets are old');
  }
}

async function forget({ config, log }: Gate, { ledger, scores }: StoreThread): Promise<void> {
  const { entries, minutes } = config.file.ledger.retention;
  const now = systemClock.now();
  try {
    await scores.prune(epochMs(now - entries));
    await ledger.retain({ entriesBefore: epochMs(now - entries), minutesBefore: epochMs(now - minutes) });
  } catch (error) {
    log.debug({ err: error }, 'retention waits for the store');
  }
}

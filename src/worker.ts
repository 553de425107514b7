import { join } from 'node:path';
import { workerData } from 'node:worker_threads';
import type { Clock } from '#kernel/clock.ts';
import { epochMs } from '#kernel/brand.ts';
import { invariant } from '#kernel/invariant.ts';
import { runShipper, type Shipper } from '#ledger/shipper.ts';
import { collectGarbage } from '#stores/remote/collect-garbage.ts';
import type { FeedService } from '#ports/feeds.ts';
import type { Feeds } from '#telemetry/feeds/index.ts';
import { notify, serveRemote, type Target } from '#stores/remote/channel.ts';
import { JOBS_TARGET, jobsTarget } from '#stores/remote/job-queue.ts';
import { THINGS_TARGET, thingsTarget } from '#stores/remote/stored-things.ts';
import { SCORES_TARGET, scoresTarget } from '#stores/remote/scores.ts';
import { openSqliteScores } from '#stores/sqlite/scores.ts';
import { openSqliteJobs } from '#stores/sqlite/job-queue.ts';
import { openSqliteThings } from '#stores/sqlite/stored-things.ts';
import { FEEDS_TARGET, feedsTarget } from '#stores/remote/feeds.ts';
import { LEDGER_TARGET, ledgerTarget } from '#stores/remote/ledger-store.ts';
import { STATE_TARGET, stateTarget } from '#stores/remote/state-store.ts';
import { SHIPPER_TARGET, type DiedStreams, type LiveSpool, type StoreThreadData } from '#stores/remote/thread.ts';
import { BOOKS_TARGET, booksTarget } from '#capabilities/tenants/thread.ts';
import { openSqliteLedger } from '#stores/sqlite/ledger-store.ts';
import { openSqliteState } from '#stores/sqlite/state-store.ts';

/*
 * Composition root of the thread of the stores: SQL, and the shipper that reads the spool. Imports nothing of the
 * gateway, since each module is loaded once more in this thread.
 */
const { dataDir, port } = workerData as StoreThreadData;
const clock: Clock = { now: () => epochMs(Date.now()), mono: () => performance.now() };
const ledger = openSqliteLedger(join(dataDir, 'ledger.db'));
const state = openSqliteState(join(dataDir, 'state.db'));
const jobs = openSqliteJobs(join(dataDir, 'work.db'));
const things = openSqliteThings(join(dataDir, 'work.db'));
const scores = openSqliteScores(join(dataDir, 'work.db'));
let shipper: Shipper | null = null;
let feeds: Feeds | null = null;
const COLLECT_AFTER_MS = 500;

function start(live: LiveSpool | null): void {
  invariant(!shipper, 'one shipper a process');
  shipper = runShipper({
    dir: join(dataDir, 'spool'),
    live,
    ship: (batch) => ledger.ship(batch),
    died: {
      ship: (batch) => ledger.shipNew(batch),
      told: (streams) => notify(port, { kind: 'died', streams } satisfies DiedStreams),
    },
    clock,
    rng: { next: Math.random },
    onTrouble: (trouble) => notify(port, trouble),
  });
  // By now the serving thread has loaded its state from here; the next batch is some time away.
  setTimeout(collectGarbage, COLLECT_AFTER_MS).unref();
  // Failed for a mistake of ours: the thread ends with it, and the process hears of it.
  shipper.ended.catch((error: unknown) => setImmediate(() => Promise.reject(error)));
}

/** Its HTTP client is loaded where there is a feed. Their CPU is this thread's: the one that serves does nothing for them. */
const pushing: FeedService = {
  use: async (wanted) => {
    if (!feeds && wanted.length === 0) return ledger.follow([]);
    feeds ??= new (await import('#telemetry/feeds/index.ts')).Feeds({
      store: ledger,
      now: clock.now,
      random: Math.random,
      onTrouble: (feed, why) => notify(port, { kind: 'feed', message: `the feed ${feed} is not taken: ${why}` }),
    });
    await feeds.use(wanted);
  },
  status: async () => (await feeds?.status()) ?? [],
};

async function close(): Promise<void> {
  await feeds?.close();
  await shipper?.stop();
  await ledger.close();
  await state.close();
  await jobs.close();
  await things.close();
  await scores.close();
  // After the answer is sent: a closed port lets the thread end.
  setImmediate(() => port.close());
}

const shipping: Target = {
  start: async (live: never) => start(live),
  wake: async () => shipper?.wake(),
  adopted: async () => shipper?.adopted,
  drain: async (limitMs: never) => shipper?.drain(limitMs) ?? true,
  close,
};

serveRemote(port, {
  [LEDGER_TARGET]: ledgerTarget(ledger),
  [STATE_TARGET]: stateTarget(state),
  [JOBS_TARGET]: jobsTarget(jobs),
  [THINGS_TARGET]: thingsTarget(things),
  [SCORES_TARGET]: scoresTarget(scores),
  [SHIPPER_TARGET]: shipping,
  [FEEDS_TARGET]: feedsTarget(pushing),
  [BOOKS_TARGET]: booksTarget(ledger, clock.now),
});

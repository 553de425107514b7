import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { epochMs } from '#kernel/brand.ts';
import { everyTenant, tenantKey } from '#kernel/whose.ts';
import type { JobQueue } from '#ports/job-queue.ts';
import { ledgerStoreContract } from '#ports/ledger-store.contract.ts';
import { stateStoreContract } from '#ports/state-store.contract.ts';
import { jobQueueContract } from '#ports/job-queue.contract.ts';
import { scoresContract } from '#ports/scores.contract.ts';
import { storedThingsContract } from '#ports/stored-things.contract.ts';
import { openSqliteJobs } from './job-queue.ts';
import { openSqliteScores } from './scores.ts';
import { openSqliteThings } from './stored-things.ts';
import { openSqliteLedger } from './ledger-store.ts';
import { openSqliteState } from './state-store.ts';

const EVERY = everyTenant('a test');
const folder = mkdtempSync(join(tmpdir(), 'headgate-sqlite-'));
after(() => rmSync(folder, { recursive: true, force: true }));

let files = 0;
const nextFile = (): string => join(folder, `${++files}.db`);

ledgerStoreContract({ name: 'sqlite', open: async () => openSqliteLedger(nextFile()) });
stateStoreContract({ name: 'sqlite', open: async () => openSqliteState(nextFile()) });
scoresContract({ name: 'sqlite', open: async () => openSqliteScores(nextFile()) });
storedThingsContract({ name: 'sqlite', open: async () => openSqliteThings(nextFile()) });

const pathOf = new WeakMap<JobQueue, string>();
const jobsAt = (path: string): JobQueue => {
  const queue = openSqliteJobs(path);
  pathOf.set(queue, path);
  return queue;
};
jobQueueContract({
  name: 'sqlite',
  open: async () => jobsAt(nextFile()),
  reopen: async (queue) => {
    await queue.close();
    return jobsAt(pathOf.get(queue)!);
  },
});

test('two processes on one file never lease one job twice', async () => {
  const path = nextFile();
  const [one, other] = [jobsAt(path), jobsAt(path)];
  after(() => Promise.all([one.close(), other.close()]));
  const now = epochMs(1_000);
  for (let n = 0; n < 30; n++)
    await one.enqueue(
      {
        id: `job_${n}`,
        kind: 'poll',
        dedupe: tenantKey(EVERY, 'work', `${n}`),
        tenant: null,
        payload: '{}',
        runAt: now,
      },
      now,
    );
  const ask = (owner: string) => ({ whose: EVERY, owner, now, until: epochMs(2_000), limit: 4 });
  const got = [];
  for (let i = 0; i < 5; i++) got.push(...(await one.lease(ask('one'))), ...(await other.lease(ask('other'))));
  assert.equal(new Set(got.map(({ id }) => id)).size, 30);
  assert.equal(got.length, 30);
});

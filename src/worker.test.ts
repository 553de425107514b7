import assert from 'node:assert/strict';
import { mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, test, type TestContext } from 'node:test';
import { epochMs } from '#kernel/brand.ts';
import { HeadgateError } from '#kernel/errors.ts';
import { seededRng } from '#kernel/rng.ts';
import { everyTenant } from '#kernel/whose.ts';
import { sampleAdmission, sampleEntry } from '#ledger/entry/samples.ts';
import { openSpool, type Spool } from '#ledger/index.ts';
import type { LedgerEntry } from '#ports/entry.ts';
import { startStoreThread, type StoreThread } from '#stores/remote/thread.ts';

const entry = new URL('./worker.ts', import.meta.url);
const clock = { now: () => epochMs(Date.now()), mono: () => performance.now() };
const rng = seededRng(11);
const EVERY = everyTenant('a test');
const EVER = { whose: EVERY, from: epochMs(0), to: epochMs(4e12) };

interface Rig {
  readonly dataDir: string;
  readonly thread: StoreThread;
  readonly notices: { kind: string }[];
}

function start(t: TestContext, dataDir = mkdtempSync(join(tmpdir(), 'headgate-thread-'))): Rig {
  const notices: { kind: string }[] = [];
  const onNotice = (notice: unknown): void => void notices.push(notice as { kind: string });
  const thread = startStoreThread({ entry, dataDir, onNotice });
  t.after(() => thread.close());
  after(() => rmSync(dataDir, { recursive: true, force: true }));
  return { dataDir, thread, notices };
}

const spoolIn = (dataDir: string): Spool =>
  openSpool({ dir: join(dataDir, 'spool'), clock, rng, onTrouble: (trouble) => assert.fail(trouble.message) });

let calls = 0;
function settleOne(spool: Spool): LedgerEntry {
  const admission = sampleAdmission(rng, ++calls);
  spool.admit(admission);
  const settled = sampleEntry(admission, rng);
  spool.settle(settled);
  return settled;
}

async function until(done: () => Promise<boolean> | boolean): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!(await done())) {
    assert.ok(performance.now() < deadline, 'within 20 s');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

test('entries of the spool reach the store, exactly, and a drain leaves nothing', async (t) => {
  const { thread, dataDir } = start(t);
  const spool = spoolIn(dataDir);
  await thread.ship({ owner: spool.owner, shared: spool.board.shared });
  const settled = Array.from({ length: 50 }, () => settleOne(spool));
  await until(async () => (await thread.ledger.call(settled[49]!.id, EVERY)) !== null);
  for (const one of settled) assert.deepEqual(await thread.ledger.call(one.id, EVERY), one);
  const last = settleOne(spool);
  await spool.seal();
  assert.equal(await thread.drain(10_000), true);
  assert.deepEqual(await thread.ledger.call(last.id, EVERY), last);
  assert.deepEqual(await thread.ledger.verifyRollups(EVER), []);
  spool.release();
});

test('state is served beside the ledger, and both outlive the thread', async (t) => {
  const { thread, dataDir } = start(t);
  const at = epochMs(5);
  const audit = { id: 'aud_1', at, actor: 'a', action: 'b', subject: 'c', tenant: null, detail: '{}' };
  await thread.state.apply([], audit);
  await thread.close();
  assert.equal(await thread.ended, null);
  await assert.rejects(thread.state.load(EVERY), (error: HeadgateError) => error.code === 'store_unavailable');
  const again = start(t, dataDir);
  assert.deepEqual(await again.thread.state.audit({ whose: EVERY, limit: 3 }), [audit]);
});

test('a locked and then a moved store delays entries and loses none', async (t) => {
  const { thread, dataDir, notices } = start(t);
  const path = join(dataDir, 'ledger.db');
  await thread.ledger.ship([]);
  const spool = spoolIn(dataDir);
  const lock = new DatabaseSync(path);
  lock.exec('BEGIN IMMEDIATE');
  await thread.ship({ owner: spool.owner, shared: spool.board.shared });
  const first = settleOne(spool);
  await until(() => notices.some(({ kind }) => kind === 'store_away'));
  assert.equal(await thread.ledger.call(first.id, EVERY), null);
  lock.exec('ROLLBACK');
  lock.close();
  await until(async () => (await thread.ledger.call(first.id, EVERY)) !== null);
  renameSync(path, `${path}.elsewhere`);
  const second = settleOne(spool);
  await assert.rejects(
    thread.ledger.call(first.id, EVERY),
    (error: HeadgateError) => error.code === 'store_unavailable',
  );
  await until(() => notices.filter(({ kind }) => kind === 'store_away').length > 1);
  renameSync(`${path}.elsewhere`, path);
  await until(async () => (await thread.ledger.call(second.id, EVERY)) !== null);
  assert.equal((await thread.ledger.spend({ ...EVER, by: [] }))[0]!.calls, 2);
  await spool.seal();
  assert.equal(await thread.drain(10_000), true);
  spool.release();
});

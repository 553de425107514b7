import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { epochMs } from '#kernel/brand.ts';
import { seededRng } from '#kernel/rng.ts';
import type { LedgerEntry } from '#ports/entry.ts';
import { lockDataDir, openSpool, runShipper, unshippedTotals } from '#ledger/index.ts';
import { decodeEntry, encodeEntry, entryOf, type ShippedEntry } from '#ports/entry-text.ts';
import type { Shipper, ShipperOptions, Spool, SpoolOptions, SpoolTrouble } from '#ledger/index.ts';
import { nodeIo } from '#ledger/spool/io.ts';
import { sampleAdmission, sampleEntry, sampleStart } from '#ledger/entry/samples.ts';

const clock = { now: () => epochMs(Date.now()), mono: () => performance.now() };
const rng = seededRng(33);
const root = mkdtempSync(join(tmpdir(), 'headgate-spool-'));
after(() => rmSync(root, { recursive: true, force: true }));

const newDir = (): string => mkdtempSync(join(root, 'data-'));
const troubles: SpoolTrouble[] = [];
const onTrouble = (trouble: SpoolTrouble): void => void troubles.push(trouble);

const open = (dir: string, options: Partial<SpoolOptions> = {}): Spool =>
  openSpool({ dir, clock, rng, onTrouble, fsyncIntervalMs: 5, segmentAgeMs: 20, ...options });

function store() {
  const entries = new Map<string, string>();
  let batches = 0;
  return {
    entries,
    get batches() {
      return batches;
    },
    ship: async (batch: Iterable<ShippedEntry>) => {
      batches += 1;
      const fresh = [...batch].filter(({ head }) => !entries.has(head.id));
      for (const entry of fresh) entries.set(entry.head.id, encodeEntry(entryOf(entry)));
      return { inserted: fresh.length };
    },
  };
}

const shipFrom = (
  dir: string,
  spool: Spool | null,
  more: Partial<ShipperOptions> & Pick<ShipperOptions, 'ship'>,
): Shipper =>
  runShipper({
    dir,
    live: spool && { owner: spool.owner, shared: spool.board.shared },
    ...{ clock, rng, onTrouble, pollMs: 5, batchMs: 10, retryBaseMs: 5, retryMaxMs: 20, ...more },
  });

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 600 && !condition(); i++) await sleep(5);
  assert.ok(condition());
}

function settleOne(spool: Spool, n: number): LedgerEntry {
  const admission = sampleAdmission(rng, n);
  const entry = sampleEntry(admission, rng);
  spool.admit(admission, sampleStart());
  spool.settle(entry);
  spool.flush();
  return entry;
}

test('entries arrive while the spool is written, and a quiet spool empties', async () => {
  const dir = newDir();
  const spool = open(dir, { segmentBytes: 10_000 });
  const target = store();
  const shipper = shipFrom(dir, spool, target);
  const sent: LedgerEntry[] = [];
  for (let n = 0; n < 300; n++) {
    sent.push(settleOne(spool, n));
    if (n % 50 === 0) await sleep(2);
  }
  await until(() => spool.stats().unshippedCalls === 0 && spool.stats().unshippedBytes === 0);
  assert.deepEqual([...target.entries.values()], sent.map(encodeEntry));
  const { oldestUnshippedMs, segments, written, openCalls } = spool.stats();
  assert.deepEqual(
    { oldestUnshippedMs, segments, written, openCalls },
    {
      ...{ oldestUnshippedMs: null, segments: 0, written: 600, openCalls: 0 },
    },
  );
  await spool.seal();
  assert.equal(await shipper.drain(2000), true);
  spool.release();
  assert.deepEqual(readdirSync(dir), []);
});

test('a store that is away loses nothing, holds nothing up, and is told of once it is back', async () => {
  const dir = newDir();
  const spool = open(dir, { segmentBytes: 10_000 });
  const target = store();
  let away = true;
  const shipper = shipFrom(dir, spool, {
    ship: (batch) => (away ? Promise.reject(new Error('database is locked')) : target.ship(batch)),
  });
  for (let n = 0; n < 100; n++) settleOne(spool, n);
  await sleep(60);
  assert.equal(spool.stats().unshippedCalls, 100);
  assert.ok(spool.stats().oldestUnshippedMs! >= 20);
  assert.ok(troubles.some(({ kind }) => kind === 'store_away'));
  away = false;
  await until(() => spool.stats().unshippedCalls === 0);
  assert.equal(target.entries.size, 100);
  assert.ok(troubles.some(({ kind }) => kind === 'store_back'));
  await shipper.stop();
  spool.release();
});

test('the bound of the spool stops new calls, not those that are admitted', async () => {
  const dir = newDir();
  const spool = open(dir, { maxBytes: 5000, onDiskFull: 'stop' });
  const admission = sampleAdmission(rng, 1);
  spool.admit(admission, sampleStart());
  assert.throws(() => {
    for (let n = 2; n < 50; n++) settleOne(spool, n);
  }, /ledger/);
  spool.settle(sampleEntry(admission, rng));
  await spool.written();
  assert.equal(spool.stats().heldCalls, 0);
  assert.ok(troubles.some(({ kind }) => kind === 'spool_full'));
  const target = store();
  const shipper = shipFrom(dir, spool, target);
  await until(() => spool.stats().unshippedBytes === 0);
  settleOne(spool, 60);
  await shipper.stop();
  spool.release();
});

test('a long stream does not keep the segments of its time', async () => {
  const dir = newDir();
  const spool = open(dir, { segmentBytes: 4000 });
  const target = store();
  const shipper = shipFrom(dir, spool, { ...target, ship: target.ship, maxWaitingSegments: 4 });
  const stream = sampleAdmission(rng, 0, true);
  spool.admit(stream, sampleStart());
  for (let n = 1; n <= 200; n++) {
    settleOne(spool, n);
    if (n % 10 === 0) spool.progress(stream.id, { outputTokens: n, textBytes: 4 * n, atMs: 100 * n });
    if (n % 20 === 0) await sleep(15);
  }
  await until(() => spool.stats().unshippedCalls === 0 && spool.stats().segments <= 5);
  assert.ok(readdirSync(spool.folder).includes('carry.seg'));
  await shipper.stop();
  // The process dies with its stream open: the carried admission is what recovery knows.
  await spool.seal();
  spool.release();
  const totals: string[] = [];
  unshippedTotals(dir, onTrouble, ({ id, interrupted }) => totals.push(`${id} ${interrupted}`));
  assert.ok(totals.includes(`${stream.id} true`));
  const adopter = shipFrom(dir, null, target);
  await adopter.adopted;
  await adopter.stop();
  assert.equal(decodeEntry(target.entries.get(stream.id)!).status, 'interrupted');
  assert.equal(target.entries.size, 201);
  assert.deepEqual(readdirSync(dir), []);
});

test('a folder that does not let go of its files holds up no shipping', async () => {
  const dir = newDir();
  const spool = open(dir, { segmentBytes: 4000 });
  const target = store();
  let locked = true;
  const unlink = (path: string): void => {
    if (locked) throw Object.assign(new Error('EPERM: not permitted'), { code: 'EPERM' });
    nodeIo.unlink(path);
  };
  const shipper = shipFrom(dir, spool, { ...target, ship: target.ship, io: { ...nodeIo, unlink } });
  for (let n = 0; n < 50; n++) settleOne(spool, n);
  await until(() => target.entries.size === 50 && troubles.some(({ kind }) => kind === 'reclaim_failed'));
  locked = false;
  await until(() => spool.stats().unshippedBytes === 0);
  await shipper.stop();
  spool.release();
});

test('a shipper that begins again ships again, and the store has each entry once', async () => {
  const dir = newDir();
  const spool = open(dir, { segmentAgeMs: 60_000 });
  const target = store();
  for (let n = 0; n < 50; n++) settleOne(spool, n);
  const first = shipFrom(dir, spool, target);
  await until(() => spool.stats().unshippedCalls === 0);
  await first.stop();
  const second = shipFrom(dir, spool, target);
  await until(() => target.batches >= 2);
  await second.stop();
  assert.equal(target.entries.size, 50);
  assert.equal(spool.stats().unshippedCalls, 0, 'a call is counted once');
  spool.release();
});

test('two owners: neither touches the other, and a third finds what the dead one left', async () => {
  const dir = newDir();
  const [a, b] = [open(dir), open(dir)];
  const entryOfA = settleOne(a, 1);
  const openOfA = sampleAdmission(rng, 2);
  a.admit(openOfA, sampleStart());
  const entryOfB = settleOne(b, 3);
  const target = store();
  const shipper = shipFrom(dir, b, { ...target, ship: target.ship, adoptEveryMs: 5 });
  await until(() => target.entries.has(entryOfB.id));
  assert.deepEqual([...target.entries.keys()], [entryOfB.id]);
  await a.seal();
  a.release();
  await until(() => target.entries.size === 3);
  assert.equal(target.entries.get(entryOfA.id), encodeEntry(entryOfA));
  assert.match(target.entries.get(openOfA.id)!, /"interrupted"/);
  await until(() => readdirSync(dir).length === 1);
  await shipper.stop();
  b.release();
});

test('a segment of a newer format is left alone', async () => {
  const dir = newDir();
  const spool = open(dir);
  settleOne(spool, 1);
  await spool.seal();
  const folder = join(dir, 'own_newer');
  mkdirSync(folder);
  copyFileSync(join(spool.folder, '00000001.seg'), join(folder, '00000002.seg'));
  const { FORMAT_VERSION, RecordType, recordSpace, writeRecord } = await import('#ledger/spool/record.ts');
  const text = JSON.stringify([FORMAT_VERSION + 1, 'own_newer', 1, 0, 0]);
  const buffer = Buffer.alloc(recordSpace(text));
  writeFileSync(join(folder, '00000001.seg'), buffer.subarray(0, writeRecord(buffer, 0, RecordType.segment, text)));
  const target = store();
  const shipper = shipFrom(dir, spool, target);
  await until(() => troubles.some(({ kind }) => kind === 'unreadable'));
  await shipper.drain(1000);
  assert.deepEqual(
    readdirSync(folder).filter((name) => name.endsWith('.seg')),
    ['00000001.seg', '00000002.seg'],
  );
  spool.release();
});

const HOLDER = `
  const { lockDataDir } = await import('#ledger/index.ts');
  const lock = lockDataDir(process.argv[1], { pid: process.pid, since: 1780000000000, address: null });
  lock.describe({ pid: process.pid, since: 1780000000000, address: 'http://127.0.0.1:8787' });
  console.log('held');
  setInterval(() => {}, 1000);
`;

test('the second process on a data folder learns who holds it; after kill -9 it has it', async () => {
  const dir = newDir();
  const child = spawn(process.execPath, ['--input-type=module', '-e', HOLDER, dir], {
    stdio: ['ignore', 'pipe', 'inherit'],
    cwd: join(import.meta.dirname, '../..'),
  });
  await new Promise((resolve) => child.stdout.once('data', resolve));
  const me = { pid: process.pid, since: epochMs(Date.now()), address: null };
  const second = lockDataDir(dir, me);
  assert.ok(!second.held);
  assert.equal(second.heldBy?.pid, child.pid);
  assert.match(second.message, new RegExp(`process ${child.pid}, since 2026.*http://127.0.0.1:8787.*of its own`));
  child.kill('SIGKILL');
  await new Promise((resolve) => child.once('exit', resolve));
  const third = lockDataDir(dir, me);
  assert.ok(third.held);
  assert.equal(lockDataDir(dir, me).held, false, 'nor twice in one process');
  third.release();
});

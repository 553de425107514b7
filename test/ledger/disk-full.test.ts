import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, unlinkSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { epochMs } from '#kernel/brand.ts';
import { HeadgateError } from '#kernel/errors.ts';
import { seededRng } from '#kernel/rng.ts';
import { openSpool, runShipper } from '#ledger/index.ts';
import { encodeEntry, entryOf } from '#ports/entry-text.ts';
import type { Spool, SpoolOptions, SpoolTrouble } from '#ledger/index.ts';
import { sampleAdmission, sampleEntry, sampleStart } from '#ledger/entry/samples.ts';

const clock = { now: () => epochMs(Date.now()), mono: () => performance.now() };
const rng = seededRng(20);
const mountPoint = mkdtempSync(join(tmpdir(), 'headgate-full-'));
const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', mountPoint]).status === 0;
const skip = mounted ? false : 'a tmpfs of 1 MB cannot be mounted here (needs root)';
const ballast = join(mountPoint, 'ballast');

after(() => {
  if (mounted) spawnSync('umount', [mountPoint]);
  rmSync(mountPoint, { recursive: true, force: true });
});

/** Fills the disk up to its last byte. */
function fillDisk(): void {
  const fd = openSync(ballast, 'w');
  for (const size of [65536, 512, 1]) {
    try {
      for (;;) if (writeSync(fd, Buffer.alloc(size)) < size) break;
    } catch (error) {
      assert.equal((error as NodeJS.ErrnoException).code, 'ENOSPC');
    }
  }
  closeSync(fd);
}

interface Bench {
  readonly dir: string;
  readonly spool: Spool;
  readonly troubles: SpoolTrouble[];
  kinds(): string[];
}

function onFullDisk(options: Pick<SpoolOptions, 'onDiskFull'> & Partial<SpoolOptions>): Bench {
  // Of each test its own: what one leaves open is not adopted by the next.
  const dir = mkdtempSync(join(mountPoint, 'spool-'));
  const troubles: SpoolTrouble[] = [];
  const onTrouble = (trouble: SpoolTrouble): void => void troubles.push(trouble);
  const spool = openSpool({ dir, clock, rng, onTrouble, fsyncIntervalMs: 5, ...options });
  return { dir, spool, troubles, kinds: () => troubles.map(({ kind }) => kind) };
}

async function shipAll({ dir, spool, troubles }: Bench): Promise<readonly string[]> {
  const shipped: string[] = [];
  await spool.seal();
  const shipper = runShipper({
    dir,
    live: { owner: spool.owner, shared: spool.board.shared },
    clock,
    rng,
    onTrouble: (trouble) => troubles.push(trouble),
    ship: async (batch) => {
      const texts = [...batch].map((entry) => encodeEntry(entryOf(entry)));
      shipped.push(...texts);
      return { inserted: texts.length };
    },
  });
  assert.ok(await shipper.drain(5000));
  spool.release();
  return shipped.sort();
}

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 400 && !condition(); i++) await sleep(5);
  assert.ok(condition());
}

const calls = (count: number) =>
  Array.from({ length: count }, (_, n) => {
    const admission = sampleAdmission(rng, n);
    return { admission, entry: sampleEntry(admission, rng) };
  });

test('stop: new calls are refused, admitted ones are settled, nothing is half', { skip }, async () => {
  const bench = onFullDisk({ onDiskFull: 'stop' });
  const [first, ...rest] = calls(6);
  bench.spool.admit(first!.admission, sampleStart());
  await bench.spool.written();
  fillDisk();
  for (const { admission } of rest) {
    await assert.rejects(
      async () => {
        // The page that is begun may still take a record or two.
        bench.spool.admit(admission, sampleStart());
        await bench.spool.written();
        bench.spool.admit({ ...admission, session: 'x'.repeat(8192) }, sampleStart());
        await bench.spool.written();
      },
      (error) => error instanceof HeadgateError && error.code === 'ledger_unavailable',
    );
  }
  assert.throws(() => bench.spool.attempt(first!.admission.id, sampleStart(2)), HeadgateError);
  bench.spool.settle(first!.entry);
  assert.equal(bench.spool.stats().heldCalls, 1);
  assert.equal(bench.spool.stats().diskFull, true);
  unlinkSync(ballast);
  await until(() => !bench.spool.stats().diskFull);
  assert.deepEqual(bench.kinds(), ['write_failed', 'write_recovered']);
  const [last] = calls(1);
  bench.spool.admit(last!.admission, sampleStart());
  bench.spool.settle(last!.entry);
  await bench.spool.written();
  assert.equal(bench.spool.stats().heldCalls, 0);
  const shipped = await shipAll(bench);
  assert.deepEqual(shipped, [encodeEntry(first!.entry), encodeEntry(last!.entry)].sort());
  assert.ok(!bench.kinds().includes('bad_record'), 'no piece of a record was left in the way');
});

test('stop: a turn whose records find no room refuses its calls and keeps its settlements', { skip }, async () => {
  const bench = onFullDisk({ onDiskFull: 'stop' });
  const [settled, ...refused] = calls(4);
  bench.spool.admit(settled!.admission, sampleStart());
  await bench.spool.written();
  fillDisk();
  for (const { admission } of refused) bench.spool.admit({ ...admission, session: 'x'.repeat(8192) }, sampleStart());
  bench.spool.settle(settled!.entry);
  await assert.rejects(bench.spool.written(), HeadgateError);
  const { openCalls, heldCalls } = bench.spool.stats();
  assert.deepEqual({ openCalls, heldCalls }, { openCalls: 0, heldCalls: 1 });
  unlinkSync(ballast);
  await until(() => !bench.spool.stats().diskFull);
  assert.deepEqual(await shipAll(bench), [encodeEntry(settled!.entry)]);
});

test('continue: calls go on, and their records follow when there is room', { skip }, async () => {
  const bench = onFullDisk({ onDiskFull: 'continue' });
  const all = calls(200);
  const open = all.slice(0, 20);
  for (const { admission } of open) bench.spool.admit(admission, sampleStart());
  await bench.spool.written();
  fillDisk();
  for (const { admission } of all.slice(20)) bench.spool.admit(admission, sampleStart());
  for (const { admission } of all.slice(20, 40)) bench.spool.attempt(admission.id, sampleStart(2));
  for (const { entry } of all) bench.spool.settle(entry);
  await bench.spool.written();
  assert.equal(bench.spool.stats().diskFull, true);
  assert.ok(bench.spool.stats().heldCalls > 150);
  unlinkSync(ballast);
  await until(() => bench.spool.stats().heldCalls === 0 && !bench.spool.stats().diskFull);
  assert.deepEqual(bench.kinds(), ['write_failed', 'write_recovered']);
  assert.equal(bench.spool.stats().lostRecords, 0);
  assert.deepEqual(await shipAll(bench), all.map(({ entry }) => encodeEntry(entry)).sort());
  assert.ok(!bench.kinds().includes('bad_record'));
});

test('continue: what is beyond the memory for it is given up loudly, whole calls at a time', { skip }, async () => {
  const bench = onFullDisk({ onDiskFull: 'continue', maxHeldChars: 20_000 });
  const all = calls(100);
  fillDisk();
  for (const { admission } of all) bench.spool.admit(admission, sampleStart());
  for (const { entry } of all) bench.spool.settle(entry);
  await bench.spool.written();
  assert.ok(bench.kinds().includes('records_lost'));
  assert.ok(bench.spool.stats().lostRecords > 100);
  unlinkSync(ballast);
  await until(() => bench.spool.stats().heldCalls === 0);
  const shipped = await shipAll(bench);
  const texts = new Set(all.map(({ entry }) => encodeEntry(entry)));
  assert.ok(shipped.length > 5 && shipped.every((text) => texts.has(text)), 'what is there is whole');
});

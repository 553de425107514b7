import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { epochMs } from '#kernel/brand.ts';
import { intBetween, seededRng } from '#kernel/rng.ts';
import { runShipper, unshippedTotals } from '#ledger/index.ts';
import { decodeEntry, encodeEntry, entryOf } from '#ports/entry-text.ts';
import type { SpoolTrouble } from '#ledger/index.ts';

/** More, and other ones, by `HEADGATE_KILL_SEEDS=first-last`. */
const [FIRST = 1, LAST = 6] = (process.env['HEADGATE_KILL_SEEDS'] ?? '1-6').split('-').map(Number);
const LIVES = 3;
const CHILD = join(import.meta.dirname, 'dying-gate.ts');

function live(dir: string, seed: number, operations: number): Promise<string | null> {
  const child = spawn(process.execPath, [CHILD, dir, String(seed), String(operations)], { stdio: 'inherit' });
  return new Promise((resolve) => child.once('exit', (_code, signal) => resolve(signal)));
}

const linesOf = (path: string): readonly string[] =>
  existsSync(path) ? readFileSync(path, 'utf8').split('\n').filter(Boolean) : [];

/** The client's log, by what it says. A line that death cut in two says nothing. */
function clientLog(dir: string) {
  const log = {
    asked: new Set<string>(),
    admitted: new Set<string>(),
    settled: new Set<string>(),
    settling: new Map(),
  };
  for (const line of linesOf(join(dir, 'client.log'))) {
    const [what, ...rest] = line.split(' ');
    const text = rest.join(' ');
    if (what === 'settling') {
      const entry = JSON.parse(text) as string;
      log.settling.set(decodeEntry(entry).id, entry);
    } else log[what as 'asked'].add(text);
  }
  return log;
}

async function recover(dir: string, shipped: string[]): Promise<readonly SpoolTrouble[]> {
  const troubles: SpoolTrouble[] = [];
  const shipper = runShipper({
    dir: join(dir, 'spool'),
    live: null,
    clock: { now: () => epochMs(Date.now()), mono: () => performance.now() },
    rng: seededRng(1),
    onTrouble: (trouble) => troubles.push(trouble),
    ship: async (batch) => {
      const texts = [...batch].map((entry) => encodeEntry(entryOf(entry)));
      shipped.push(...texts);
      return { inserted: texts.length };
    },
  });
  await shipper.adopted;
  await shipper.stop();
  return troubles;
}

/** Each id with the one text under which it was ever shipped. */
function oneTextEach(shipped: readonly string[]): Map<string, string> {
  const entries = new Map<string, string>();
  for (const text of shipped) {
    const { id } = decodeEntry(text);
    assert.equal(entries.get(id) ?? text, text, `${id} was shipped as two different entries`);
    entries.set(id, text);
  }
  return entries;
}

async function killAndJudge(seed: number): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'headgate-kill-'));
  try {
    const rng = seededRng(seed);
    for (let life = 0; life < LIVES; life++) {
      const signal = await live(dir, seed * LIVES + life, intBetween(rng, 1, 400));
      assert.equal(signal, 'SIGKILL', 'it died of its own hand');
    }
    await judge(dir);
  } finally {
    rmSync(dir, { recursive: true });
  }
}

async function judge(dir: string): Promise<void> {
  const log = clientLog(dir);
  const totals = new Set<string>();
  unshippedTotals(
    join(dir, 'spool'),
    () => undefined,
    ({ id }) => totals.add(id),
  );
  const before = linesOf(join(dir, 'store.log')).map((line) => JSON.parse(line) as string);
  const shipped: string[] = [];
  const troubles = await recover(dir, shipped);
  const entries = oneTextEach([...before, ...shipped]);
  for (const id of log.admitted) assert.ok(entries.has(id), `admitted ${id} has an entry`);
  for (const id of log.settled) assert.equal(entries.get(id), log.settling.get(id), `${id} is as it was settled`);
  for (const [id, text] of entries) {
    assert.ok(log.asked.has(id), `${id} was asked for`);
    const { status } = decodeEntry(text);
    if (status !== 'interrupted') assert.equal(text, log.settling.get(id), `${id} was settled so`);
  }
  assert.deepEqual(totals, new Set(shipped.map((text) => decodeEntry(text).id)), 'budgets see what is shipped');
  assert.ok(
    troubles.every(({ kind }) => kind === 'torn_tail' || kind === 'recovered'),
    JSON.stringify(troubles),
  );
  assert.deepEqual(readdirSync(join(dir, 'spool')), [], 'nothing is left');
}

test(`killed at any file operation, each admitted call has one entry (seeds ${FIRST} to ${LAST})`, async (t) => {
  const seeds = Array.from({ length: LAST - FIRST + 1 }, (_, index) => FIRST + index);
  await Promise.all(seeds.map((seed) => t.test(`seed ${seed}`, { concurrency: 2 }, () => killAndJudge(seed))));
});

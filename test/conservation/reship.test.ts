import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { epochMs } from '#kernel/brand.ts';
import { seededRng, shuffled } from '#kernel/rng.ts';
import { runShipper } from '#ledger/index.ts';
import { encodeEntry, entryOf, type ShippedEntry } from '#ports/entry-text.ts';
import type { LedgerEntry } from '#ports/entry.ts';
import { openSqliteLedger } from '#stores/sqlite/ledger-store.ts';
import { startProvider } from '#lab/provider/provider.ts';
import { startGate, temporaryFolder } from '../harness/gate-process.ts';
import { runTraffic } from './clients.ts';
import { judge } from './judge.ts';
import { readLedger } from './ledger-file.ts';
import { lockFile } from './locker.ts';
import { makeTenant, worldConfig } from './world.ts';

const SEED = 7;
const CALLS = 400;

/** All entries of a spool folder in the batches of its shipper; the folder is emptied. */
async function batchesOf(spool: string): Promise<readonly (readonly ShippedEntry[])[]> {
  const batches: (readonly ShippedEntry[])[] = [];
  const shipper = runShipper({
    ...{ dir: spool, live: null, rng: seededRng(SEED), batchEntries: 17, onTrouble: () => undefined },
    clock: { now: () => epochMs(Date.now()), mono: () => performance.now() },
    ship: async (batch) => {
      batches.push([...batch]);
      return { inserted: batches.at(-1)!.length };
    },
  });
  await shipper.adopted;
  await shipper.stop();
  return batches;
}

const texts = (entries: readonly LedgerEntry[]): string[] => entries.map(encodeEntry).sort();

test(`what a dead gate left is shipped twice and out of order: rollups equal a recount (seed ${SEED})`, async (t) => {
  const folder = temporaryFolder('reship');
  const copies = mkdtempSync(join(tmpdir(), 'headgate-copies-'));
  const provider = await startProvider({ seed: SEED, faultRate: 0.1 });
  t.after(async () => {
    await provider.close();
    for (const path of [folder, copies]) rmSync(path, { recursive: true, force: true });
  });
  const config = worldConfig(provider.url);
  const gate = await startGate({ config, dataDir: folder });
  const [key] = await makeTenant(gate, 'acme', 1);
  const state = join(folder, 'state');
  const unlock = await lockFile(join(state, 'ledger.db'));
  const dying = setTimeout(() => void gate.kill(), 2_500);
  const traffic = { url: gate.url, keys: { acme: key! }, calls: CALLS, callsPerS: 140, seed: SEED, folder };
  const clients = await runTraffic(traffic);
  clearTimeout(dying);
  await gate.kill();
  for (const copy of ['one', 'two']) cpSync(join(state, 'spool'), join(copies, copy), { recursive: true });
  await unlock();

  const [one, two] = [await batchesOf(join(copies, 'one')), await batchesOf(join(copies, 'two'))];
  assert.deepEqual(texts(two.flat().map(entryOf)), texts(one.flat().map(entryOf)), 'two recoveries tell the same');
  t.diagnostic(`seed ${SEED}: ${one.flat().length} entries in ${one.length} batches, ${clients.length} calls`);
  const store = openSqliteLedger(join(copies, 'ledger.db'));
  const rng = seededRng(SEED);
  // Whole batches in another order, then all entries again in batches that were cut elsewhere.
  for (const batch of shuffled(rng, one)) await store.ship(batch);
  const again = shuffled(rng, two.flat());
  for (let at = 0; at < again.length; at += 23) assert.equal((await store.ship(again.slice(at, at + 23))).inserted, 0);
  await store.close();
  const shipped = await readLedger(join(copies, 'ledger.db'));
  assert.deepEqual([shipped.rollupFaults, shipped.spendFaults], [[], []]);
  assert.deepEqual(texts(shipped.entries), texts(one.flat().map(entryOf)));

  const next = await startGate({ config, dataDir: folder });
  assert.equal(await next.stop(), 0);
  const own = await readLedger(join(state, 'ledger.db'));
  assert.deepEqual([own.rollupFaults, own.spendFaults], [[], []]);
  assert.deepEqual(texts(own.entries), texts(one.flat().map(entryOf)), 'the next life ships the same entries');
  const verdict = judge({ provider: provider.log, clients, entries: own.entries });
  assert.deepEqual([...verdict.broken], []);
});

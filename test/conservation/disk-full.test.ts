import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, openSync, rmSync, unlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { startProvider } from '#lab/provider/provider.ts';
import { startGate, temporaryFolder } from '../harness/gate-process.ts';
import { burst, tally } from './burst.ts';
import { judge, type ClientSaw } from './judge.ts';
import { readLedger } from './ledger-file.ts';
import { lockFile } from './locker.ts';
import { makeTenant, worldConfig } from './world.ts';

const SEED = 5;
const BODY = JSON.stringify({ model: 'via-chat', messages: [{ role: 'user', content: 'Hello. [[lab output=5]]' }] });

/** A data folder on a disk of 16 MB: room for the empty store and its log, and soon none. */
function smallDisk(t: TestContext): string | null {
  const folder = temporaryFolder('full');
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=16m', 'tmpfs', folder]).status === 0;
  t.after(() => {
    if (mounted) spawnSync('umount', ['-l', folder]);
    rmSync(folder, { recursive: true, force: true });
  });
  if (!mounted) t.skip('a tmpfs cannot be mounted here (needs root)');
  return mounted ? folder : null;
}

/** Takes all space up to the last byte; returns what frees it. */
function fillDisk(folder: string): () => void {
  const path = join(folder, 'ballast');
  const fd = openSync(path, 'w');
  for (const size of [65_536, 512, 1]) {
    try {
      for (;;) if (writeSync(fd, Buffer.alloc(size)) < size) break;
    } catch (error) {
      assert.equal((error as NodeJS.ErrnoException).code, 'ENOSPC');
    }
  }
  closeSync(fd);
  return () => unlinkSync(path);
}

describe(`disk full (seed ${SEED})`, () => {
  for (const policy of ['continue', 'stop'] as const) {
    test(`${policy}: ${policy === 'stop' ? 'new calls are refused' : 'calls go on'}, loudly, never half`, async (t) => {
      const folder = smallDisk(t);
      if (folder === null) return;
      const provider = await startProvider({ seed: SEED });
      const config = worldConfig(provider.url, `ledger: { onDiskFull: ${policy} }`);
      const gate = await startGate({ config, dataDir: folder });
      t.after(async () => {
        await gate.kill();
        await provider.close();
      });
      const [key] = await makeTenant(gate, 'acme', 1);
      const clients: ClientSaw[] = [];
      const call = async (count: number): Promise<Record<string, number>> => {
        const seen = await burst({ url: gate.url, key: key!, body: BODY }, count);
        clients.push(...seen);
        return tally(seen);
      };
      assert.deepEqual(await call(20), { complete: 20 });
      // Without it the shipper would empty segments and so make room.
      const unlock = await lockFile(join(folder, 'state', 'ledger.db'));
      const free = fillDisk(folder);
      await call(30);
      const full = await call(30);
      t.diagnostic(`seed ${SEED}: ${JSON.stringify(full)}`);
      assert.deepEqual(full, policy === 'stop' ? { '503 ledger_unavailable': 30 } : { complete: 30 });
      assert.match(gate.stderr(), /the spool cannot be written/);
      free();
      await unlock();
      await gate.until('the spool is written again', () => gate.stderr().includes('the spool is written again'));
      assert.deepEqual(await call(5), { complete: 5 });
      assert.equal(await gate.stop(), 0);
      const ledger = await readLedger(join(folder, 'state', 'ledger.db'));
      const admitted = clients.filter(({ error }) => error !== 'ledger_unavailable');
      const { broken } = judge({ provider: provider.log, clients: admitted, entries: ledger.entries });
      assert.deepEqual([...broken], []);
      assert.equal(ledger.entries.length, admitted.length, 'a refused call leaves no half');
      assert.deepEqual([ledger.rollupFaults, ledger.spendFaults], [[], []]);
    });
  }
});

/**
 * What does the cache of answers cost a call, and what does a hit cost? `node bench/pipeline/cache.ts [--calls n]`. The
 * real pipeline in process, in turns: a feature without a cache, one whose every answer is kept anew, and hits, each with
 * bodies of 500 bytes and of 20 KB. Microseconds of CPU of this thread a call, the best of the rounds.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bodyOf } from '../gateway/load.ts';
import { calls, hits, memoryTransport } from './drive.ts';
import { openWorld } from './world.ts';

const CALLS = Number(process.argv[process.argv.indexOf('--calls') + 1]) || 10_000;
const ROUNDS = 5;
const AGAIN = { 'x-headgate-feature': 'again' };
const RENEW = { ...AGAIN, 'cache-control': 'no-cache' };
const dir = mkdtempSync(join(tmpdir(), 'headgate-cache-'));
const world = await openWorld(dir, memoryTransport);

async function measured(run: () => Promise<void>): Promise<number> {
  const before = process.threadCpuUsage();
  await run();
  const { user, system } = process.threadCpuUsage(before);
  return Math.round(((user + system) / CALLS) * 10) / 10;
}

for (const bytes of [500, 20_000]) {
  const body = Buffer.from(bodyOf(bytes));
  const ways = {
    withoutCache: () => calls(world, body, CALLS),
    kept: () => calls(world, body, CALLS, RENEW),
    hit: () => hits(world, body, CALLS, AGAIN),
  };
  const rounds: Record<string, number[]> = {};
  for (const run of Object.values(ways)) await run();
  for (let i = 0; i < ROUNDS; i++)
    for (const [name, run] of Object.entries(ways)) (rounds[name] ??= []).push(await measured(run));
  const usPerCall = Object.fromEntries(Object.entries(rounds).map(([name, all]) => [name, Math.min(...all)]));
  console.log(JSON.stringify({ bodyBytes: body.length, usPerCall, rounds, calls: CALLS, node: process.version }));
}
await world.close();
rmSync(dir, { recursive: true, force: true });
process.exit(0);

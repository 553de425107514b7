/**
 * What do the gate's own steps cost a call, without HTTP? `node bench/pipeline/run.ts [--calls n]`. One process drives
 * the real pipeline (keys, attribution, policy, budgets, spool, prices, settlement) with a provider that answers from
 * memory, so that a change of 2 µs is seen where the bench of the whole gateway has noise of 10.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bodyOf } from '../gateway/load.ts';
import { calls, memoryTransport } from './drive.ts';
import { openWorld } from './world.ts';

const CALLS = Number(process.argv[process.argv.indexOf('--calls') + 1]) || 20_000;
const ROUNDS = 7;
const dir = mkdtempSync(join(tmpdir(), 'headgate-pipeline-'));
const world = await openWorld(dir, memoryTransport);
const body = Buffer.from(bodyOf(500));
await calls(world, body, CALLS * 2);
const rounds: number[] = [];
for (let i = 0; i < ROUNDS; i++) {
  const before = process.threadCpuUsage();
  await calls(world, body, CALLS);
  const { user, system } = process.threadCpuUsage(before);
  rounds.push(Math.round(((user + system) / CALLS) * 10) / 10);
}
console.log(JSON.stringify({ usPerCall: Math.min(...rounds), rounds, calls: CALLS, node: process.version }));
await world.close();
rmSync(dir, { recursive: true, force: true });
process.exit(0);

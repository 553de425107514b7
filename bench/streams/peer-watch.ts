/**
 * Does the watch on vanished clients hold up the loop? `node bench/streams/peer-watch.ts`. 10,000 connections of
 * another process, none of which waits; then a table in which each of 10,000 waits, read as the kernel hands it out.
 * Linux alone. Figures go to bench/results/streams-peer-watch.json with date and commit.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { TcpTable } from '#gateway/peers/tcp-table.ts';
import { PeerWatch } from '#gateway/peers/watch.ts';
import { commitOf } from '../gateway/targets.ts';

const CONNECTIONS = 10_000;
const BAR_MS = 5;
const [LOOKS, EVERY_MS] = [20, 500];

const server = createServer({ noDelay: true });
let busy = false;
/** Six looks are one age. */
const watch = new PeerWatch({ ageMs: () => 6 * EVERY_MS, busy: () => busy, gone: () => undefined });
let adding = 0;
let connected = 0;
server.on('connection', (socket) => {
  const from = performance.now();
  watch.add(socket);
  adding += performance.now() - from;
  connected++;
});
await once(server.listen(0, '127.0.0.1'), 'listening');
const { port } = server.address() as AddressInfo;
const clients = spawn(process.execPath, [
  '-e',
  `const { connect } = require('node:net'); let left = ${CONNECTIONS};
   const next = () => { if (left-- > 0) connect(${port}, '127.0.0.1', next).on('error', (e) => { throw e; }); };
   for (let i = 0; i < 50; i++) next(); setInterval(() => {}, 1e6);`,
]);
while (connected < CONNECTIONS) await sleep(100);
await sleep(1_000);

async function window(): Promise<{ readonly maxMs: number; readonly cpuMs: number }> {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  const cpu = process.cpuUsage();
  delay.enable();
  await sleep(LOOKS * EVERY_MS);
  delay.disable();
  const { user, system } = process.cpuUsage(cpu);
  return { maxMs: delay.max / 1e6, cpuMs: (user + system) / 1_000 };
}
const idle = await window();
busy = true;
await sleep(2 * EVERY_MS);
const watching = await window();
watch.close();
clients.kill();

const rows = Array.from({ length: CONNECTIONS }, (_, i) => {
  const port = i.toString(16).toUpperCase().padStart(4, '0');
  return `${String(i).padStart(4)}: 0100007F:1F90 0100007F:${port} 01 000004B0:00000000 01:0000001C 00000001     0        0 175045 2 0000000058905d3f 40 0 0 1 -1                     \n`;
});
const text = Buffer.from(rows.join(''));
const table = new TcpTable('tcp');
let [longest, total, found] = [0, 0, 0];
for (let at = 0; at < text.length; at += 4_096) {
  const from = performance.now();
  found += table.push(text.subarray(at, at + 4_096)).length;
  const took = performance.now() - from;
  longest = Math.max(longest, took);
  total += took;
}

const figures = {
  connections: connected,
  addUs: round((adding / connected) * 1_000),
  /** Of the loop's longest delay; the first is the machine's own. */
  longestTurnMs: { without: round(idle.maxMs), with: round(watching.maxMs) },
  cpuMsALook: round((watching.cpuMs - idle.cpuMs) / LOOKS),
  allWaiting: { rows: found, longestPieceMs: round(longest), totalMs: round(total) },
};
function round(ms: number): number {
  return Math.round(ms * 100) / 100;
}
console.log(figures);
console.log(
  `a turn of at most ${BAR_MS} ms: ${watching.maxMs - idle.maxMs <= BAR_MS && longest <= BAR_MS ? 'kept' : 'BROKEN'}`,
);
const dir = join(import.meta.dirname, '..', 'results');
mkdirSync(dir, { recursive: true });
const about = { date: new Date().toISOString(), commit: commitOf() };
writeFileSync(join(dir, 'streams-peer-watch.json'), `${JSON.stringify({ ...about, ...figures }, null, 2)}\n`);
process.exit(0);

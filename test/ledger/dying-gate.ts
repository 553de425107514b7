/**
 * A process that admits, streams and settles calls on a real spool and ships them, and kills itself with SIGKILL at
 * one of its own file operations: before it, after it, or in the midst of a write. What it has been promised goes to a
 * log of its own (the client's), what it shipped to another (the store's); the test judges by those two.
 *
 *     node dying-gate.ts <dir> <seed> <operations until death>
 */
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { epochMs } from '#kernel/brand.ts';
import { intBetween, seededRng } from '#kernel/rng.ts';
import { openSpool, runShipper } from '#ledger/index.ts';
import { encodeEntry, entryOf } from '#ports/entry-text.ts';
import type { Admission } from '#ledger/index.ts';
import { sampleAdmission, sampleEntry, sampleStart } from '#ledger/entry/samples.ts';
import { nodeIo } from '#ledger/spool/io.ts';
import type { SpoolIo } from '#ledger/spool/io.ts';

const [dir = '', seedText = '1', deathText = '100'] = process.argv.slice(2);
const seed = Number(seedText);
const rng = seededRng(seed);
let left = Number(deathText);

const die = (): never => {
  process.kill(process.pid, 'SIGKILL');
  throw new Error('SIGKILL does not return');
};

/** Counts an operation; at the last one dies before or after it. */
function fatal<T>(operation: () => T): T {
  left -= 1;
  if (left === 0 && rng.next() < 0.5) die();
  const result = operation();
  if (left === 0) die();
  return result;
}

const io: SpoolIo = {
  ...nodeIo,
  create: (path) => fatal(() => nodeIo.create(path)),
  write: (fd, bytes, offset, length) => {
    if (left === 1 && rng.next() < 0.5) {
      nodeIo.write(fd, bytes, offset, intBetween(rng, 1, length));
      die();
    }
    return fatal(() => nodeIo.write(fd, bytes, offset, length));
  },
  rename: (from, to) => fatal(() => nodeIo.rename(from, to)),
  unlink: (path) => fatal(() => nodeIo.unlink(path)),
};

const clock = { now: () => epochMs(Date.now()), mono: () => performance.now() };
const onTrouble = (): void => undefined;
const client = (what: string, text: string): void => appendFileSync(join(dir, 'client.log'), `${what} ${text}\n`);
const store = (text: string): void => appendFileSync(join(dir, 'store.log'), `${text}\n`);

const common = { dir: join(dir, 'spool'), clock, rng, onTrouble, io };
const spool = openSpool({ ...common, segmentBytes: 3000, segmentAgeMs: 30, fsyncIntervalMs: 5 });
const shipper = runShipper({
  ...common,
  live: { owner: spool.owner, shared: spool.board.shared },
  ship: async (batch) => {
    let inserted = 0;
    for (const entry of batch) {
      store(JSON.stringify(encodeEntry(entryOf(entry))));
      inserted += 1;
    }
    return { inserted };
  },
  ...{ batchMs: 2, pollMs: 2, batchEntries: 7, maxWaitingSegments: 3 },
});

const open: Admission[] = [];

function admit(n: number): void {
  const admission = sampleAdmission(rng, seed * 100_000 + n, rng.next() < 0.5);
  client('asked', admission.id);
  spool.admit(admission, rng.next() < 0.9 ? sampleStart() : null);
  void spool.written().then(() => client('admitted', admission.id));
  open.push(admission);
}

function settle(): void {
  // Now and then the oldest stays: a long stream, whose admission must outlive its segment.
  const [admission] = open.splice(rng.next() < 0.8 ? open.length - 1 : 0, 1);
  if (!admission) return;
  const entry = sampleEntry(admission, rng);
  client('settling', JSON.stringify(encodeEntry(entry)));
  spool.settle(entry);
  void spool.written().then(() => client('settled', entry.id));
}

function advance(n: number): void {
  const one = open[intBetween(rng, 0, open.length - 1)];
  if (!one) return;
  if (rng.next() < 0.3) spool.attempt(one.id, sampleStart(2));
  else spool.progress(one.id, { outputTokens: n, textBytes: 4 * n, atMs: n });
}

for (let n = 0; ; n++) {
  const dice = rng.next();
  if (dice < 0.4 && open.length < 8) admit(n);
  else if (dice < 0.7) settle();
  else advance(n);
  if (rng.next() < 0.3) await turn();
  if (rng.next() < 0.05) await new Promise((resolve) => setTimeout(resolve, 3));
  if (rng.next() < 0.001) shipper.wake();
}

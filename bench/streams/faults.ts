/**
 * Does anybody lose or pay a token twice? `node bench/streams/faults.ts [--logs=valkey] [seed] [streams] [kills]`:
 * 1,000 streams through a network that cuts, stalls and tears, before a gate that is killed. The provider's own log is
 * the judge. With `--logs=valkey` logs are in a server that is started for it. Figures go to
 * bench/results/stream-faults.json or stream-faults-valkey.json with seed, date and commit.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createParser } from 'eventsource-parser';
import { faultRun } from '../../test/streams/faults/fault-run.ts';
import { overSse } from '../../test/streams/faults/stubborn-reader.ts';
import { startRedis } from '../../test/harness/redis-server.ts';
import { commitOf } from '../gateway/targets.ts';

const words = process.argv.slice(2);
const redis = words.includes('--logs=valkey') ? await startRedis() : null;
const logs = redis ? { kind: 'valkey', url: redis.url } : { kind: 'memory' };
const [seed = 1, streams = 1_000, kills = 5] = words.filter((word) => !word.startsWith('--')).map(Number);
const started = performance.now();
const run = await faultRun({ seed, streams, kills, logs, protocols: { sse: overSse(createParser) } });
const seconds = Math.round((performance.now() - started) / 1000);
await redis?.kill();
const result = {
  date: new Date().toISOString(),
  commit: commitOf(),
  node: process.version,
  logs: logs.kind,
  seconds,
  ...run,
};
const text = JSON.stringify(result, null, 2);
console.log(text);
const folder = join(import.meta.dirname, '..', 'results');
mkdirSync(folder, { recursive: true });
writeFileSync(join(folder, redis ? 'stream-faults-valkey.json' : 'stream-faults.json'), `${text}\n`);
process.exitCode = run.wrong.length + run.gaveUp + run.spentTwice > 0 ? 1 : 0;

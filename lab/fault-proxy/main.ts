/**
 * `node lab/fault-proxy/main.ts --target 127.0.0.1:8080 --plan plan.json --seed 1 [--port 0]`
 * Prints `{"listening": port}`, then one JSON line for each connection that has ended.
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { startFaultProxy } from './fault-proxy.ts';
import { parsePlan } from './plan.ts';

/** How often ended connections are looked for. */
const REPORT_MS = 200;

function usageError(message: string, hint: string): never {
  process.stderr.write(`error: ${message}\nhint: ${hint}\n`);
  process.exit(2);
}

function readPlan(path: string): ReturnType<typeof parsePlan> {
  try {
    return parsePlan(JSON.parse(readFileSync(path, 'utf8')));
  } catch (error) {
    return usageError(`${path}: ${(error as Error).message}`, 'fields are listed in lab/fault-proxy/plan.ts');
  }
}

const { values } = parseArgs({
  options: {
    target: { type: 'string' },
    plan: { type: 'string' },
    seed: { type: 'string', default: '1' },
    port: { type: 'string', default: '0' },
  },
});
if (values.target === undefined) usageError('--target is missing', '--target host:port');
const plan = values.plan === undefined ? {} : readPlan(values.plan);
const proxy = await startFaultProxy({
  target: values.target,
  plan,
  seed: Number(values.seed),
  port: Number(values.port),
});
process.stdout.write(
  `${JSON.stringify({ listening: proxy.port, target: values.target, seed: Number(values.seed) })}\n`,
);

const reported = new Set<number>();
setInterval(() => {
  for (const seen of proxy.connections) {
    if (seen.closedAtMs === null || reported.has(seen.index)) continue;
    reported.add(seen.index);
    process.stdout.write(`${JSON.stringify(seen)}\n`);
  }
}, REPORT_MS);
const stop = (): void => void proxy.close().finally(() => process.exit(0));
process.once('SIGTERM', stop).once('SIGINT', stop);

/**
 * `node lab/load/main.ts --url http://127.0.0.1:4000/v1 --model small --key acme=hg_… --trace sample`
 * The result is JSON on stdout, progress on stderr. Exit 0 when every call was complete, 3 when not, 2 for usage.
 */
import { parseArgs } from 'node:util';
import { runLoad } from './run-load.ts';
import type { TenantShare, TraceRow } from './trace.ts';
import { readTrace, SAMPLE_TRACE } from './trace.ts';
import { seededRng } from './words.ts';

const USAGE = `usage: node lab/load/main.ts --url URL --model NAME [options]
  --key TENANT=KEY     repeatable; TENANT may be *; calls are dealt among the tenants evenly
  --trace FILE         Azure CSV or Mooncake JSONL; default: the shipped sample
  --limit N            only the first N rows
  --mode open|closed   open (default) follows the trace's clock; closed keeps --workers calls running
  --speed X            trace time runs X times faster (open), default 1
  --workers N          default 8 (closed)
  --unary              JSON answers instead of SSE
  --log FILE           one JSON line a call, appended
  --seed N             default 1
`;

function usageError(message: string): never {
  process.stderr.write(`error: ${message}\nhint:\n${USAGE}`);
  process.exit(2);
}

function parseOptions() {
  try {
    return parseArgs({
      options: {
        url: { type: 'string' },
        model: { type: 'string' },
        key: { type: 'string', multiple: true, default: [] },
        trace: { type: 'string', default: SAMPLE_TRACE },
        limit: { type: 'string' },
        mode: { type: 'string', default: 'open' },
        speed: { type: 'string', default: '1' },
        workers: { type: 'string', default: '8' },
        unary: { type: 'boolean', default: false },
        log: { type: 'string' },
        seed: { type: 'string', default: '1' },
      },
    }).values;
  } catch (error) {
    return usageError((error as Error).message);
  }
}

function positive(name: string, text: string): number {
  const value = Number(text);
  return Number.isFinite(value) && value > 0 ? value : usageError(`--${name} ${text}: expected a number above 0`);
}

/** `tenant=key` pairs. */
function keysOf(pairs: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=');
      return at > 0 ? [pair.slice(0, at), pair.slice(at + 1)] : usageError(`--key ${pair}: expected TENANT=KEY`);
    }),
  );
}

const values = parseOptions();
if (values.url === undefined || values.model === undefined) usageError('--url and --model are needed');
const { mode } = values;
if (mode !== 'open' && mode !== 'closed') usageError(`--mode ${mode}: open or closed`);
const seed = positive('seed', values.seed);
const keys = keysOf(values.key);

function rowsOf(path: string, limit: string | undefined): TraceRow[] {
  const named = Object.keys(keys).filter((tenant) => tenant !== '*');
  const tenants: TenantShare[] = (named.length === 0 ? ['default'] : named).map((tenant) => ({ tenant, weight: 1 }));
  const options = {
    tenants,
    rng: seededRng(seed),
    ...(limit === undefined ? {} : { limit: positive('limit', limit) }),
  };
  try {
    return readTrace(path, options);
  } catch (error) {
    return usageError(`${path}: ${(error as Error).message}`);
  }
}

function showProgress(line: string): void {
  process.stderr.write(process.stderr.isTTY ? `\r\x1b[K${line}` : `${line}\n`);
}

const stop = new AbortController();
process.once('SIGINT', () => stop.abort());
const result = await runLoad({
  baseUrl: values.url,
  model: values.model,
  rows: rowsOf(values.trace, values.limit),
  keys,
  mode,
  speed: positive('speed', values.speed),
  workers: positive('workers', values.workers),
  stream: !values.unary,
  seed,
  onProgress: showProgress,
  signal: stop.signal,
  ...(values.log === undefined ? {} : { logPath: values.log }),
});
if (process.stderr.isTTY) process.stderr.write('\n');
process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
process.exitCode = result.complete === result.calls ? 0 : 3;

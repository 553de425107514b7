/**
 * What does a message of a stream cost, from a source in the same process to a reader's socket, with the log on?
 * `node bench/streams/fan-out.ts [--quick] [--cold] [--young=MB] [protocol…]`. 1,000 streams at once, 100 events each at
 * 20 a second; the client is another process. Before them, not measured, a quarter as many, so that code is compiled as
 * in a gate that runs for longer than seconds; `--cold` leaves that out. Beside it, by turns in the same minutes, a plain `node:http` server of the same events
 * without log, ids and bounds: the ratio. Five runs, their median and all of them. `--young` bounds the collector's
 * young generation, as `NODE_OPTIONS=--max-semi-space-size` does for the gate. Figures go to
 * bench/results/streams-fan-out.json, or streams-fan-out-young-4.json, with date and commit.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { commitOf } from '../gateway/targets.ts';
import { PROTOCOLS } from './fan-out/protocols.ts';
import { median } from '../median.ts';

const quick = process.argv.includes('--quick');
const asked = process.argv.slice(2).filter((word) => !word.startsWith('--'));
const young = process.argv.map((word) => /^--young=(\d+)$/.exec(word)?.[1]).find(Boolean);
const cold = process.argv.includes('--cold');
const FLAGS = young === undefined ? [] : [`--max-semi-space-size=${young}`];
const RUNS = quick ? 1 : 5;
const [STREAMS, EVENTS, INTERVAL_MS] = quick ? [200, 40, 50] : [1_000, 100, 50];
const WARM = cold ? 0 : STREAMS / 4;

interface Run {
  readonly usPerMessage: number;
  readonly lagMs: { readonly p50: number; readonly p99: number };
  readonly rssKiBAStream: number;
  readonly logBytesAStream: number;
}

/** Lines of JSON that a process of the bench prints, one after the other. */
function started(file: string, args: readonly (string | number)[]): () => Promise<any> {
  const path = join(import.meta.dirname, 'fan-out', file);
  const child = spawn(process.execPath, [...FLAGS, path, ...args.map(String)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines = child.stdout.setEncoding('utf8')[Symbol.asyncIterator]();
  let rest = '';
  return async () => {
    while (!rest.includes('\n')) {
      const { value, done } = await lines.next();
      if (done) throw new Error(`${file} ended early`);
      rest += value as string;
    }
    const [line = '', ...more] = rest.split('\n');
    rest = more.join('\n');
    return JSON.parse(line);
  };
}

async function run(name: string): Promise<Run> {
  const server = started('server.ts', [name, STREAMS, EVENTS, INTERVAL_MS, WARM]);
  const { port } = await server();
  const client = started('client.ts', [name, port, STREAMS, WARM]);
  const [{ cpuUs, rssKiBAStream, logBytes }, { events, p50, p99 }] = [await server(), await client()];
  if (events !== STREAMS * EVENTS) throw new Error(`${name}: ${events} of ${STREAMS * EVENTS} events came`);
  return { usPerMessage: cpuUs / events, lagMs: { p50, p99 }, rssKiBAStream, logBytesAStream: logBytes / STREAMS };
}

const round = (value: number): number => Math.round(value * 100) / 100;
function summary(runs: readonly Run[], read: (run: Run) => number): { median: number; all: number[] } {
  const all = runs.map((one) => round(read(one)));
  return { median: median(all), all };
}

const names = ['plain', ...PROTOCOLS.map(({ name }) => name).filter((name) => !asked.length || asked.includes(name))];
const runs = new Map<string, Run[]>(names.map((name) => [name, []]));
const loads: number[] = [];
for (let i = 0; i < RUNS; i++)
  for (const name of names) {
    process.stderr.write(`run ${i + 1} of ${RUNS}: ${name}\n`);
    runs.get(name)!.push(await run(name));
    loads.push(round(loadavg()[0]!));
  }
const base = runs.get('plain')!;
const result = {
  date: new Date().toISOString(),
  commit: commitOf(),
  node: process.version,
  cpu: cpus()[0]!.model,
  /** Of the machine, after each run: figures of a loaded one are worse than its own. */
  load: loads,
  ...{ streams: STREAMS, eventsAStream: EVENTS, intervalMs: INTERVAL_MS, warmStreams: WARM, flags: FLAGS },
  protocols: Object.fromEntries(
    [...runs].map(([name, of]) => [
      name,
      {
        usPerMessage: summary(of, (one) => one.usPerMessage),
        ratioToPlain: median(of.map((one, i) => round(one.usPerMessage / base[i]!.usPerMessage))),
        lagMs: { p50: summary(of, (one) => one.lagMs.p50), p99: summary(of, (one) => one.lagMs.p99) },
        rssKiBAStream: summary(of, (one) => one.rssKiBAStream),
        logBytesAStream: summary(of, (one) => one.logBytesAStream).median,
      },
    ]),
  ),
};
const text = JSON.stringify(result, null, 2);
console.log(text);
if (!quick) {
  const folder = join(import.meta.dirname, '..', 'results');
  mkdirSync(folder, { recursive: true });
  const name = ['streams-fan-out', ...(cold ? ['cold'] : []), ...(young === undefined ? [] : [`young-${young}`])];
  writeFileSync(join(folder, `${name.join('-')}.json`), `${text}\n`);
}

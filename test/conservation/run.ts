/**
 * Are calls, tokens and money conserved while processes die?
 *
 *     node test/conservation/run.ts --calls 10000 --seed 1 --kills 10
 *
 * A provider that fails at random, a gate that is killed with SIGKILL at random moments and at seeded file operations
 * and started again on the same folder, clients that retry nothing. Exit 0 where every law holds, 3 where one is broken.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { intBetween, seededRng, type Rng } from '#kernel/rng.ts';
import { linearStepTime } from '#capabilities/capacity/core/step-time.ts';
import { startProvider } from '#lab/provider/provider.ts';
import { startGate, type GateProcess } from '../harness/gate-process.ts';
import { runTraffic } from './clients.ts';
import { judge, verdictText, type Evidence, type Verdict } from './judge.ts';
import { readLedger } from './ledger-file.ts';
import { freePort, makeTenant, worldConfig } from './world.ts';

export interface ConservationOptions {
  readonly calls: number;
  readonly seed: number;
  readonly kills: number;
  readonly callsPerS?: number;
  readonly say?: (line: string) => void;
}

export interface ConservationRun {
  readonly verdict: Verdict;
  /** What the verdict rests on. */
  readonly evidence: Evidence;
  /** Rollups that differ from a recount of the entries. */
  readonly rollupFaults: readonly string[];
  /** Sums by tenant that differ between the spend report and the entries. */
  readonly spendFaults: readonly string[];
  readonly kills: number;
  readonly durationMs: number;
}

/** Faults that end a call soon. Refusals and statuses, breaks at every place, usage that is missing or wrong. */
const FAULTS = [
  ...['429@1', '500', '503', '529', 'reset', 'html-502', 'error-200', 'refuse@60', 'slow-headers@300'],
  ...['cut@3', 'cut@1', 'half-event@2', 'clean-end@4', 'malformed@3', 'error-event@3', 'error-event@1'],
  ...['no-usage', 'wrong-usage@3', 'dup@3', 'split@7', 'pause@4:1300', 'pause@2:400', 'pause@4:6000'],
];
const FAULT_RATE = 0.12;
/** About 60 tokens a second, so that a death meets streams under way. */
const STEP_TIME = linearStepTime({ baseMs: 5, msPerPrefillToken: 0.001, msPerDecodeToken: 0.01, msPerKvToken: 0 });
const DEFAULT_CALLS_PER_S = 140;
/** Kinds of operations with a number that a life of some seconds reaches. */
const DEATHS: readonly (readonly [kind: string, most: number])[] = [
  ...([
    ['write', 600],
    ['write', 600],
    ['create', 4],
    ['sync', 40],
    ['close', 3],
    ['unlink', 3],
    ['snapshot', 1],
    ['rename', 1],
  ] as const),
];

export async function runConservation(options: ConservationOptions): Promise<ConservationRun> {
  const { calls, seed, say = () => undefined, callsPerS = DEFAULT_CALLS_PER_S } = options;
  const startMs = performance.now();
  const folder = mkdtempSync(join(tmpdir(), 'headgate-conservation-'));
  const provider = await startProvider({ seed, faultRate: FAULT_RATE, faults: FAULTS, stepTimeMs: STEP_TIME });
  try {
    const lives = new Lives({ folder, config: worldConfig(provider.url), seed, port: await freePort(), say });
    await lives.start(false);
    const keys = await makeWorld(lives.gate!);
    const kills = lives.killLoop(options.kills, (calls / callsPerS) * 1000);
    const clients = await runTraffic({ url: lives.gate!.url, keys, calls, callsPerS, seed, folder });
    say(`clients are done after ${Math.round(performance.now() - startMs)} ms`);
    await kills;
    await lives.end();
    const ledger = await readLedger(join(folder, 'state', 'ledger.db'));
    const evidence = { provider: provider.log, clients, entries: ledger.entries };
    const verdict = judge(evidence);
    const durationMs = performance.now() - startMs;
    return {
      verdict,
      evidence,
      kills: lives.killed,
      durationMs,
      rollupFaults: ledger.rollupFaults,
      spendFaults: ledger.spendFaults,
    };
  } finally {
    await provider.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Three tenants with two keys each; one without a budget, one under each mode, none of which is ever reached. */
async function makeWorld(gate: GateProcess): Promise<Record<string, string>> {
  const keys: Record<string, string> = {};
  for (const tenant of ['acme', 'bolt', 'crane'])
    for (const [i, key] of (await makeTenant(gate, tenant, 2)).entries()) keys[`${tenant}-${i + 1}`] = key;
  for (const [tenant, mode] of [
    ['bolt', 'bounded'],
    ['crane', 'strict'],
  ])
    await gate.admin('POST', '/budgets', { level: 'tenant', tenant, limitUsd: '100000', mode });
  return keys;
}

interface LivesOptions {
  readonly folder: string;
  readonly config: string;
  readonly seed: number;
  readonly port: number;
  readonly say: (line: string) => void;
}

const PRELOAD = join(import.meta.dirname, 'die-at-file-operation.ts');

/** One gate after another on one data folder. */
class Lives {
  readonly #options: LivesOptions;
  readonly #rng: Rng;
  gate: GateProcess | null = null;
  killed = 0;

  constructor(options: LivesOptions) {
    this.#options = options;
    this.#rng = seededRng(options.seed ^ 0x6b696c6c);
  }

  async start(doomed: boolean): Promise<string | null> {
    const death = doomed ? this.#death() : null;
    const { config, folder, port } = this.#options;
    const env = death ? { HEADGATE_TEST_DEATH: death } : {};
    this.gate = await startGate({ config, dataDir: folder, port, env, nodeArgs: death ? ['--import', PRELOAD] : [] });
    return death;
  }

  #death(): string {
    const [kind, most] = DEATHS[intBetween(this.#rng, 0, DEATHS.length - 1)]!;
    const moments = kind === 'write' ? ['before', 'after', 'half'] : ['before', 'after'];
    return `${kind}:${intBetween(this.#rng, 1, most)}:${moments[intBetween(this.#rng, 0, moments.length - 1)]}`;
  }

  /** Spreads deaths over the time of the traffic: every other one at a file operation, the rest from outside. */
  async killLoop(kills: number, trafficMs: number): Promise<void> {
    const gapMs = trafficMs / (kills + 1);
    const startMs = performance.now();
    for (let n = 1; n <= kills; n++) {
      const dueMs = startMs + (n - 0.5 + this.#rng.next()) * gapMs - performance.now();
      await Promise.race([sleep(Math.max(0, dueMs)), this.#died()]);
      const { child } = this.gate!;
      const alone = child.exitCode !== null || child.signalCode !== null;
      if (!alone) await this.gate!.kill();
      this.killed += 1;
      const death = await this.#restart(n % 2 === 1);
      this.#options.say(
        `death ${n} ${alone ? 'at its file operation' : 'from outside'}; next: ${death ?? 'from outside'}`,
      );
    }
  }

  /** Resolves when the gate has died by itself. */
  #died(): Promise<void> {
    const { child } = this.gate!;
    return new Promise((resolve) => (child.signalCode ? resolve() : child.once('exit', () => resolve())));
  }

  /** A doomed life may end before it listens: then the next one is not doomed. */
  async #restart(doomed: boolean): Promise<string | null> {
    try {
      return await this.start(doomed);
    } catch (error) {
      if (!doomed || !/ended with SIGKILL/.test((error as Error).message)) throw error;
      this.killed += 1;
      this.#options.say('died before it listened');
      return this.start(false);
    }
  }

  /** The last life ships everything and drains. */
  async end(): Promise<void> {
    if (this.gate!.child.signalCode !== null) await this.start(false);
    else if (this.gate!.child.spawnargs.includes(PRELOAD)) {
      await this.gate!.kill();
      this.killed += 1;
      await this.start(false);
    }
    const code = await this.gate!.stop();
    if (code !== 0) throw new Error(`the last life ended with ${code}\n${this.gate!.stderr()}`);
  }
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      calls: { type: 'string', default: '10000' },
      seed: { type: 'string', default: '1' },
      kills: { type: 'string', default: '10' },
      rate: { type: 'string', default: String(DEFAULT_CALLS_PER_S) },
    },
  });
  const [calls, seed, kills, callsPerS] = [values.calls, values.seed, values.kills, values.rate].map(Number) as [
    number,
    number,
    number,
    number,
  ];
  const run = await runConservation({
    calls,
    seed,
    kills,
    callsPerS,
    say: (line) => process.stderr.write(`${line}\n`),
  });
  process.stdout.write(
    `seed ${seed}, ${run.kills} deaths, ${Math.round(run.durationMs)} ms\n${verdictText(run.verdict)}\n`,
  );
  for (const line of [...run.rollupFaults, ...run.spendFaults]) process.stdout.write(`BROKEN ${line}\n`);
  process.exitCode = run.verdict.broken.size + run.rollupFaults.length + run.spendFaults.length > 0 ? 3 : 0;
}

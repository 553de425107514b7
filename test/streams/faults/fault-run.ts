import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startFaultProxy } from '#lab/fault-proxy/fault-proxy.ts';
import { seededRng, type ConnectionPlan, type Rng } from '#lab/fault-proxy/plan.ts';
import { startGate, type GateProcess } from '../../harness/gate-process.ts';
import { startPacedUpstream } from './paced-upstream.ts';
import { readStubbornly, type Connect, type Read } from './stubborn-reader.ts';

export interface FaultRun {
  readonly seed: number;
  readonly streams: number;
  /** Of the gate, by `kill -9`. It starts again on the same folder and port. */
  readonly kills: number;
  /** `stream.logs`: where the logs lie; default: in the gate. */
  readonly logs?: object;
  readonly protocols: Readonly<Record<string, Connect>>;
}

export interface FaultResult {
  readonly seed: number;
  readonly streams: number;
  readonly whole: number;
  readonly interrupted: number;
  /** Whole at the gate that died before all of it was read: told so, with the entry. */
  readonly gone: number;
  readonly gaveUp: number;
  readonly connections: number;
  readonly kills: number;
  /** Of those that are not whole: how many of which the reader has a beginning. */
  readonly withPrefix: number;
  /** Prompts that the provider was asked for more than once. */
  readonly spentTwice: number;
  /** What went wrong, at most ten of them in words. */
  readonly wrong: readonly string[];
}

const HEARTBEAT_MS = 300;
const DEAD_MS = 3 * HEARTBEAT_MS + 600;

/** What happens to a connection: half of them are cut, stalled, torn into letters or late; the rest pass. */
export function planOf(_: number, rng: Rng): ConnectionPlan {
  const kind = Math.floor(rng() * 10);
  if (kind === 0) return { refuse: true };
  if (kind <= 3)
    return { toClient: { cutAfterBytes: Math.floor(rng() * 12_000), chunkBytes: 1 + Math.floor(rng() * 300) } };
  if (kind === 4) return { toClient: { blackHoleAfterBytes: Math.floor(rng() * 6_000) } };
  if (kind === 5) return { toClient: { chunkBytes: 1 + Math.floor(rng() * 7) } };
  if (kind === 6) return { toClient: { delayMs: rng() * 80, jitterMs: rng() * 80 } };
  if (kind === 7) return { toServer: { cutAfterBytes: Math.floor(rng() * 400) } };
  return {};
}

/** Many readers behind a network that breaks, before a gate that dies. The provider's own log is the judge. */
export async function faultRun(run: FaultRun): Promise<FaultResult> {
  const dataDir = mkdtempSync(join(tmpdir(), 'headgate-faults-'));
  const up = await startPacedUpstream({ seed: run.seed, tokens: 80, paceMs: 15, silenceMs: 2 * HEARTBEAT_MS });
  const config = configOf(up.url, run.logs ?? { kind: 'memory' });
  let gate = await startGate({ config, dataDir });
  const { key } = gate;
  const port = Number(new URL(gate.url).port);
  const proxy = await startFaultProxy({ target: gate.url, seed: run.seed, plan: planOf });
  const rng = seededRng(run.seed);
  const spreadMs = Math.min(run.streams * 30, 40_000);
  let done = false;
  const names = Object.keys(run.protocols);
  const readers = Array.from({ length: run.streams }, async (_, i): Promise<Read & { prompt: string }> => {
    await sleep(rng() * spreadMs);
    const prompt = `stream ${i}`;
    const order = { base: proxy.url, key, prompt, idempotencyKey: `run-${run.seed}-${i}`, deadMs: DEAD_MS };
    return { ...(await readStubbornly(run.protocols[names[i % names.length]!]!, order, 90_000)), prompt };
  });
  const killing = (async (): Promise<void> => {
    for (let i = 0; i < run.kills && !done; i++) {
      await sleep((spreadMs + 2_000) / (run.kills + 1));
      if (done) return;
      await gate.kill();
      gate = await startGate({ config, dataDir, port });
    }
  })();
  const reads = await Promise.all(readers).finally(() => (done = true));
  await killing;
  await stopAll(gate, proxy, up);
  rmSync(dataDir, { recursive: true, force: true });
  return judge(run, reads, (prompt) => up.generation(prompt));
}

async function stopAll(gate: GateProcess, ...others: readonly { close(): Promise<void> }[]): Promise<void> {
  await gate.stop();
  for (const other of others) await other.close();
}

const configOf = (upstream: string, logs: object): string => `
providers: { chat: { kind: lab-chat, baseUrl: "${upstream}/v1" } }
models: { chat: { deployments: [{ provider: chat, model: up }] } }
prices: [{ provider: "*", model: "*", perMillion: { input: "1000", output: "2000" } }]
stream: { heartbeat: ${HEARTBEAT_MS}ms, resume: { grace: 20s, orphansPerKey: 5000 }, logs: ${JSON.stringify(logs)} }
retry: { attempts: 1 }
`;

type Judged = Read & { readonly prompt: string };

function judge(
  run: FaultRun,
  reads: readonly Judged[],
  generationOf: (prompt: string) => { readonly text: string; readonly requests: number },
): FaultResult {
  const wrong = reads.flatMap((read) => faultsOf(read, generationOf(read.prompt).text));
  const ended = (end: Read['end']): readonly Judged[] => reads.filter((read) => read.end === end);
  return {
    seed: run.seed,
    streams: reads.length,
    whole: ended('whole').length,
    interrupted: ended('interrupted').length,
    gone: ended('gone').length,
    gaveUp: ended('gave up').length,
    connections: reads.reduce((sum, { connections }) => sum + connections, 0),
    kills: run.kills,
    withPrefix: [...ended('interrupted'), ...ended('gone')].filter(({ text }) => text !== '').length,
    spentTwice: reads.filter(({ prompt }) => generationOf(prompt).requests > 1).length,
    wrong: wrong.slice(0, 10),
  };
}

/** No token twice, none missing: a whole answer is the provider's text, and a broken one a beginning of it. */
function faultsOf({ prompt, text, end, wrong }: Judged, generated: string): readonly string[] {
  const right = end === 'whole' ? text === generated : generated.startsWith(text);
  return [...wrong.map((what) => `${prompt}: ${what}`), ...(right ? [] : [`${prompt}: ${end} with another text`])];
}

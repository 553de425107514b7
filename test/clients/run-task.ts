/** One agent does the whole task: ten turns, a cut, a resume, a compaction, and the end of its money. */
import type { LogEntry } from '#lab/provider/provider.ts';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Agent, Dialect } from './agents.ts';
import { filesIn, runAgent, setStage, writeBelow, type Ran, type Stage } from './stage.ts';
import { QUESTIONS, type Question } from './task.ts';

type Step = Question | 'compact';

export interface Outcome {
  readonly agent: Agent;
  readonly dialect: Dialect;
  readonly gated: boolean;
  readonly ran: Readonly<Partial<Record<Step, Ran>>>;
  readonly files: Readonly<Record<string, string>>;
  /** The provider's own log, in order. */
  readonly log: readonly LogEntry[];
  /** How much of the log there was before the compaction and after it. */
  readonly compactedFrom: number;
  readonly compactedTo: number;
  /** Ledger, sessions and counters of the gate; null without one. */
  readonly gate: GateSide | null;
}

export interface GateSide {
  readonly calls: readonly GateCall[];
  readonly sessions: readonly { readonly session: string; readonly calls: number }[];
  /** By error code. */
  readonly refusals: Readonly<Record<string, number>>;
}

export interface GateCall {
  readonly id: string;
  readonly session: string | null;
  readonly client: string | null;
  readonly kind: string;
  readonly status: string;
  readonly cancelledBy: string | null;
  readonly usage: Readonly<Record<string, number | null>>;
  readonly dropped: readonly string[];
  readonly attempts: readonly { readonly httpStatus: number | null; readonly status: string }[];
}

export async function runTask(agent: Agent, dialect: Dialect, folder: string, gated: boolean): Promise<Outcome> {
  const stage = await setStage(agent, dialect, folder, gated ? { heartbeat: '10s' } : null);
  const { log } = stage.provider;
  try {
    const ran: Partial<Record<Step, Ran>> = {};
    ran.work = await runAgent(stage, agent.ask(QUESTIONS.work, true));
    ran.cut = await runAgent(stage, agent.ask(QUESTIONS.cut, false), { killWhen: stalls(log) });
    await settled(log);
    ran.more = await runAgent(stage, agent.ask(QUESTIONS.more, false));
    const compactedFrom = log.length;
    if (agent.compact?.how === 'command') ran.compact = await runAgent(stage, agent.compact.command);
    const compactedTo = log.length;
    ran.after = await afterCompaction(stage);
    if (gated) ran.broke = await withoutMoney(stage);
    const gate = gated ? await gateSide(stage) : null;
    return { agent, dialect, gated, ran, files: filesIn(stage.work), log: [...log], compactedFrom, compactedTo, gate };
  } finally {
    await stage.close();
  }
}

/** An agent writes its history when it has read something: where it is killed before that, its next prompt is shorter. */
const READ_AND_WRITTEN_MS = 500;

/** A stream stands still after its first events: that is where the agent is killed. */
function stalls(log: readonly LogEntry[]): () => boolean {
  let sinceMs: number | null = null;
  const still = ({ faults, eventsSent, endedAfterMs }: LogEntry): boolean =>
    faults.includes('stall@12') && eventsSent >= 12 && endedAfterMs === null;
  return () => {
    if (log.some(still)) sinceMs ??= performance.now();
    return sinceMs !== null && performance.now() - sinceMs > READ_AND_WRITTEN_MS;
  };
}

async function settled(log: readonly LogEntry[]): Promise<void> {
  for (let i = 0; i < 100 && log.some(({ endedAfterMs }) => endedAfterMs === null); i++) await sleep(20);
}

/** Asks on; a client that compacts by its window does so before or in this question. */
function afterCompaction(stage: Stage): Promise<Ran> {
  const { compact, ask } = stage.agent;
  const [command, ...args] = ask(QUESTIONS.after, false);
  if (compact?.how !== 'window') return runAgent(stage, [command!, ...args]);
  const { file } = stage.agent;
  if (compact.file) writeBelow(stage.home, ...compact.file);
  if (compact.settings && file)
    writeBelow(stage.home, file, compact.settings(readFileSync(join(stage.home, file), 'utf8')));
  return runAgent(stage, [command!, ...args, ...(compact.args ?? [])]);
}

/** A budget that is spent already: the next call is refused before it is sent. */
async function withoutMoney(stage: Stage): Promise<Ran> {
  const { gate, key, agent } = stage;
  await gate!.admin('POST', '/budgets', {
    ...{ level: 'key', tenant: 'demo', id: key, limitUsd: '0.000001', window: 'total' },
    contact: 'platform@example.com',
  });
  return runAgent(stage, agent.ask(QUESTIONS.broke, false));
}

async function gateSide({ gate, key, provider }: Stage): Promise<GateSide> {
  const attempts = provider.log.filter(({ endpoint }) => endpoint !== 'models' && endpoint !== null).length;
  let calls: GateCall[] = [];
  await gate!.until('all entries are in the store', async () => {
    calls = (await gate!.admin('GET', `/calls?key=${key}&limit=1000`)).calls;
    return calls.flatMap((call) => call.attempts).length >= attempts;
  });
  const { sessions } = await gate!.admin('GET', '/sessions');
  const metrics = await fetch(`${gate!.url}/metrics`, { headers: { authorization: `Bearer ${gate!.adminToken}` } });
  const lines = [...(await metrics.text()).matchAll(/^headgate_refusals_total\{code="(\w+)"\} (\d+)$/gm)];
  return { calls, sessions, refusals: Object.fromEntries(lines.map(([, code, n]) => [code!, Number(n)])) };
}

/** What must be true of a run. Judges are the folder, the provider's own log and the agent's output; the ledger is judged. */
import type { LogEntry } from '#lab/provider/provider.ts';
import type { GateSide, Outcome } from './run-task.ts';
import { FILES_AFTER, isCompaction, scriptFor, turnsOf, type Question } from './task.ts';

export interface Finding {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
}

const LONGEST_GIVING_UP_MS = 30_000;

export function judge(outcome: Outcome, direct: Outcome | null): Finding[] {
  return [
    exits(outcome),
    files(outcome),
    turns(outcome),
    overloaded(outcome),
    cut(outcome),
    compaction(outcome),
    ...(outcome.gate ? behindGate(outcome, outcome.gate, direct) : []),
  ];
}

/** The end of what an agent printed says why it failed. */
const MOST_TOLD = 600;

export const finding = (name: string, ok: boolean, detail: string): Finding => ({
  name,
  ok,
  detail: detail.slice(-MOST_TOLD),
});

function exits({ ran }: Outcome): Finding {
  const codes = Object.entries(ran).filter(([step]) => step !== 'cut' && step !== 'broke');
  const wrong = codes.filter(([, one]) => one.code !== 0).map(([step, one]) => `${step}: ${one.code}\n${one.output}`);
  return finding('exits', wrong.length === 0, wrong.join('\n') || `${codes.length} runs`);
}

function files({ files: found }: Outcome): Finding {
  const names = new Set([...Object.keys(FILES_AFTER), ...Object.keys(found)]);
  const wrong = [...names].filter((name) => found[name] !== FILES_AFTER[name]);
  const told = wrong.map((name) => `${name}: ${JSON.stringify(found[name])}`);
  return finding('files', wrong.length === 0, told.join('; ') || `${names.size} files`);
}

/** Each turn of each question was asked for, in order, whatever was asked beside. */
function turns({ agent, log }: Outcome): Finding {
  const script = scriptFor(agent.tools(''));
  const asked = log.map(({ turn }) => turn);
  const missing: string[] = [];
  for (const question of ['work', 'cut', 'more', 'after'] satisfies Question[]) {
    let at = 0;
    for (const turn of turnsOf(question, script)) {
      const found = asked.indexOf(turn, at);
      if (found < 0) missing.push(turn);
      else at = found;
    }
  }
  return finding(
    'turns',
    missing.length === 0,
    missing.length > 0 ? `never asked: ${missing.join(', ')}` : `${log.length} requests`,
  );
}

/** The 529 of the first turn was got over: the same turn was asked again and answered. */
function overloaded({ log }: Outcome): Finding {
  const at = log.findIndex(({ status }) => status === 529);
  const again = log.findIndex(({ turn, status }, i) => i > at && turn === log[at]?.turn && status === 200);
  return finding('529', at >= 0 && again > at, `asked again ${again - at} requests later`);
}

function cut({ log }: Outcome): Finding {
  const stalled = log.filter(({ faults }) => faults.includes('stall@12'));
  return finding(
    'abort',
    stalled.length === 1 && stalled[0]!.aborted,
    `aborted: ${stalled.map(({ aborted }) => aborted)}`,
  );
}

/** A summary was asked for, and the next question is asked on a shorter conversation. */
function compaction({ agent, log, compactedFrom }: Outcome): Finding {
  if (agent.compact === null) return finding('compaction', true, 'has none');
  const asked = log.findIndex((one, i) => i >= compactedFrom && (isCompaction(one.turn) || one.turn === 'aside'));
  const before = log.slice(0, compactedFrom).findLast(isMain)?.inputTokens ?? 0;
  const after = log.slice(asked + 1).find(isMain)?.inputTokens ?? 0;
  return finding('compaction', asked >= 0 && after > 0 && after < before, `${before} → ${after} tokens`);
}

const isMain = ({ turn }: LogEntry): boolean => turn?.startsWith('QUESTION') ?? false;

function behindGate(outcome: Outcome, gate: GateSide, direct: Outcome | null): Finding[] {
  return [
    attempts(outcome, gate),
    session(outcome, gate),
    cancelled(gate),
    broke(outcome, gate),
    usage(outcome, gate),
    cached(outcome, direct),
  ];
}

/** Every request that the provider saw is an attempt of one entry. */
function attempts({ log }: Outcome, { calls }: GateSide): Finding {
  const seen = log.filter(({ endpoint }) => endpoint !== null && endpoint !== 'models').length;
  const told = calls.flatMap((call) => call.attempts).length;
  return finding('ledger', seen === told, `${seen} requests, ${told} attempts in ${calls.length} entries`);
}

/** One task is one session, over every start of the agent. */
function session({ agent }: Outcome, { calls, sessions }: GateSide): Finding {
  const unnamed = calls.filter((call) => call.session === null).length;
  const names = new Set(calls.flatMap((call) => call.session ?? []));
  const named = calls.length - unnamed;
  const ok =
    names.size === 1 &&
    unnamed === (agent.compactsUnnamed ? 1 : 0) &&
    sessions.length === 1 &&
    sessions[0]!.calls === named;
  return finding(
    'session',
    ok,
    `${[...names].join(', ')}: ${sessions.map((one) => `${one.session} ${one.calls}`)} of ${calls.length}`,
  );
}

function cancelled({ calls }: GateSide): Finding {
  const found = calls.filter((call) => call.status === 'cancelled');
  return finding(
    'cancelled',
    found.length === 1 && found[0]!.cancelledBy === 'client',
    `${found.map((one) => one.cancelledBy)}`,
  );
}

/** Refused by the gate, told in the agent's own words, and left at that. */
function broke({ agent, ran, log }: Outcome, { refusals }: GateSide): Finding {
  const refused = refusals['budget_exceeded'] ?? 0;
  const { output, ms } = ran.broke!;
  const said = agent.saysBroke.test(output);
  const quick = ms < LONGEST_GIVING_UP_MS && refused === agent.asksWhenBroke;
  const sent = log.some(({ turn }) => turn?.startsWith('QUESTION-FIVE'));
  return finding(
    '402',
    said && quick && !sent,
    `${refused} refused, gave up after ${Math.round(ms)} ms${said ? '' : `, said: ${output}`}`,
  );
}

export interface Cached {
  readonly input: number;
  readonly read: number;
  readonly write: number;
}

/** Tokens of answers that were sent to their end, by the provider's own log. */
export function cachedOf(log: readonly LogEntry[]): Cached {
  const sum = { input: 0, read: 0, write: 0 };
  for (const { usageSent } of log) {
    if (usageSent === null) continue;
    sum.input += usageSent.input;
    sum.read += usageSent.cachedRead;
    sum.write += usageSent.cacheWrite5m + usageSent.cacheWrite1h;
  }
  return sum;
}

/** The ledger has counted what the provider has sent. */
function usage({ log }: Outcome, { calls }: GateSide): Finding {
  const whole = calls.filter(({ status }) => status === 'ok');
  const sum = (name: string): number => whole.reduce((total, call) => total + (call.usage[name] ?? 0), 0);
  const booked = { read: sum('cachedReadTokens'), write: sum('cacheWriteTokens') + sum('cacheWrite1hTokens') };
  const { read, write } = cachedOf(log);
  return finding(
    'usage',
    booked.read === read && booked.write === write,
    `read ${booked.read} of ${read}, written ${booked.write} of ${write}`,
  );
}

/** Dialects that cache without being asked, in whole steps: a translated prompt must stay as stable as it was. */
const STABLE_SHARE = 0.9;

/** The same cached tokens as without a gate; across dialects, which count differently, the same share of what could be. */
function cached(outcome: Outcome, direct: Outcome | null): Finding {
  const through = cachedOf(outcome.log);
  if (outcome.dialect === outcome.agent.dialect && direct) {
    const alone = cachedOf(direct.log);
    const same = through.read === alone.read && through.write === alone.write;
    return finding(
      'cache',
      same,
      `read ${through.read} / ${alone.read}, written ${through.write} / ${alone.write} directly`,
    );
  }
  if (outcome.dialect === 'messages' && outcome.agent.marksNothing) {
    return finding('cache', through.read + through.write === 0, 'nothing is marked, so nothing is cached');
  }
  const share = foundAgain(outcome.log);
  return finding('cache', share >= STABLE_SHARE, `${(100 * share).toFixed(1)} % of what came before was found again`);
}

/** Each prompt repeats the one before it, but for the first after a compaction: the share of that which the cache had. */
function foundAgain(log: readonly LogEntry[]): number {
  const main = log.filter((one) => isMain(one) && one.status === 200);
  let [possible, found] = [0, 0];
  for (const [i, { inputTokens, cachedTokens }] of main.entries()) {
    const before = main[i - 1]?.inputTokens ?? Infinity;
    if ((inputTokens ?? 0) < before) continue;
    possible += before;
    found += Math.min(before, cachedTokens ?? 0);
  }
  return found / Math.max(1, possible);
}

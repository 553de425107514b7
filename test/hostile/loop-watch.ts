import { PerformanceObserver } from 'node:perf_hooks';
import { openSync, readSync, renameSync, writeFileSync } from 'node:fs';

/**
 * Preloaded into a gate (`--import`): on SIGUSR2 it starts to watch the event loop of the main thread, and on the
 * next it writes what it saw to `HEADGATE_LOOP_FILE`. While it watches, an immediate runs in every turn of the loop,
 * so no turn sleeps, and a turn is as long as the work that it held. Own time is the turn's wall time less what the
 * thread spent in the kernel's run queue (`schedstat`, second figure): other processes' work does not count. Pauses of
 * V8's collector are told apart: a turn of 2 MB of reads may hold one, and they grow with the heap, not with the call.
 */
export interface LoopReport {
  readonly turns: number;
  /** The longest turn's own time without the garbage collector's pauses. */
  readonly longestMs: number;
  /** The longest pause of the garbage collector in one turn. */
  readonly longestGcMs: number;
  /** The longest turns: own time, of it the collector's, wall time, and when they ended (since the watch began). */
  readonly worst: readonly Turn[];
}

interface Turn {
  ms: number;
  gcMs: number;
  readonly wallMs: number;
  readonly atMs: number;
}

const file = process.env['HEADGATE_LOOP_FILE'];
const WORST = 8;
const FAR_BELOW_MS = 0.2;

interface Watch {
  on: boolean;
  turns: number;
  readonly startMs: number;
  readonly long: Turn[];
  readonly pauses: PerformanceObserver;
  readonly collected: { readonly startMs: number; readonly ms: number }[];
}

const bytes = Buffer.alloc(96);
const schedstat = openOrNull();

function openOrNull(): number | null {
  try {
    return openSync(`/proc/self/task/${process.pid}/schedstat`, 'r');
  } catch {
    return null;
  }
}

/** Milliseconds that this thread has waited for a processor so far; 0 where the kernel does not say. */
function waitedMs(): number {
  if (schedstat === null) return 0;
  const length = readSync(schedstat, bytes, 0, bytes.length, 0);
  return Number(bytes.toString('latin1', 0, length).split(' ')[1]) / 1e6;
}

function run(watch: Watch): void {
  let lastMs = performance.now();
  let lastWaitMs = waitedMs();
  const turn = (): void => {
    if (!watch.on) return;
    const nowMs = performance.now();
    const wallMs = nowMs - lastMs;
    const waitMs = waitedMs();
    const ms = wallMs - (waitMs - lastWaitMs);
    watch.turns++;
    if (ms > FAR_BELOW_MS) watch.long.push({ ms, gcMs: 0, wallMs, atMs: nowMs - watch.startMs });
    [lastMs, lastWaitMs] = [performance.now(), waitMs];
    setImmediate(turn);
  };
  setImmediate(turn);
}

/** A pause belongs to the turn in which it began. */
function gcIn({ collected, startMs }: Watch, { atMs, wallMs }: Turn): number {
  const end = startMs + atMs;
  return collected
    .filter((pause) => pause.startMs >= end - wallMs && pause.startMs < end)
    .reduce((sum, { ms }) => sum + ms, 0);
}

function report(watch: Watch): void {
  const turns = watch.long.map((turn): Turn => {
    // A pause's wall time may hold others' work: at most the turn's own time is the collector's.
    const gcMs = Math.min(turn.ms, gcIn(watch, turn));
    return { ...turn, gcMs, ms: turn.ms - gcMs };
  });
  turns.sort((a, b) => b.ms - a.ms);
  const out: LoopReport = {
    turns: watch.turns,
    longestMs: turns[0]?.ms ?? 0,
    longestGcMs: Math.max(0, ...turns.map(({ gcMs }) => gcMs)),
    worst: turns.slice(0, WORST),
  };
  // Renamed into place: a reader never sees half of it.
  writeFileSync(`${file}.part`, JSON.stringify(out));
  renameSync(`${file}.part`, file!);
}

function begin(): Watch {
  const collected: Watch['collected'] = [];
  const pauses = new PerformanceObserver((list) => {
    for (const { startTime, duration } of list.getEntries()) collected.push({ startMs: startTime, ms: duration });
  });
  pauses.observe({ entryTypes: ['gc'] });
  return { on: true, turns: 0, startMs: performance.now(), long: [], pauses, collected };
}

if (file) {
  let watch: Watch | null = null;
  process.on('SIGUSR2', () => {
    if (!watch) return void run((watch = begin()));
    const over = watch;
    watch = null;
    over.on = false;
    // The observer is told of the last pauses in a later turn.
    setTimeout(() => {
      over.pauses.disconnect();
      report(over);
    }, 20);
  });
}

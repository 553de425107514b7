import { openSync, readSync, renameSync, writeFileSync } from 'node:fs';

/**
 * Preloaded into a gate (`--import`): on SIGUSR2 it starts to watch the event loop of the main thread, and on the
 * next it writes what it saw to `HEADGATE_LOOP_FILE`. While it watches, an immediate runs in every turn of the loop,
 * so no turn sleeps, and a turn is as long as the work that it held. Own time is the turn's wall time less what the
 * thread spent in the kernel's run queue (`schedstat`, second figure): other processes' work does not count.
 */
export interface LoopReport {
  readonly turns: number;
  /** The longest turn's own time. */
  readonly longestMs: number;
  /** The longest turns, own time and when (since the watch began). */
  readonly worst: readonly { readonly ms: number; readonly wallMs: number; readonly atMs: number }[];
}

const file = process.env['HEADGATE_LOOP_FILE'];
const WORST = 8;
const FAR_BELOW_MS = 0.2;

interface Watch {
  on: boolean;
  turns: number;
  readonly startMs: number;
  readonly worst: { ms: number; wallMs: number; atMs: number }[];
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
    if (ms > FAR_BELOW_MS) note(watch, { ms, wallMs, atMs: nowMs - watch.startMs });
    [lastMs, lastWaitMs] = [performance.now(), waitMs];
    setImmediate(turn);
  };
  setImmediate(turn);
}

function note({ worst }: Watch, one: Watch['worst'][number]): void {
  worst.push(one);
  worst.sort((a, b) => b.ms - a.ms);
  if (worst.length > WORST) worst.pop();
}

function report({ turns, worst }: Watch): void {
  const out: LoopReport = { turns, longestMs: worst[0]?.ms ?? 0, worst };
  // Renamed into place: a reader never sees half of it.
  writeFileSync(`${file}.part`, JSON.stringify(out));
  renameSync(`${file}.part`, file!);
}

if (file) {
  let watch: Watch | null = null;
  process.on('SIGUSR2', () => {
    if (watch) {
      watch.on = false;
      report(watch);
      watch = null;
      return;
    }
    watch = { on: true, turns: 0, startMs: performance.now(), worst: [] };
    run(watch);
  });
}

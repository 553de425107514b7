/** Replays a trace against an OpenAI-compatible gate: open loop by the trace's clock, or closed with N workers. */
import { closeSync, openSync, writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LoadClient } from './client.ts';
import { openClient } from './client.ts';
import { progressLine } from './progress.ts';
import type { EndedCall, LoadResult, Tally } from './result.ts';
import { logLine, startTally } from './result.ts';
import type { TraceRow } from './trace.ts';
import type { PromptWriter } from './words.ts';
import { promptWriter } from './words.ts';

export interface LoadOptions {
  /** Base URL with its path, such as `http://127.0.0.1:4000/v1`. */
  readonly baseUrl: string;
  readonly model: string;
  readonly rows: readonly TraceRow[];
  /** API key by tenant; a tenant without one gets `*`'s, or none. */
  readonly keys?: Readonly<Record<string, string>>;
  /** Open (default): calls start at `arrivalMs / speed`, whatever the answers do. Closed: `workers` calls at a time. */
  readonly mode?: 'open' | 'closed';
  readonly speed?: number;
  readonly workers?: number;
  /** SSE (default) or unary. */
  readonly stream?: boolean;
  readonly seed?: number;
  /** Sent with each call, beside `authorization` and `x-request-id`. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Fields added to each body, such as `temperature`. */
  readonly body?: Readonly<Record<string, unknown>>;
  /** Longest silence before and in an answer. */
  readonly timeoutMs?: number;
  /** Open calls at once; one more is counted as `client_overload`, not sent. */
  readonly maxInFlight?: number;
  /** JSON lines, one a call, written as the call ends. */
  readonly logPath?: string;
  /** Gets one line a second. */
  readonly onProgress?: (line: string) => void;
  /** Ends the run early: nothing new is sent, what is in flight is awaited. */
  readonly signal?: AbortSignal;
}

/** Longer than any simulated answer; undici's own 300 s would hide a stuck gate for five minutes. */
const DEFAULT_TIMEOUT_MS = 60_000;
/** Below the usual limit of 20,000 local ports for one destination. */
const DEFAULT_MAX_IN_FLIGHT = 10_000;
const DEFAULT_WORKERS = 8;
const PROGRESS_MS = 1000;

interface Run {
  readonly options: LoadOptions;
  readonly client: LoadClient;
  readonly prompts: PromptWriter;
  readonly tally: Tally;
  readonly log: number | null;
  readonly seed: number;
  readonly startedAtMs: number;
  inFlight: number;
}

function bodyOf({ options, prompts }: Run, row: TraceRow, index: number): string {
  const stream = options.stream ?? true;
  return JSON.stringify({
    model: options.model,
    messages: [{ role: 'user', content: prompts.write(row, index) }],
    max_tokens: Math.max(1, row.outputTokens),
    ...(stream ? { stream, stream_options: { include_usage: true } } : {}),
    ...options.body,
  });
}

function headersOf({ options }: Run, row: TraceRow, requestId: string): Record<string, string> {
  const key = options.keys?.[row.tenant] ?? options.keys?.['*'];
  return {
    'content-type': 'application/json',
    'x-request-id': requestId,
    ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
    ...options.headers,
  };
}

function record(run: Run, call: EndedCall): void {
  run.tally.add(call);
  if (run.log !== null) writeSync(run.log, `${JSON.stringify(logLine(call))}\n`);
}

async function send(run: Run, row: TraceRow, index: number, dueAtMs: number | null): Promise<void> {
  const requestId = `load-${run.seed}-${index}`;
  const body = bodyOf(run, row, index);
  const headers = headersOf(run, row, requestId);
  const sentAtMs = performance.now();
  run.inFlight++;
  const end = await run.client.call(body, headers);
  run.inFlight--;
  record(run, { row, index, requestId, dueAtMs: dueAtMs ?? sentAtMs, sentAtMs, end });
}

/** Resolves at `atMs`, or early when the run is called off. */
async function until(atMs: number, signal: AbortSignal | undefined): Promise<void> {
  const leftMs = atMs - performance.now();
  if (leftMs <= 0) return;
  await sleep(leftMs, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
}

/**
 * Latency counts from the scheduled time, so that a stalled gate is charged for the calls that it made wait: measuring
 * from the send would leave them out (coordinated omission).
 */
async function openLoop(run: Run): Promise<void> {
  const { rows, speed = 1, signal, maxInFlight = DEFAULT_MAX_IN_FLIGHT } = run.options;
  const calls: Promise<void>[] = [];
  for (const [index, row] of rows.entries()) {
    const dueAtMs = run.startedAtMs + row.arrivalMs / speed;
    await until(dueAtMs, signal);
    if (signal?.aborted === true) break;
    if (run.inFlight >= maxInFlight) run.tally.fail('client_overload');
    else calls.push(send(run, row, index, dueAtMs));
  }
  await Promise.all(calls);
}

async function closedLoop(run: Run): Promise<void> {
  const { rows, workers = DEFAULT_WORKERS, signal } = run.options;
  const queue = rows.entries();
  const worker = async (): Promise<void> => {
    for (const [index, row] of queue) {
      if (signal?.aborted === true) return;
      await send(run, row, index, null);
    }
  };
  await Promise.all(Array.from({ length: workers }, worker));
}

function reportEvery(run: Run): () => void {
  const { onProgress, rows } = run.options;
  if (onProgress === undefined) return () => undefined;
  const report = (): void => {
    const elapsedMs = performance.now() - run.startedAtMs;
    onProgress(progressLine({ ended: run.tally.ended(), total: rows.length, inFlight: run.inFlight, elapsedMs }));
  };
  const timer = setInterval(report, PROGRESS_MS);
  return () => {
    clearInterval(timer);
    report();
  };
}

/** Runs the whole trace and resolves with the figures. Failures of calls are counted, never thrown. */
export async function runLoad(options: LoadOptions): Promise<LoadResult> {
  const seed = options.seed ?? 1;
  const run: Run = {
    options,
    client: openClient({ baseUrl: options.baseUrl, timeoutMs: options.timeoutMs ?? DEFAULT_TIMEOUT_MS }),
    prompts: promptWriter(seed),
    tally: startTally(),
    log: options.logPath === undefined ? null : openSync(options.logPath, 'a'),
    seed,
    startedAtMs: performance.now(),
    inFlight: 0,
  };
  const stopReports = reportEvery(run);
  try {
    await (options.mode === 'closed' ? closedLoop(run) : openLoop(run));
    return run.tally.result(performance.now() - run.startedAtMs, seed);
  } finally {
    stopReports();
    await run.client.close();
    if (run.log !== null) closeSync(run.log);
  }
}

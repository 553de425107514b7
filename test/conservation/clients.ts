/** The calls of a run: chat by the load generator, other dialects by a small client of its own that also leaves. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { intBetween, seededRng } from '#kernel/rng.ts';
import type { ClientLogLine } from '#lab/load/result.ts';
import { runLoad } from '#lab/load/run-load.ts';
import type { TraceRow } from '#lab/load/trace.ts';
import type { ClientSaw } from './judge.ts';

export interface Traffic {
  readonly url: string;
  /** Key by the name under which rows are dealt. */
  readonly keys: Readonly<Record<string, string>>;
  readonly calls: number;
  readonly callsPerS: number;
  readonly seed: number;
  /** For the logs of the load generator. */
  readonly folder: string;
}

/** Share of the calls that the small client makes; the rest is chat. */
const OTHER_SHARE = 0.15;
const CHAT_MODELS = ['via-chat', 'via-responses', 'via-messages', 'via-google'] as const;
const TIMEOUT_MS = 20_000;

/** All traffic of a run, open loop; resolves with what the clients saw, when every call has ended. */
export async function runTraffic(traffic: Traffic): Promise<readonly ClientSaw[]> {
  const other = Math.round(traffic.calls * OTHER_SHARE);
  const chat = traffic.calls - other;
  const streams = CHAT_MODELS.flatMap((model) => [true, false].map((stream) => ({ model, stream })));
  const shares = streams.map((_, i) => Math.floor(chat / streams.length) + (i < chat % streams.length ? 1 : 0));
  const seen = await Promise.all([
    ...streams.map((how, i) => chatLoad(traffic, { ...how, index: i, calls: shares[i]! })),
    otherLoad(traffic, other),
  ]);
  return seen.flat();
}

interface ChatLoad {
  readonly model: string;
  readonly stream: boolean;
  readonly index: number;
  readonly calls: number;
}

async function chatLoad(traffic: Traffic, { model, stream, index, calls }: ChatLoad): Promise<ClientSaw[]> {
  const logPath = join(traffic.folder, `client-${index}.jsonl`);
  const seed = traffic.seed * 100 + index;
  await runLoad({
    ...{ baseUrl: `${traffic.url}/v1`, model, stream, seed, logPath, keys: traffic.keys, timeoutMs: TIMEOUT_MS },
    rows: rowsOf(traffic, calls, seed),
  });
  const lines = readFileSync(logPath, 'utf8').split('\n').filter(Boolean);
  return lines.map((line) => JSON.parse(line) as ClientLogLine);
}

/** Arrivals at random (a Poisson process), so that deaths meet calls in every phase. */
function rowsOf({ keys, calls: all, callsPerS }: Traffic, calls: number, seed: number): TraceRow[] {
  const rng = seededRng(seed);
  const names = Object.keys(keys);
  const meanGapMs = (1000 * all) / callsPerS / calls;
  let arrivalMs = 0;
  return Array.from({ length: calls }, () => {
    arrivalMs += -Math.log(1 - rng.next()) * meanGapMs;
    const tenant = names[intBetween(rng, 0, names.length - 1)]!;
    return { arrivalMs, tenant, inputTokens: intBetween(rng, 5, 120), outputTokens: intBetween(rng, 2, 40) };
  });
}

interface OtherCall {
  readonly path: string;
  readonly body: object;
  /** Leaves after the first bytes, or before any came. */
  readonly leave: 'early' | 'midway' | null;
  readonly key: string;
}

async function otherLoad(traffic: Traffic, calls: number): Promise<ClientSaw[]> {
  const rng = seededRng(traffic.seed * 100 + 99);
  const startMs = performance.now();
  const running: Promise<ClientSaw>[] = [];
  for (const row of rowsOf(traffic, calls, traffic.seed * 100 + 98)) {
    const waitMs = startMs + row.arrivalMs - performance.now();
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    running.push(otherCall(traffic.url, otherCallOf(rng.next(), rng.next(), row, traffic.keys[row.tenant]!)));
  }
  return Promise.all(running);
}

function otherCallOf(dice: number, leaving: number, { outputTokens }: TraceRow, key: string): OtherCall {
  const text = `Say something. [[lab output=${outputTokens}]]`;
  const model = CHAT_MODELS[Math.floor(dice * CHAT_MODELS.length)]!;
  const stream = (dice * 30) % 1 < 0.5;
  const leave = leaving < 0.05 ? 'early' : leaving < 0.1 ? 'midway' : null;
  const dialect = (dice * 300) % 1;
  if (dialect < 0.33) {
    const method = stream ? 'streamGenerateContent?alt=sse' : 'generateContent';
    const generationConfig = { maxOutputTokens: outputTokens };
    const body = { contents: [{ role: 'user', parts: [{ text }] }], generationConfig };
    return { path: `/v1beta/models/${model}:${method}`, body, leave, key };
  }
  if (dialect < 0.66) {
    const messages = [{ role: 'user', content: text }];
    return { path: '/v1/messages', body: { model, stream, max_tokens: outputTokens, messages }, leave, key };
  }
  const body = { model, stream, max_output_tokens: Math.max(16, outputTokens), input: text, store: false };
  return { path: '/v1/responses', body, leave, key };
}

const END = /event: (message_stop|response\.completed|response\.incomplete)\b|"finishReason":"[A-Z]/;

async function otherCall(url: string, call: OtherCall): Promise<ClientSaw> {
  const leaving = new AbortController();
  let seen: Omit<ClientSaw, 'complete' | 'error'> = { callId: null, status: null, usage: null };
  try {
    if (call.leave === 'early') setTimeout(() => leaving.abort(), 15);
    const response = await fetch(url + call.path, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        authorization: `Bearer ${call.key}`,
        'anthropic-version': '2023-06-01',
      },
      body: JSON.stringify(call.body),
      signal: AbortSignal.any([leaving.signal, AbortSignal.timeout(TIMEOUT_MS)]),
    });
    seen = { callId: response.headers.get('x-headgate-call-id'), status: response.status, usage: null };
    let text = '';
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      if (call.leave === 'midway') leaving.abort();
    }
    if (response.status !== 200) return { ...seen, complete: false, error: String(response.status) };
    const streamed = response.headers.get('content-type')?.startsWith('text/event-stream');
    const complete = streamed ? END.test(text) : typeof JSON.parse(text) === 'object';
    return { ...seen, complete, error: complete ? null : 'truncated' };
  } catch (error) {
    const { name, cause } = error as Error & { cause?: { code?: string } };
    return { ...seen, complete: false, error: leaving.signal.aborted ? 'left' : (cause?.code ?? name) };
  }
}

import { execFileSync } from 'node:child_process';
import { Agent, request as httpRequest } from 'node:http';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LOAD_CORE, type Target } from './targets.ts';

const PATH = '/v1/chat/completions';
export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export function bodyOf(bytes: number, more: object = {}): string {
  const messages = [
    { role: 'system', content: 'You are a bench.' },
    { role: 'user', content: '' },
  ];
  const text = (): string => JSON.stringify({ model: 'gpt-bench', max_tokens: 200, messages, ...more });
  messages[1]!.content = 'Say hello. '.repeat(Math.max(1, Math.floor((bytes - text().length) / 11)));
  return text();
}

export interface Saturation {
  readonly requests: number;
  readonly perSecond: number;
  readonly errors: string | null;
}

/** wrk, one thread, 64 connections, keys in turn. */
export function saturate(target: Target, body: string, seconds: number): Saturation {
  const lua = join(mkdtempSync(join(tmpdir(), 'headgate-wrk-')), 'load.lua');
  const keys = target.keys
    .slice(0, 2000)
    .map((key) => `"Bearer ${key}"`)
    .join(',');
  writeFileSync(
    lua,
    `local keys={${keys}}\nlocal i=0\nlocal body=[==[${body}]==]\nrequest=function()\n i=(i%#keys)+1\n return wrk.format("POST","${PATH}",{["content-type"]="application/json",["authorization"]=keys[i]},body)\nend\n`,
  );
  const out = execFileSync(
    'taskset',
    ['-c', LOAD_CORE, 'wrk', '-t1', '-c64', `-d${seconds}s`, '-s', lua, `http://127.0.0.1:${target.port}`],
    { encoding: 'utf8' },
  );
  return {
    requests: Number(/(\d+) requests in/.exec(out)![1]),
    perSecond: Number(/Requests\/sec:\s+([\d.]+)/.exec(out)![1]),
    errors: /Non-2xx.*|Socket errors.*/.exec(out)?.[0] ?? null,
  };
}

const agent = new Agent({ keepAlive: true, maxSockets: 2048, scheduling: 'lifo' });
let turn = 0;

export function call(target: Target, body: string, onData?: (chunk: Buffer) => void): Promise<number> {
  const key = target.keys[turn++ % target.keys.length]!;
  return new Promise((resolve) => {
    const request = httpRequest(
      {
        agent,
        host: '127.0.0.1',
        port: target.port,
        path: PATH,
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          authorization: `Bearer ${key}`,
          'content-length': Buffer.byteLength(body),
        },
      },
      (response) => {
        response.on('data', (chunk: Buffer) => onData?.(chunk));
        response.on('end', () => resolve(response.statusCode!));
        response.on('error', () => resolve(-2));
      },
    );
    request.on('error', () => resolve(-1));
    request.end(body);
  });
}

export interface Quantiles {
  readonly n: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

export function quantiles(values: readonly number[]): Quantiles {
  const sorted = Float64Array.from(values).sort();
  const at = (q: number): number =>
    Math.round((sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? NaN) * 100) / 100;
  return { n: sorted.length, p50: at(0.5), p99: at(0.99), max: at(1) };
}

/** Open loop: a late answer is charged from the moment at which it was due, so that queueing is not hidden. */
export async function openLoop(
  target: Target,
  body: string,
  rate: number,
  seconds: number,
): Promise<Quantiles & { bad: number }> {
  const latencies: number[] = [];
  let bad = 0;
  const pending: Promise<void>[] = [];
  const start = performance.now() + 50;
  for (let i = 0; i < rate * seconds; i++) {
    const due = start + (i * 1000) / rate;
    const wait = due - performance.now();
    if (wait > 1) await sleep(wait);
    const from = Math.min(due, performance.now());
    pending.push(
      call(target, body).then((status) => {
        if (status === 200) latencies.push(performance.now() - from);
        else bad++;
      }),
    );
  }
  await Promise.all(pending);
  return { ...quantiles(latencies), bad };
}

export interface Paced {
  readonly ttft: Quantiles;
  readonly events: number;
  readonly bad: number;
}

/** `streams` at once, each so many rounds; events are blank lines seen. */
export async function paced(target: Target, streams: number, rounds: number): Promise<Paced> {
  const metadata = { ttft_ms: '50', itl_ms: '20', tokens: '100' };
  const body = bodyOf(500, { stream: true, stream_options: { include_usage: true }, metadata });
  const ttfts: number[] = [];
  let [events, bad] = [0, 0];
  const one = async (): Promise<void> => {
    for (let round = 0; round < rounds; round++) {
      const from = performance.now();
      let seen = 0;
      const status = await call(target, body, (chunk) => {
        let count = 0;
        for (let at = chunk.indexOf('\n\n'); at >= 0; at = chunk.indexOf('\n\n', at + 2)) count++;
        if (seen === 0 && count > 0) ttfts.push(performance.now() - from);
        seen += count;
      });
      events += seen;
      if (status !== 200) bad++;
    }
  };
  await Promise.all(
    Array.from({ length: streams }, async (_, i) => {
      await sleep(i * 3);
      await one();
    }),
  );
  return { ttft: quantiles(ttfts), events, bad };
}

/** Milliseconds from the client's leaving until the upstream saw it. */
export async function cancelDelay(target: Target, upstream: number): Promise<number> {
  const metadata = { ttft_ms: '5', itl_ms: '10', tokens: '500' };
  const body = bodyOf(500, { stream: true, metadata });
  const stats = async (): Promise<{ aborted: number; lastAbortAtMs: number }> =>
    (await fetch(`http://127.0.0.1:${upstream}/stats`)).json() as never;
  const before = (await stats()).aborted;
  const request = httpRequest({
    host: '127.0.0.1',
    port: target.port,
    path: PATH,
    method: 'POST',
    agent: false,
    headers: { authorization: `Bearer ${target.keys[0]}`, 'content-type': 'application/json' },
  });
  request.on('error', () => undefined);
  await new Promise<void>((resolve) => {
    request.on('response', (response) => {
      response.on('error', () => undefined);
      response.once('data', () => resolve());
    });
    request.end(body);
  });
  await sleep(100);
  const left = Date.now();
  request.destroy();
  for (let i = 0; i < 200; i++) {
    await sleep(5);
    const now = await stats();
    if (now.aborted > before) return now.lastAbortAtMs - left;
  }
  return Infinity;
}

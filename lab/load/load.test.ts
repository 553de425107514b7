import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { after, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { encode } from 'gpt-tokenizer';
import { progressLine } from './progress.ts';
import type { ClientLogLine } from './result.ts';
import { quantiles } from './result.ts';
import type { LoadOptions } from './run-load.ts';
import { runLoad } from './run-load.ts';
import { sseReader } from './sse-reader.ts';
import type { TraceRow } from './trace.ts';
import { parseAzureTrace, parseMooncakeTrace, readTrace, SAMPLE_TRACE } from './trace.ts';
import { promptWriter, seededRng, WORDS } from './words.ts';

const USAGE = { prompt_tokens: 10, completion_tokens: 2, prompt_tokens_details: { cached_tokens: 4 } };

function row(arrivalMs: number, tenant = 'acme'): TraceRow {
  return { arrivalMs, inputTokens: 10, outputTokens: 2, tenant };
}

const event = (data: object): string => `data: ${JSON.stringify(data)}\n\n`;

/** Two words and usage, streamed or whole. */
async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = (await json(request)) as { stream?: boolean };
  response.setHeader('x-headgate-call-id', `call-${String(request.headers['x-request-id'])}`);
  if (body.stream !== true) {
    const message = { role: 'assistant', content: 'hello wörld' };
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ choices: [{ message, finish_reason: 'stop' }], usage: USAGE }));
    return;
  }
  response.setHeader('content-type', 'text/event-stream; charset=utf-8');
  response.write(event({ choices: [{ delta: { role: 'assistant', content: '' } }] }));
  await sleep(20);
  response.write(event({ choices: [{ delta: { content: 'hello ' } }] }));
  response.write(event({ choices: [{ delta: { content: 'wörld' }, finish_reason: 'stop' }] }));
  response.end(`${event({ choices: [], usage: USAGE })}data: [DONE]\n\n`);
}

describe('load generator', () => {
  const servers: Server[] = [];
  const folder = mkdtempSync(join(tmpdir(), 'headgate-load-'));
  after(() => {
    for (const server of servers) server.close().closeAllConnections();
    rmSync(folder, { recursive: true });
  });

  async function against(listener: RequestListener): Promise<Pick<LoadOptions, 'baseUrl' | 'model'>> {
    const server = createServer(listener).listen(0, '127.0.0.1');
    servers.push(server);
    await once(server, 'listening');
    return { baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`, model: 'small' };
  }

  test('streams: counts, tokens, tenants, keys, and the log of each call', async () => {
    const keys = new Set<string>();
    const target = await against((request, response) => {
      keys.add(String(request.headers.authorization));
      void answer(request, response);
    });
    const logPath = join(folder, 'streams.jsonl');
    const rows = [row(0), row(5, 'bolt'), row(10)];
    const result = await runLoad({ ...target, rows, keys: { acme: 'k1', '*': 'k2' }, logPath });
    assert.equal(result.calls, 3);
    assert.equal(result.complete, 3);
    assert.deepEqual(result.errors, {});
    assert.deepEqual(result.tokens, { input: 30, output: 6, cached: 12, callsWithoutUsage: 0 });
    assert.deepEqual(result.completeByTenant, { acme: 2, bolt: 1 });
    assert.deepEqual([...keys].sort(), ['Bearer k1', 'Bearer k2']);
    assert.ok((result.ttftMs?.p50 ?? 0) >= 15, 'the empty first delta is not the first token');
    const log = readFileSync(logPath, 'utf8').trim().split('\n');
    const lines = log.map((line) => JSON.parse(line) as ClientLogLine);
    assert.equal(lines.length, 3);
    for (const line of lines) {
      assert.equal(line.callId, `call-load-1-${line.index}`);
      assert.equal(line.complete, true);
      assert.equal(line.textSha256, createHash('sha256').update('hello wörld').digest('hex'));
      assert.deepEqual(line.usage, { inputTokens: 10, outputTokens: 2, cachedTokens: 4 });
    }
  });

  test('unary answers, closed loop: never more calls at once than workers', async () => {
    let now = 0;
    let most = 0;
    const target = await against((request, response) => {
      most = Math.max(most, ++now);
      response.once('finish', () => now--);
      void sleep(5).then(() => answer(request, response));
    });
    const rows = Array.from({ length: 20 }, (_, i) => row(i));
    const result = await runLoad({ ...target, rows, mode: 'closed', workers: 3, stream: false });
    assert.equal(result.complete, 20);
    assert.equal(most, 3);
    assert.equal(result.tokens.output, 40);
  });

  test('open loop charges a stall to every call that it made wait', async () => {
    const open = sleep(300);
    const target = await against((request, response) => void open.then(() => answer(request, response)));
    const rows = Array.from({ length: 10 }, (_, i) => row(i * 100));
    const result = await runLoad({ ...target, rows, speed: 5, stream: false });
    assert.equal(result.complete, 10);
    assert.ok((result.latencyMs?.p50 ?? 0) > 100, `p50 ${result.latencyMs?.p50}`);
    assert.ok((result.latencyMs?.max ?? 0) > 200, `max ${result.latencyMs?.max}`);
  });

  test('refused, broken, cut and failed answers are told apart', async () => {
    const listeners: RequestListener[] = [
      (_, response) => response.writeHead(429, { 'content-type': 'application/json' }).end('{"error":{"code":"x"}}'),
      (request) => request.socket.resetAndDestroy(),
      (_, response) => response.writeHead(200, { 'content-type': 'text/event-stream' }).end('data: {"choices":[]}\n\n'),
      (_, response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.end(`${event({ error: { code: 'overloaded' } })}data: [DONE]\n\n`);
      },
      (_, response) => response.writeHead(200, { 'content-type': 'application/json' }).end('{"choices":'),
    ];
    let next = 0;
    const target = await against((request, response) => listeners[next++]?.(request, response));
    const rows = listeners.map((_, i) => row(i));
    const result = await runLoad({ ...target, rows, mode: 'closed', workers: 1 });
    const { UND_ERR_SOCKET: socket = 0, ECONNRESET: reset = 0, ...errors } = result.errors;
    assert.deepEqual(errors, { '429': 1, truncated: 1, overloaded: 1, malformed_body: 1 });
    assert.equal(socket + reset, 1);
    assert.equal(result.complete, 0);
    assert.equal(result.latencyMs, null);
  });

  test('a gate that is silent ends in a timeout, an overload is counted and not sent', async () => {
    const target = await against(() => undefined);
    const result = await runLoad({ ...target, rows: [row(0), row(1)], timeoutMs: 200, maxInFlight: 1 });
    assert.equal(result.calls, 2);
    assert.equal(result.errors['client_overload'], 1);
    assert.equal(result.errors['UND_ERR_HEADERS_TIMEOUT'], 1);
  });

  test('an abort ends the run after what is in flight', async () => {
    const target = await against((request, response) => void answer(request, response));
    const rows = [row(0), row(60_000)];
    const result = await runLoad({ ...target, rows, signal: AbortSignal.timeout(80) });
    assert.equal(result.calls, 1);
  });
});

test('any split of a stream gives the same answer', () => {
  const whole = Buffer.from(
    event({ choices: [{ delta: { content: 'täg' } }] }) + event({ choices: [], usage: USAGE }) + 'data: [DONE]\n\n',
  );
  fc.assert(
    fc.property(fc.array(fc.nat(whole.length), { maxLength: 12 }), (cuts) => {
      const reader = sseReader();
      const borders = [0, ...cuts.sort((a, b) => a - b), whole.length];
      for (let i = 1; i < borders.length; i++) reader.push(whole.subarray(borders[i - 1], borders[i]));
      const seen = reader.end();
      assert.equal(seen.text, 'täg');
      assert.equal(seen.complete, true);
      assert.equal(seen.usage?.outputTokens, 2);
    }),
  );
});

test('the sample trace is 300 calls in order of arrival, dealt to tenants by seed', () => {
  const tenants = ['a', 'b', 'c'].map((tenant) => ({ tenant, weight: 1 }));
  const read = (seed: number): TraceRow[] => readTrace(SAMPLE_TRACE, { tenants, rng: seededRng(seed) });
  const rows = read(1);
  assert.equal(rows.length, 300);
  assert.deepEqual(rows[0], { ...rows[0], arrivalMs: 0, inputTokens: 374, outputTokens: 44 });
  assert.ok(rows.every((one, i) => i === 0 || one.arrivalMs >= (rows[i - 1]?.arrivalMs ?? 0)));
  assert.equal(Math.round(rows[1]?.arrivalMs ?? 0), 4315);
  assert.equal(new Set(rows.map((one) => one.tenant)).size, 3);
  assert.deepEqual(read(1), rows);
  assert.notDeepEqual(read(2), rows);
});

test('trace parsers name the line and the column of a wrong value', () => {
  const rng = seededRng(1);
  const header = 'TIMESTAMP,ContextTokens,GeneratedTokens';
  assert.throws(() => parseAzureTrace(`${header}\n2023-11-16 18:15:46.68,12,x`, { rng }), /line 2: GeneratedTokens/);
  assert.throws(() => parseAzureTrace('a,b\n', { rng }), /line 1: unknown columns/);
  const line = '{"timestamp": 27, "input_length": 1100, "output_length": 5, "hash_ids": [0, 14, 15]}';
  assert.deepEqual(parseMooncakeTrace(line, { rng }), [
    { arrivalMs: 27, inputTokens: 1100, outputTokens: 5, tenant: 'default', prefixBlocks: [0, 14, 15] },
  ]);
  assert.throws(() => parseMooncakeTrace('{"timestamp": 1}', { rng }), /line 1: hash_ids/);
});

test('a word is one token, and a prompt has the wanted size, its shared prefix and its directive', () => {
  for (const word of WORDS) assert.equal(encode(` ${word}`).length, 1, word);
  const { write } = promptWriter(1);
  const shape = { inputTokens: 1200, outputTokens: 7, prefixBlocks: [0, 9, 10] };
  const [first, second] = [write(shape, 1), write(shape, 2)];
  assert.ok(first.endsWith(' [[lab output=7]]'));
  assert.ok(Math.abs(encode(first).length - 1200) < 12, `${encode(first).length} tokens`);
  assert.ok(Math.abs(first.length / 4 / 1200 - 1) < 0.01, `${first.length} bytes`);
  assert.equal(write(shape, 1), first);
  assert.notEqual(first, second);
  let same = 0;
  while (first[same] === second[same]) same++;
  assert.ok(encode(first.slice(0, same)).length >= 1020, 'two whole blocks of 512 are shared');
});

test('quantiles are nearest-rank, and absent without values', () => {
  assert.equal(quantiles([]), null);
  const values = Array.from({ length: 100 }, (_, i) => 100 - i);
  assert.deepEqual(quantiles(values), { count: 100, p50: 50, p90: 90, p99: 99, max: 100 });
});

test('the progress line has rate and time left', () => {
  const line = progressLine({ ended: 120, total: 300, inFlight: 3, elapsedMs: 5000 });
  assert.equal(line, '120/300 calls, 24.0 calls/s, 3 in flight, 8 s left');
});

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { parseFaults, scheduledFaults } from './faults.ts';
import { instanceOf } from './json-instance.ts';
import { startProvider } from './provider.ts';
import { countTokens, cutTokens, hashBlocks } from './tokens.ts';
import { linearStepTime } from '#capabilities/capacity/core/step-time.ts';

test('tokens: pieces join to the text, none is empty, their number is the count', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      const pieces = cutTokens(text);
      assert.equal(pieces.join(''), text);
      assert.equal(pieces.length, countTokens(text));
      assert.ok(pieces.every((piece) => piece !== ''));
    }),
  );
});

test('block keys of a longer prompt begin with those of its prefix', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), fc.uint8Array({ maxLength: 100 }), (prefix, more) => {
      const short = hashBlocks(prefix, 16);
      const long = hashBlocks(Buffer.concat([prefix, more]), 16);
      assert.deepEqual(long.slice(0, short.length), short);
      assert.equal(new Set(long).size, long.length);
    }),
  );
});

test('faults are read, and a schedule has its windows', () => {
  assert.deepEqual(parseFaults('429@1.5, cut@3,reset'), [
    { name: '429', value: '1.5' },
    { name: 'cut', value: '3' },
    { name: 'reset', value: null },
  ]);
  const at = (n: number, model = 'm') =>
    scheduledFaults(
      [
        { fault: '500', from: 2, to: 3 },
        { fault: '429', model: 'claude' },
      ],
      { n, model, path: '/', sinceStartMs: 0 },
    );
  assert.deepEqual(
    [1, 2, 3, 4].map((n) => at(n).length),
    [0, 1, 1, 0],
  );
  assert.equal(at(9, 'claude-x')[0]!.name, '429');
});

test('a schema is given an instance, references and choices included', () => {
  const schema = {
    type: 'object',
    properties: {
      a: { $ref: '#/$defs/a' },
      b: { anyOf: [{ type: 'array', items: { type: 'integer', minimum: 3 } }] },
      c: { enum: ['x', 'y'] },
    },
    required: ['a', 'b', 'c'],
    $defs: { a: { type: 'string', minLength: 5 } },
  };
  assert.deepEqual(instanceOf(schema), { a: 'labxx', b: [3], c: 'x' });
});

const body = (text: string, more: object = {}): RequestInit => ({
  method: 'POST',
  headers: { authorization: 'Bearer secret-key', 'content-type': 'application/json', 'x-request-id': 'req-1' },
  body: JSON.stringify({ model: 'm', messages: [{ role: 'user', content: text }], ...more }),
});

test('the same seed gives the same answers and the same random faults', async () => {
  const run = async (): Promise<string[]> => {
    const lab = await startProvider({ seed: 5, faultRate: 0.5, faults: ['500', '503'] });
    const seen: string[] = [];
    for (let i = 0; i < 8; i++) {
      const response = await fetch(`${lab.url}/v1/chat/completions`, body('hi'));
      const answer = (await response.json()) as { choices?: { message: { content: string } }[] };
      seen.push(`${response.status} ${answer.choices?.[0]?.message.content ?? ''}`);
    }
    await lab.close();
    return seen;
  };
  const [first, second] = [await run(), await run()];
  assert.deepEqual(first, second);
  assert.ok(new Set(first.map((line) => line.slice(0, 3))).size > 1);
});

test('latency follows load: with one place, the second waits for the first', async () => {
  const stepTimeMs = linearStepTime({ baseMs: 4, msPerPrefillToken: 0, msPerDecodeToken: 0, msPerKvToken: 0 });
  const lab = await startProvider({ stepTimeMs, sizes: { maxRunning: 1 } });
  const call = async (): Promise<void> =>
    void (await (await fetch(`${lab.url}/v1/chat/completions`, body('[[lab output=10]]', { stream: true }))).text());
  await Promise.all([call(), call()]);
  const waits = lab.log.map((entry) => entry.endedAfterMs!).sort((a, b) => a - b);
  // Ten steps of 4 ms each: the second ends at least 40 ms after it came, plus the first one's time.
  assert.ok(waits[1]! >= 75, `${waits}`);
  assert.ok(waits[0]! >= 35, `${waits}`);
  await lab.close();
});

test('as a process: one line says the port, the log file says what was seen and sent', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'lab-provider-'));
  const file = join(folder, 'log.jsonl');
  const child = spawn(process.execPath, [
    fileURLToPath(new URL('main.ts', import.meta.url)),
    '--port',
    '0',
    '--seed',
    '1',
    '--log',
    file,
    '--key',
    'secret-key',
  ]);
  try {
    const line = await new Promise<string>((resolve) =>
      child.stdout.once('data', (data: Buffer) => resolve(data.toString())),
    );
    const { listening } = JSON.parse(line) as { listening: number };
    await (await fetch(`http://127.0.0.1:${listening}/v1/chat/completions`, body('[[lab output=6]]'))).text();
    const stats = (await (await fetch(`http://127.0.0.1:${listening}/__lab/stats`)).json()) as { complete: number };
    assert.equal(stats.complete, 1);
    const lines = await logLines(file, 2);
    assert.deepEqual(
      lines.map((entry) => entry['event']),
      ['seen', 'done'],
    );
    const { outputTokensSent, complete, credential, bodySha256, headers } = lines[1]!;
    assert.deepEqual([outputTokensSent, complete], [6, true]);
    assert.equal((headers as Record<string, string>)['x-request-id'], 'req-1');
    assert.match(String(bodySha256), /^[0-9a-f]{64}$/);
    assert.ok(!JSON.stringify(lines).includes('secret-key') && String(credential).length === 16);
  } finally {
    child.kill('SIGTERM');
    rmSync(folder, { recursive: true });
  }
});

/** The log's lines, once there are as many: the last one is written when the socket is done, after the client has read. */
async function logLines(file: string, count: number): Promise<Record<string, unknown>[]> {
  for (let i = 0; i < 400; i++) {
    const lines = readFileSync(file, 'utf8').split('\n').filter(Boolean);
    if (lines.length >= count) return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error('the log stayed short');
}

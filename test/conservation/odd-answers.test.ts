import assert from 'node:assert/strict';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import { startGate, temporaryFolder, type GateProcess } from '../harness/gate-process.ts';
import { callOnce, tally } from './burst.ts';
import type { ClientSaw } from './judge.ts';
import { readLedger } from './ledger-file.ts';
import { makeTenant, worldConfig } from './world.ts';

/** Answers under status 200 that no provider's schema allows: values of the wrong type at each level. */
const BODIES: readonly unknown[] = [
  ...[null, 1, 'text', [], {}, { choices: 5 }, { choices: [] }, { choices: [null] }, { choices: [{}] }],
  ...[{ choices: [{ message: null }] }, { choices: [{ message: { content: 7, tool_calls: 'x' } }] }],
  ...[
    { choices: [{ message: { content: null, tool_calls: [null] } }], usage: 'many' },
    { choices: {}, usage: [] },
  ],
  ...[{ content: 5 }, { content: [null] }, { content: [{ type: 'text' }] }, { content: [{ type: 7, text: {} }] }],
  ...[{ type: 'message', role: 'assistant', content: [{ type: 'tool_use', input: 5 }], usage: { input_tokens: 'x' } }],
  ...[
    { output: 5 },
    { output: [null] },
    { output: [{ type: 'message', content: 'x' }] },
    { output: [{ type: 'function_call' }] },
  ],
  ...[{ object: 'response', output: [{ type: 'message', content: [null, { type: 'output_text' }] }], usage: {} }],
  ...[{ candidates: 5 }, { candidates: [null, { content: 7 }] }, { candidates: [{ content: { parts: 'x' } }] }],
  ...[{ candidates: [{ content: { parts: [null, { functionCall: 5 }, { text: {} }] }, finishReason: 7 }] }],
  ...[
    { promptFeedback: { blockReason: {} } },
    { usageMetadata: { promptTokenCount: -1, candidatesTokenCount: 1e300 } },
  ],
  ...[
    { usage: { prompt_tokens: -5, completion_tokens: 1e300 } },
    { usage: { input_tokens: 1.5, output_tokens: 2 ** 60 } },
  ],
];

/** Each of them also as one event of a stream, under the names that the dialects use. */
const EVENT_NAMES = [
  '',
  'message_start',
  'content_block_delta',
  'message_delta',
  'response.created',
  'response.completed',
];

const SSE = 'text/event-stream';

function eventOf(value: unknown, name: string): string {
  const typed = typeof value === 'object' && value !== null && !Array.isArray(value) && name !== '';
  const data = typed ? { type: name, ...value, message: value, delta: value, response: value } : value;
  return `${name === '' ? '' : `event: ${name}\n`}data: ${JSON.stringify(data)}\n\n`;
}

describe('answers of any shape', () => {
  const folder = temporaryFolder('odd');
  const answers: { readonly type: string; readonly body: string }[] = [];
  // Each call says in its prompt which answer it wants.
  const provider = createServer(async (request, response) => {
    const wanted = answers[Number(/answer (\d+)/.exec(await text(request))?.[1])]!;
    response.writeHead(200, { 'content-type': wanted.type }).end(wanted.body);
  });
  let gate: GateProcess;
  let key: string;
  const seen: ClientSaw[] = [];

  before(async () => {
    provider.listen(0, '127.0.0.1');
    await once(provider, 'listening');
    const { port } = provider.address() as AddressInfo;
    gate = await startGate({ config: worldConfig(`http://127.0.0.1:${port}`), dataDir: folder });
    key = (await makeTenant(gate, 'acme', 1))[0]!;
  });
  after(async () => {
    await gate?.kill();
    provider.close().closeAllConnections();
    rmSync(folder, { recursive: true, force: true });
  });

  async function callFor(type: string, body: string): Promise<void> {
    const index = answers.push({ type, body }) - 1;
    for (const model of ['via-chat', 'via-responses', 'via-messages', 'via-google']) {
      const messages = [{ role: 'user', content: `answer ${index}` }];
      const call = JSON.stringify({ model, stream: type === SSE, messages });
      const one = await callOnce({ url: gate.url, key, body: call, timeoutMs: 10_000 });
      seen.push(one);
      assert.notEqual(one.error, 'TimeoutError', `${model}: no end after ${body}`);
      assert.notEqual(one.callId, null, `${model}: ${JSON.stringify(one)} after ${body}`);
    }
  }

  test(`unary: ${BODIES.length} shapes`, async () => {
    await Promise.all(BODIES.map((value) => callFor('application/json', JSON.stringify(value))));
  });

  test(`streamed: ${BODIES.length * EVENT_NAMES.length} events`, async () => {
    const events = EVENT_NAMES.flatMap((name) => BODIES.map((value) => eventOf(value, name)));
    await Promise.all(events.map((event) => callFor(SSE, event)));
  });

  test('each call has one entry, with money that adds up', async (t) => {
    t.diagnostic(JSON.stringify(tally(seen)));
    assert.equal(await gate.stop(), 0);
    const { entries, rollupFaults, spendFaults } = await readLedger(join(folder, 'state', 'ledger.db'));
    assert.deepEqual(entries.map(({ id }) => id as string).sort(), seen.map(({ callId }) => callId!).sort());
    assert.deepEqual([rollupFaults, spendFaults], [[], []]);
    assert.deepEqual(
      entries.filter(({ status }) => status === 'internal_error').map(({ id, errorCode }) => [id, errorCode]),
      [],
    );
  });
});

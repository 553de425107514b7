import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { toBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import { file_headgate_v1_headgate } from '#wire/grpc/headgate-messages.ts';
import { startGate, type GateProcess } from '../harness/gate-process.ts';
import {
  json,
  startUpstream,
  stream,
  type ScriptedUpstream,
  type StreamPart,
} from '../clients-rules/scripted-upstream.ts';
import { makeKey } from '../hostile/world.ts';

const PYTHON = '/usr/bin/python3';
const absent =
  spawnSync(PYTHON, ['-c', 'import grpc, google.protobuf']).status === 0
    ? false
    : 'skipped: python3-grpcio is not installed';
const PEER = fileURLToPath(new URL('grpc-peer.py', import.meta.url));
const world = {} as { gate: GateProcess; up: ScriptedUpstream; other: string; descriptor: string };

before(async () => {
  world.up = await startUpstream();
  process.env.LAB_KEY = 'k';
  world.gate = await startGate({
    config: `
providers:
  chat: { kind: lab-chat, baseUrl: "${world.up.url}/v1" }
  openai: { kind: openai, baseUrl: "${world.up.url}/v1", apiKey: "\${env:LAB_KEY}" }
models:
  chat: { deployments: [{ provider: chat, model: up }] }
  embed: { deployments: [{ provider: openai, model: up }] }
stream: { heartbeat: 200ms, resume: { grace: 2s, keep: 5s } }
retry: { attempts: 1 }
`,
  });
  world.other = await makeKey({ gate: world.gate } as never, 'demo', {});
  world.descriptor = join(mkdtempSync(join(tmpdir(), 'headgate-grpc-')), 'headgate.binpb');
  writeFileSync(world.descriptor, toBinary(FileDescriptorProtoSchema, file_headgate_v1_headgate.proto));
});
after(async () => {
  await world.gate?.stop();
  await world.up?.close();
});

async function peer(scenario: string, argument = '-', key = world.gate.key): Promise<any> {
  const { host } = new URL(world.gate.url);
  const { stdout } = await promisify(execFile)(PYTHON, [PEER, host, key, world.descriptor, scenario, argument], {
    timeout: 60_000,
  });
  return JSON.parse(stdout);
}
const chunk = (content: string | null, finish: string | null = null): string =>
  `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'up', choices: [{ index: 0, delta: content === null ? {} : { content }, finish_reason: finish }] })}\n\n`;
const USAGE = `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'up', choices: [], usage: { prompt_tokens: 10, completion_tokens: 20, total_tokens: 30 } })}\n\n`;
const WORDS = Array.from({ length: 20 }, (_, i) => `wörd${i} `);
const TEXT = WORDS.join('');
const whole = (pauseMs: number): StreamPart[] => [
  ...WORDS.flatMap((word) => [chunk(word), pauseMs]),
  ...[chunk(null, 'stop'), USAGE, 'data: [DONE]\n\n'],
];
const SHA = createHash('sha256').update(TEXT).digest('hex');
const OK = { status: 'ok', sha: SHA, output: 20, finish: 'stop' };
const ANSWER =
  '{"id":"c1","object":"chat.completion","created":1,"model":"up","choices":[{"index":0,"message":{"role":"assistant","content":"wörd"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":7,"total_tokens":8}}';

async function entryOf(id: string): Promise<any> {
  let entry: any = null;
  await world.gate.until('the entry', async () => {
    entry = await world.gate.admin('GET', `/calls/${id}`).catch(() => null);
    return entry !== null;
  });
  return entry;
}

describe("Debian's grpcio speaks with the gate", { skip: absent }, () => {
  test('one answer whole, and embeddings', async () => {
    world.up.answer(json(ANSWER));
    const said = await peer('generate');
    assert.deepEqual({ ...said, id: '' }, { id: '', text: 'wörd', finish: 'stop', output: 7 });
    assert.match(said.id, /^call_/);
    world.up.answer(
      json(
        '{"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.5,-1]},{"object":"embedding","index":1,"embedding":[2,3]}],"model":"up","usage":{"prompt_tokens":2,"total_tokens":2}}',
      ),
    );
    assert.deepEqual(await peer('embed'), { n: 2, first: [0.5, -1] });
  });

  test('a stream, an event a message, with its end; the entry names the protocol', async () => {
    world.up.answer(stream(whole(2)));
    const said = await peer('stream');
    assert.equal(said.text, TEXT);
    const { last, ...end } = said.end;
    assert.deepEqual(end, OK);
    assert.ok(last >= said.positions.length - 1);
    assert.equal(new Set(said.positions).size, said.positions.length);
    assert.equal((await entryOf(said.id)).protocol, 'grpc');
  });

  test('signs of life before the first token', async () => {
    world.up.answer(stream([900, ...whole(0)]));
    const said = await peer('stream');
    assert.equal(said.text, TEXT);
    assert.ok(said.heartbeats >= 2, `${said.heartbeats} heartbeats`);
  });

  test('a deadline of the client ends the call', async () => {
    world.up.answer(stream([chunk('one'), 20_000, chunk('two')]));
    const said = await peer('deadline');
    assert.equal(said.code, 'DEADLINE_EXCEEDED');
    const seen = world.up.seen.at(-1)!;
    await world.gate.until('the provider is told', () => seen.closedAtMs !== null);
  });

  test('a client that leaves stops the provider, and the entry says so', async () => {
    world.up.answer(stream([chunk('one'), chunk('two'), 20_000, chunk('three')]));
    const said = await peer('leave');
    const seen = world.up.seen.at(-1)!;
    await world.gate.until('the provider is told', () => seen.closedAtMs !== null);
    const { status, cancelledBy } = await entryOf(said.id);
    assert.deepEqual({ status, cancelledBy }, { status: 'cancelled', cancelledBy: 'client' });
  });

  test('resumes behind what it has, and by a snapshot: the exact text, nothing twice', async () => {
    for (const scenario of ['resume', 'snapshot']) {
      world.up.answer(stream(whole(40)));
      const said = await peer(scenario);
      assert.equal(said.text, TEXT, scenario);
      assert.equal(said.end.status, 'ok');
      assert.equal(said.end.sha, SHA);
      if (scenario === 'resume') assert.equal(new Set(said.positions).size, said.positions.length);
    }
  });

  test('an explicit cancel ends a stream; one of a stream that has ended changes nothing', async () => {
    world.up.answer(stream([chunk('one'), chunk('two'), 20_000, chunk('three')]));
    const said = await peer('cancel');
    assert.equal(said.said, 'cancelling');
    assert.equal(said.code, 'CANCELLED');
    assert.equal(said.end.status, 'cancelled');
    assert.equal(said.again, 'cancelled');
  });

  test('wrong ids, ids of another key and a position past the end have a clear answer', async () => {
    world.up.answer(stream(whole(10)));
    const made = await peer('resume');
    const none = await peer('resume-other', `call_${'0'.repeat(26)},`);
    const others = await peer('resume-other', `${made.id},`, world.other);
    const wrong = await peer('resume-other', 'nonsense,');
    assert.equal(none.code, 'NOT_FOUND');
    assert.deepEqual([others.code, others.message], [none.code, none.message]);
    assert.deepEqual([wrong.code, wrong.message], [none.code, none.message]);
    const epoch = made.positions[0].split('.')[0];
    assert.equal((await peer('resume-other', `${made.id},${epoch}.999`)).code, 'INVALID_ARGUMENT');
    assert.equal((await peer('resume-other', `${made.id},nonsense`)).code, 'INVALID_ARGUMENT');
    assert.equal((await peer('resume-other', `${made.id},`)).text, TEXT);
  });

  test('refusals of the gate and of the provider as statuses', async () => {
    assert.equal((await peer('generate', '-', 'hg_wrong')).code, 'UNAUTHENTICATED');
    assert.equal((await peer('unknown-method')).code, 'UNIMPLEMENTED');
    assert.equal((await peer('gzip')).code, 'UNIMPLEMENTED');
    const twice = await peer('extra-twice');
    assert.equal(twice.code, 'INVALID_ARGUMENT');
    assert.equal(twice.trailers['grpc-retry-pushback-ms'], '-1');
    world.up.answer(json('{"error":{"message":"slow down: 100%","type":"rate_limit"}}', 429));
    const limited = await peer('generate');
    assert.equal(limited.code, 'RESOURCE_EXHAUSTED');
    assert.match(limited.message, /slow down: 100%/);
  });
});

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { connect as connectH2, type ClientHttp2Session } from 'node:http2';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'node:test';
import { create, toBinary } from '@bufbuild/protobuf';
import { startProvider } from '#lab/provider/provider.ts';
import { ResumeRequestSchema } from '#wire/grpc/headgate-messages.ts';
import { startGate, type GateProcess } from '../harness/gate-process.ts';
import { callIdOf, openWith } from './stream-client.ts';

/** Of this process and of the gate, which inherits it. */
const files = Number(spawnSync('sh', ['-c', 'ulimit -n']).stdout.toString()) || 1_024;
const OVER_SSE = Math.min(10_000, files - 500);
const OVER_GRPC = 10_000;
const STREAMS_OF_SESSION = 1_000;
const HEARTBEAT_MS = 3_000;

/** Readers of one silent stream; each counts the bytes that it got. */
interface Idle {
  readonly bytes: number[];
  close(): void;
}

async function overSse(gate: GateProcess, id: string): Promise<Idle> {
  const agent = new Agent({ maxSockets: Infinity });
  const bytes = Array.from({ length: OVER_SSE }, () => 0);
  const open = (i: number): Promise<void> =>
    new Promise((resolve, reject) => {
      const headers = { authorization: `Bearer ${gate.key}` };
      const call = request(`${gate.url}/v1/streams/${id}`, { agent, headers }, (response) => {
        response.on('data', (data: Buffer) => (bytes[i]! += data.length)).on('error', () => undefined);
        resolve();
      });
      call.on('error', reject).end();
    });
  for (let i = 0; i < OVER_SSE; i += 100) await Promise.all(Array.from({ length: 100 }, (_, n) => open(i + n)));
  return { bytes, close: () => agent.destroy() };
}

async function overGrpc(gate: GateProcess, id: string): Promise<Idle> {
  const body = Buffer.from(toBinary(ResumeRequestSchema, create(ResumeRequestSchema, { id })));
  const head = Buffer.alloc(5);
  head.writeUInt32BE(body.length, 1);
  const bytes = Array.from({ length: OVER_GRPC }, () => 0);
  const sessions: ClientHttp2Session[] = [];
  const open = (session: ClientHttp2Session, i: number): Promise<void> =>
    new Promise((resolve, reject) => {
      const call = session.request({
        ...{ ':method': 'POST', ':path': '/headgate.v1.Headgate/Resume', te: 'trailers' },
        ...{ 'content-type': 'application/grpc', authorization: `Bearer ${gate.key}` },
      });
      call.on('response', () => resolve()).on('error', reject);
      call.on('data', (data: Buffer) => (bytes[i]! += data.length));
      call.end(Buffer.concat([head, body]));
    });
  for (let i = 0; i < OVER_GRPC; i += 100) {
    if (i % STREAMS_OF_SESSION === 0) {
      sessions.push(connectH2(gate.url));
      await new Promise((resolve) => sessions.at(-1)!.once('remoteSettings', resolve));
    }
    await Promise.all(Array.from({ length: 100 }, (_, n) => open(sessions.at(-1)!, i + n)));
  }
  return { bytes, close: () => sessions.forEach((session) => session.destroy()) };
}

for (const [name, open, most] of [
  ['server-sent events', overSse, 64],
  ['gRPC', overGrpc, 64],
] as const)
  test(
    `10,000 idle readers over ${name}: each has its signs of life, and the gate answers others`,
    { timeout: 240_000 },
    async (t) => {
      const lab = await startProvider({ seed: 20261127 });
      const gate = await startGate({
        config: `
providers: { up: { kind: lab-chat, baseUrl: "${lab.url}/v1" } }
models: { m: { deployments: [{ provider: up, model: lab-small }] } }
prices: [{ provider: "*", model: "*", perMillion: { input: "1", output: "1" } }]
stream: { heartbeat: ${HEARTBEAT_MS}ms }
drain: { limit: 1s }
`,
      });
      const rssKiB = (): number =>
        Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${gate.child.pid}/status`, 'utf8'))![1]);
      const content = '[[lab output=40 fault=stall@3]] hi';
      const first = await openWith(gate, {
        ...{ method: 'POST', path: '/v1/chat/completions', headers: { 'x-headgate-resume': 'true' } },
        body: { model: 'm', stream: true, messages: [{ role: 'user', content }] },
      });
      first.ended.catch(() => null);
      const before = rssKiB();
      const idle = await open(gate, callIdOf(first));
      const had = [...idle.bytes];
      await sleep(2 * HEARTBEAT_MS + 3_000);
      const kib = (rssKiB() - before) / idle.bytes.length;
      t.diagnostic(`${idle.bytes.length} readers, ${kib.toFixed(1)} KiB each`);
      assert.equal(idle.bytes.filter((bytes, i) => bytes > had[i]!).length, idle.bytes.length, 'signs of life');
      const asked = performance.now();
      assert.equal((await fetch(`${gate.url}/health/live`)).status, 200);
      assert.ok(performance.now() - asked < 1_000);
      assert.ok(kib < most, `${kib} KiB a reader`);
      idle.close();
      first.leave();
      await gate.stop();
      await lab.close();
    },
  );

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { startGate } from '../harness/gate-process.ts';
import { openSocket, socketUrl } from './socket-client.ts';

/** Of this process and of the gate, which inherits it; each socket takes one in both. */
const files = Number(spawnSync('sh', ['-c', 'ulimit -n']).stdout.toString()) || 1_024;
const COUNT = Math.min(10_000, files - 500);

test(`idle sockets: so many as files allow, up to 10,000`, { timeout: 240_000 }, async (t) => {
  const gate = await startGate({
    config: `
providers: { lab: { kind: lab, baseUrl: "http://127.0.0.1:9/v1" } }
models: { m: { deployments: [{ provider: lab, model: lab-small }] } }
stream: { heartbeat: 5s, webSocket: { socketsPerKey: 20000, sockets: 20000 } }
`,
  });
  const rssKiB = (): number =>
    Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${gate.child.pid}/status`, 'utf8'))![1]);
  const first = await openSocket(gate);
  const before = rssKiB();
  const sockets: WebSocket[] = [];
  let closed = 0;
  for (let i = 0; i < COUNT; i += 100) await Promise.all(Array.from({ length: 100 }, () => one()));
  const opened = rssKiB();
  await sleep(16_000);
  const kib = (rssKiB() - before) / sockets.length;
  t.diagnostic(
    `${sockets.length} sockets, ${((opened - before) / sockets.length).toFixed(1)} KiB each opened, ${kib.toFixed(1)} after three heartbeats`,
  );
  assert.equal(closed, 0, 'each answered its pings');
  const asked = performance.now();
  first.send({ type: 'ping', nonce: 'still' });
  await first.frame(({ nonce }) => nonce === 'still');
  assert.ok(performance.now() - asked < 1_000);
  assert.ok(kib < 64, `${kib} KiB a socket`);
  for (const socket of sockets) socket.terminate();
  first.leave();
  await gate.stop();

  function one(): Promise<void> {
    const socket = new WebSocket(socketUrl(gate.url), { headers: { authorization: `Bearer ${gate.key}` } });
    sockets.push(socket);
    socket.on('close', () => closed++);
    return new Promise((resolve, reject) => socket.on('open', () => resolve()).on('error', reject));
  }
});

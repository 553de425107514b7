import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import {
  EVENTS,
  startUpstream,
  stream,
  type ScriptedUpstream,
  type StreamPart,
} from '../clients-rules/scripted-upstream.ts';
import { startGate, type GateProcess } from '../harness/gate-process.ts';
import { callIdOf, lastIdOf, openWith, type Reading } from './stream-client.ts';

const BIN = join(import.meta.dirname, '..', '..', 'bin', 'headgate.js');
const { start, text, finish, usage, end } = EVENTS['/v1/chat/completions'];
const WHOLE: readonly StreamPart[] = [start, text, 20, finish, usage, end];

describe('the report of streams and those that go on', () => {
  const world = {} as { up: ScriptedUpstream; gate: GateProcess };
  before(async () => {
    world.up = await startUpstream();
    world.gate = await startGate({
      config: `
providers: { chat: { kind: lab-chat, baseUrl: "${world.up.url}/v1" } }
models: { chat: { deployments: [{ provider: chat, model: up }] } }
prices: [{ provider: "*", model: "*", perMillion: { input: "1000", output: "2000" } }]
stream: { resume: { grace: 300ms } }
retry: { attempts: 1 }
`,
    });
  });
  after(async () => {
    await world.gate?.stop();
    await world.up?.close();
  });

  const call = (parts: readonly StreamPart[], resume = true): Promise<Reading> => {
    world.up.answer(stream(parts));
    return openWith(world.gate, {
      ...{ method: 'POST', path: '/v1/chat/completions', headers: { 'x-headgate-resume': String(resume) } },
      body: { model: 'chat', stream: true, messages: [{ role: 'user', content: 'hi' }] },
    });
  };
  const until = (reading: Reading): Promise<void> =>
    world.gate.until('a token', () => reading.text().includes('Hel lo'));

  async function cli(...args: string[]): Promise<string> {
    const child = spawn(process.execPath, [BIN, ...args], {
      env: {
        ...process.env,
        NO_COLOR: '1',
        COLUMNS: '160',
        HEADGATE_CONFIG: join(world.gate.dataDir, 'headgate.yaml'),
      },
    });
    let [out, bad] = ['', ''];
    child.stdout.on('data', (piece: Buffer) => (out += piece));
    child.stderr.on('data', (piece: Buffer) => (bad += piece));
    const [code] = await once(child, 'close');
    assert.equal(code, 0, bad);
    return out;
  }

  test('a live stream is listed, and an operator ends it: the provider stops, entry and audit say who', async () => {
    assert.match(await cli('streams', 'live'), /No stream with a log goes on[\s\S]*x-headgate-resume: true/);
    const reading = await call([start, text, 8_000]);
    await until(reading);
    const id = callIdOf(reading);
    const listed = await cli('streams', 'live');
    assert.match(listed, new RegExp(`^${id} +\\w+ +chat .* sse .* 2 +1 KiB +1 +0`, 'm'));
    const listedFor = async (tenant: string): Promise<number> =>
      (await world.gate.admin('GET', `/streams?tenant=${tenant}`)).streams.length;
    assert.deepEqual([await listedFor('demo'), await listedFor('nobody')], [1, 0]);
    const seen = world.up.seen.at(-1)!;
    assert.match(await cli('streams', 'cancel', id), /is cancelled after 2 events/);
    await world.gate.until('the provider to be told', () => seen.closedAtMs !== null);
    assert.equal(await reading.ended, 'broken');
    let entry: any = null;
    await world.gate.until('the entry', async () => {
      entry = await world.gate.admin('GET', `/calls/${id}`).catch(() => null);
      return entry !== null;
    });
    assert.deepEqual(
      [entry.status, entry.cancelledBy, entry.errorCode],
      ['cancelled', 'operator', 'operator_cancelled'],
    );
    const { entries } = await world.gate.admin('GET', '/audit?limit=5');
    assert.ok(entries.some((one: any) => one.action === 'stream.cancel' && one.subject === id));
    await assert.rejects(world.gate.admin('POST', `/streams/${id}/cancel`), /404/);
  });

  test('each ending is counted, with its tokens and its money, as the ledger sums them', async () => {
    for (let i = 0; i < 3; i++) await (await call(WHOLE)).ended;
    await (
      await call([start, text, 20, 'cut'])
    ).ended;
    const left = await call([start, text, 8_000], false);
    await until(left);
    left.leave();
    const abandoned = await call([start, text, 8_000]);
    await until(abandoned);
    abandoned.leave();
    const resumed = await call([start, text, 400, finish, usage, end]);
    await until(resumed);
    resumed.leave();
    const again = await openWith(world.gate, {
      ...{ method: 'GET', path: `/v1/streams/${callIdOf(resumed)}` },
      headers: { 'last-event-id': lastIdOf(resumed.text()) },
    });
    await again.ended;
    let report: any;
    await world.gate.until('eight streams', async () => {
      report = await world.gate.admin('GET', '/streams/report?since=1h&by=protocol');
      return report.total.all.streams === 8;
    });
    const counts = Object.fromEntries(
      Object.entries(report.total.endings).map(([name, { streams }]: any) => [name, streams]),
    );
    assert.deepEqual(counts, { ok: 4, truncated: 1, client_gone: 1, abandoned: 1, operator: 1 });
    assert.equal(report.total.resumed.streams, 1);
    assert.equal(report.lines.length, 1);
    assert.deepEqual(report.lines[0].by, ['sse']);
    const spend = await world.gate.admin('GET', '/spend?since=1h&by=tenant&figures=sums');
    assert.equal(report.total.all.outputTokens, spend.rows[0].outputTokens);
    // A window between two times; one that ends before they began has none.
    const between = async (from: number, to: number): Promise<number> =>
      (await world.gate.admin('GET', `/streams/report?from=${from}&to=${to}`)).total.all.streams;
    const now = Date.now();
    assert.deepEqual([await between(now - 3_600_000, now), await between(now - 7_200_000, now - 3_600_000)], [8, 0]);
    assert.equal(Date.parse(report.window.to) - Date.parse(report.window.from), 3_600_000, 'what was asked for');
    const drawn = await cli('streams', 'report', '--since', '1h', '--by', 'protocol,client');
    assert.match(drawn, /^protocol +client +streams/m);
    assert.match(drawn, /^total +8 +4 +1 +0 +0 +1 +1 +1 +1 /m);
    assert.match(drawn, /hint: headgate /);
    await assert.rejects(world.gate.admin('GET', '/streams/report?by=colour'), /400/);
  });
});

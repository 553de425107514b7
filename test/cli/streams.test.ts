import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { startFaultProxy, type FaultProxy } from '#lab/fault-proxy/fault-proxy.ts';
import { startEchoGate, type EchoGate } from '../streams/echo-gate.ts';

const BIN = join(import.meta.dirname, '../../bin/headgate.js');

/** util-linux's, in every Debian: it runs a program in a terminal. */
const scriptSkip =
  spawnSync('script', ['--version']).status === 0 ? false : 'skipped: util-linux’s `script` is not installed';

describe('headgate streams doctor', { concurrency: 3 }, () => {
  let echo: EchoGate;
  let held: FaultProxy;
  before(async () => {
    echo = await startEchoGate();
    held = await startFaultProxy({ target: echo.gate.url, plan: { toClient: { holdBytes: 100_000 } } });
  });
  after(async () => {
    await held?.close();
    await echo?.gate.stop();
  });

  async function run(...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
    const env = { PATH: process.env['PATH'] ?? '', HEADGATE_DATA: join(echo.gate.dataDir, 'state') };
    const child = spawn(process.execPath, [BIN, 'streams', 'doctor', ...args], {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk));
    const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
    return { code, stdout, stderr };
  }

  test('a way that breaks a bound ends with 3 under --ci, and says which hop it was', async () => {
    const args = [held.url, echo.gate.url, '--open', '--quick', '--ci', '--bound', 'websocket=opens', '--json'];
    const { code, stdout, stderr } = await run(...args);
    assert.equal(code, 3, stderr);
    const report = JSON.parse(stdout);
    const [outer, inner] = report.ways;
    const broken = (way: any): string[] => way.bounds.filter((one: any) => one.broken).map((one: any) => one.name);
    assert.deepEqual(broken(outer), ['lag', 'offset', 'heartbeat', 'websocket']);
    assert.deepEqual(broken(inner), []);
    const hop = report.hops.find(({ id }: any) => id === 'sse.delivery');
    assert.equal(hop.from, `${held.url}/`);
    assert.equal(hop.to, `${echo.gate.url}/`);
    assert.match(report.leftOut, /--quick/);
    assert.equal(outer.recommendation.protocol, 'none');
    assert.equal(inner.recommendation.protocol, 'sse');
    const { tickets } = await echo.gate.admin('GET', '/streams/echo-tickets');
    assert.equal(tickets.length, 1, 'the ticket of the run is closed; the test’s own is left');
  });

  test('a good way ends with 0, in words and in Markdown with a base URL of an SDK', async () => {
    const ticket = ['--ticket', echo.ticket, '--quick'];
    // One after the other: a ticket opens so many connections and no more, and each run opens many at once.
    const words = await run(echo.gate.url, ...ticket, '--ci');
    const more = ['--markdown', '--tokens-per-second', '100', '--price', '15'];
    const markdown = await run(`${echo.gate.url}/v1`, ...ticket, ...more);
    assert.deepEqual([words.code, markdown.code], [0, 0], words.stderr + markdown.stderr);
    assert.match(words.stdout, /^good +SSE +buffering +8 of 8 events/m);
    assert.match(words.stdout, /^Use server-sent events/m);
    assert.match(words.stdout, /bound lag=500ms: .* kept/);
    assert.match(words.stdout, /^good +gRPC +call +a call comes to the gate, and its status back$/m);
    assert.match(words.stdout, /^good +gRPC-Web +call +a call comes to the gate, and its status back$/m);
    assert.match(markdown.stdout, /^\| websocket \| upgrade \| good \| 3 of 3 open with 101 \|$/m);
    assert.ok(!words.stdout.includes(echo.ticket) && !markdown.stdout.includes(echo.ticket));
  });

  test('a run takes what its longest silence takes, and the streams of gRPC are measured beside it', async () => {
    const { code, stdout, stderr } = await run(echo.gate.url, '--ticket', echo.ticket, '--gap', '15s', '--json');
    assert.equal(code, 0, stderr);
    const [way] = JSON.parse(stdout).ways;
    assert.ok(way.tookMs > 15_000 && way.tookMs < 25_000, `${way.tookMs} ms`);
    const states = (of: string): unknown =>
      way.findings.filter(({ id }: any) => id.startsWith(of)).map(({ id, state }: any) => `${id} ${state}`);
    const rows = ['call', 'delivery', 'idle', 'heartbeat', 'cancel'];
    for (const protocol of ['grpc', 'grpc-web'])
      assert.deepEqual(
        states(`${protocol}.`),
        rows.map((row) => `${protocol}.${row} good`),
      );
    assert.deepEqual(
      stderr.split('\n').filter((line) => line.includes('to go')),
      [],
      'a pipe gets each step once',
    );
  });

  test('on a terminal it says how long it still takes', { skip: scriptSkip }, async () => {
    const command = [process.execPath, BIN, 'streams', 'doctor', echo.gate.url, '--ticket', echo.ticket, '--gap', '3s'];
    const child = spawn('script', ['-qec', `${command.join(' ')} >/dev/null`, '/dev/null'], {
      env: { PATH: process.env['PATH'] ?? '', HEADGATE_DATA: join(echo.gate.dataDir, 'state'), TERM: 'xterm' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let shown = '';
    child.stdout.on('data', (chunk: Buffer) => (shown += chunk));
    await new Promise((resolve) => child.once('close', resolve));
    assert.match(shown, /measuring \S.*, about 4 s to go/);
    assert.match(shown, /about 2 s to go/);
    assert.ok(shown.endsWith('\r\u001b[K'), 'the line is wiped at the end');
  });

  test('what is missing or wrong is named, with 2 or 1', async () => {
    const [none, shut, wrong, bound, away, hop] = await Promise.all([
      run(),
      run(echo.gate.url),
      run(echo.gate.url, '--ticket', 'hge_nobody'),
      run(echo.gate.url, '--open', '--bound', 'speed=1'),
      run('http://127.0.0.1:9', '--ticket', 'x'),
      run(echo.gate.url, '--open', '--hop', 'squid'),
    ]);
    assert.deepEqual([none.code, shut.code, bound.code, hop.code], [2, 2, 2, 2]);
    assert.deepEqual([wrong.code, away.code], [1, 1]);
    assert.match(shut.stderr, /hint: add --open/);
    assert.match(wrong.stderr, /error no_echo: An answer of 404/);
    assert.match(bound.stderr, /expected one of lag=<duration>/);
    assert.match(away.stderr, /error way_unreachable: .*ECONNREFUSED/);
    assert.match(hop.stderr, /known are nginx/);
  });
});

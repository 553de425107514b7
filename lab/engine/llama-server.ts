/**
 * llama.cpp's own `llama-server`, a second upstream that we did not write, on the generated model.
 * `node lab/engine/llama-server.ts build` builds it from the source that node-llama-cpp ships (a git bundle), which
 * takes about 20 minutes of one core; `node lab/engine/llama-server.ts start [--port N]` starts it.
 * No npm package that was found carries the binary, and it is never committed: it lives below `models/`.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { DEFAULT_MODEL, ensureModel } from './model-file.ts';
import type { EngineProcess } from './process.ts';
import { INSTALL_COMMAND } from './process.ts';

const FOLDER = join(import.meta.dirname, 'models');
const SOURCE = join(FOLDER, 'llama.cpp');
const BUILD = join(FOLDER, 'llama-server-build');
const BUNDLE = join(import.meta.dirname, 'node_modules/node-llama-cpp/llama/gitRelease.bundle');

/** Where the binary is, or would be. */
export const LLAMA_SERVER = join(BUILD, 'bin/llama-server');

/** A line for a skipped test; false when the binary is there. */
export const llamaServerMissing = (): string | false =>
  existsSync(LLAMA_SERVER) ? false : 'llama-server is not built: node lab/engine/llama-server.ts build';

/** The web page needs a download, TLS a library; one static binary needs neither. */
const CMAKE_FLAGS = [
  '-DCMAKE_BUILD_TYPE=Release',
  '-DLLAMA_BUILD_UI=OFF',
  '-DLLAMA_OPENSSL=OFF',
  '-DBUILD_SHARED_LIBS=OFF',
  '-DLLAMA_BUILD_TESTS=OFF',
  '-DLLAMA_BUILD_EXAMPLES=OFF',
];
/** Loading the nano model takes well under a second; a busy machine gets this long. */
const START_LIMIT_MS = 30_000;

/** Lowest priority: the build must not disturb what else the machine measures. */
function run(command: string, args: readonly string[]): void {
  const { status, error } = spawnSync('nice', ['-n', '19', command, ...args], { stdio: ['ignore', 2, 2] });
  if (status !== 0) throw new Error(`${command} ${args[0]} failed: ${error?.message ?? `exit ${status}`}`);
}

/** Builds the binary when it is absent. Needs git, cmake, a C++ compiler; downloads nothing. */
export function buildLlamaServer(jobs = 1): string {
  if (existsSync(LLAMA_SERVER)) return LLAMA_SERVER;
  if (!existsSync(BUNDLE)) throw new Error(`the engine is not installed: ${INSTALL_COMMAND}`);
  mkdirSync(FOLDER, { recursive: true });
  if (!existsSync(SOURCE)) run('git', ['clone', '--quiet', BUNDLE, SOURCE]);
  run('cmake', ['-S', SOURCE, '-B', BUILD, ...CMAKE_FLAGS]);
  run('cmake', ['--build', BUILD, '--target', 'llama-server', '-j', String(jobs)]);
  return LLAMA_SERVER;
}

/** llama-server does not print the port that it chose for 0, so one is found first. */
async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}

async function waitForHealth(port: number, exited: () => boolean): Promise<void> {
  const endMs = Date.now() + START_LIMIT_MS;
  while (Date.now() < endMs && !exited()) {
    const healthy = await fetch(`http://127.0.0.1:${port}/health`).then(
      (response) => response.ok,
      () => false,
    );
    if (healthy) return;
    await sleep(50);
  }
  throw new Error(exited() ? 'llama-server ended before it listened' : 'llama-server did not become healthy');
}

export interface LlamaServerOptions {
  /** 0 (default): a free port. */
  readonly port?: number;
  readonly slots?: number;
  readonly contextTokensPerSlot?: number;
}

/** Starts the binary on the generated nano model: chat, messages, embeddings, `/metrics`, one thread. */
export async function startLlamaServer(options: LlamaServerOptions = {}): Promise<EngineProcess> {
  const missing = llamaServerMissing();
  if (missing !== false) throw new Error(missing);
  const { slots = 4, contextTokensPerSlot = 2048 } = options;
  const port = options.port || (await freePort());
  const model = `headgate-${DEFAULT_MODEL.shape}`;
  const flags: Record<string, string | number> = {
    '-m': ensureModel(FOLDER, DEFAULT_MODEL),
    '--alias': model,
    '--host': '127.0.0.1',
    '--port': port,
    // More than one thread spins: up to 300 times slower on a busy two-core machine (measured).
    '-t': 1,
    '-tb': 1,
    '-np': slots,
    '-c': slots * contextTokensPerSlot,
  };
  const args = Object.entries(flags).flatMap(([flag, value]) => [flag, String(value)]);
  const child = spawn(LLAMA_SERVER, [...args, '--metrics', '--jinja'], { stdio: 'ignore' });
  const exit = once(child, 'exit');
  await waitForHealth(port, () => child.exitCode !== null);
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    await exit;
  };
  return { baseUrl: `http://127.0.0.1:${port}/v1`, model, pid: child.pid ?? 0, stop };
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { port: { type: 'string', default: '0' }, jobs: { type: 'string', default: '1' } },
  });
  if (positionals[0] === 'build') {
    process.stdout.write(`${buildLlamaServer(Number(values.jobs))}\n`);
  } else if (positionals[0] === 'start') {
    const server = await startLlamaServer({ port: Number(values.port) });
    const listening = Number(new URL(server.baseUrl).port);
    process.stdout.write(`${JSON.stringify({ listening, model: server.model, pid: server.pid })}\n`);
    for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, () => void server.stop());
  } else {
    process.stderr.write('error: build or start?\nhint: node lab/engine/llama-server.ts build\n');
    process.exitCode = 2;
  }
}

if (import.meta.main) {
  await main().catch((error: unknown) => {
    process.stderr.write(`error: ${(error as Error).message}\n`);
    process.exitCode = 1;
  });
}

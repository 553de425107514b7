/** A child process that prints `{"listening": port}` and serves: how tests and benches hold the engine. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** What installs the engine; it is no part of the product's own install. */
export const INSTALL_COMMAND = 'npm ci --prefix lab/engine --ignore-scripts';

/** Whether the engine's own packages are there. */
export const isEngineInstalled = (): boolean =>
  existsSync(join(import.meta.dirname, 'node_modules/node-llama-cpp')) &&
  existsSync(join(import.meta.dirname, 'node_modules/@node-llama-cpp/linux-x64'));

export interface EngineProcess {
  /** `http://127.0.0.1:port/v1`. */
  readonly baseUrl: string;
  readonly model: string;
  readonly pid: number;
  readonly stop: () => Promise<void>;
}

/** Starts `run.ts` with these arguments. Rejects when it ends before it listens. */
export async function startEngine(args: readonly string[] = []): Promise<EngineProcess> {
  const script = join(import.meta.dirname, 'run.ts');
  const child = spawn(process.execPath, [script, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  const line = await Promise.race([
    once(createInterface(child.stdout), 'line').then(([text]) => String(text)),
    exited.then(([code]) => Promise.reject(new Error(`the engine ended with code ${code} before it listened`))),
  ]);
  const { listening, model } = JSON.parse(line) as { listening: number; model: string };
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    await exited;
  };
  return { baseUrl: `http://127.0.0.1:${listening}/v1`, model, pid: child.pid ?? 0, stop };
}

import { spawn } from 'node:child_process';
import { join } from 'node:path';
import type { GateProcess } from './gate-process.ts';

const BIN = join(import.meta.dirname, '../../bin/headgate.js');

/** A command as a person runs it beside a gate: its exit code and what it wrote. */
export async function headgate(args: readonly string[], { dataDir }: Pick<GateProcess, 'dataDir'>) {
  const env = { PATH: process.env['PATH'] ?? '', HEADGATE_DATA: join(dataDir, 'state'), TZ: 'UTC' };
  const child = spawn(process.execPath, [BIN, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let [out, err] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (out += chunk));
  child.stderr.on('data', (chunk: Buffer) => (err += chunk));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, out, err };
}

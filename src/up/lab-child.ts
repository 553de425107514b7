import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

export interface LabChild {
  readonly url: string;
  stop(): void;
}

const root = join(import.meta.dirname, '..', '..');
const SCRIPTS = [
  join(root, 'lab', 'provider', 'main.ts'),
  join(root, 'dist', 'lab', 'provider', 'main.js'),
  join(import.meta.dirname, '..', 'lab', 'provider', 'main.js'),
];
/** The lab is a small server: it listens within this time or does not work. */
const START_MS = 15_000;

/** Starts the simulated provider as a child process on a free port; it ends with us. */
export async function startLab(): Promise<LabChild> {
  const script = SCRIPTS.find((path) => existsSync(path));
  if (!script) throw new Error('the lab provider is not part of this installation');
  const child = spawn(process.execPath, [script, '--port', '0'], { stdio: ['ignore', 'pipe', 'inherit'] });
  process.once('exit', () => child.kill());
  const port = await listening(child);
  return { url: `http://127.0.0.1:${port}/v1`, stop: () => child.kill() };
}

function listening(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('the lab provider did not start in 15 s')), START_MS);
    let text = '';
    child.stdout!.on('data', (chunk: Buffer) => {
      text += chunk;
      const port = /"listening":\s*(\d+)/.exec(text)?.[1];
      if (!port) return;
      clearTimeout(timer);
      resolve(Number(port));
    });
    child.on('exit', (code) => reject(new Error(`the lab provider ended with ${code}`)));
  });
}

/** A reader of the guides: a fresh folder with `headgate` in it, a gate that serves from it, and a shell. */
import { execFileSync, spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { once } from 'node:events';
import { startProvider } from '#lab/provider/provider.ts';

const root = join(import.meta.dirname, '..', '..');
/** The guides' providers under their own names, answered by the simulated one. */
const config = (url: string): string => `
providers:
  openai: { kind: lab, baseUrl: "${url}/v1" }
  anthropic: { kind: lab, baseUrl: "${url}/v1" }
  google: { kind: lab, baseUrl: "${url}/v1" }
  local: { kind: lab, baseUrl: "${url}/v1" }
models:
  gpt-*: { deployments: [{ provider: openai, model: lab-small }] }
  claude-lab: { deployments: [{ provider: anthropic, model: lab-small }] }
  gpt-5-mini: { deployments: [{ provider: openai, model: lab-small }] }
  claude-*: { deployments: [{ provider: anthropic, model: lab-small }] }
  gemini-*: { deployments: [{ provider: google, model: lab-small }] }
  qwen3-32b: { deployments: [{ provider: local, model: lab-small }] }
features: { search: {}, support: {}, docs: { cache: { ttl: 1h } } }
prices: [{ provider: "*", model: "lab-*", perMillion: { input: "1", output: "2", cachedRead: "0.1" } }]
listen: { port: 0 }
`;

/** Of the first start; of the clients' pages, which know one tenant; of all others. */
export type ReaderKind = 'lab' | 'clients' | 'guides';

export interface Reader {
  readonly kind: ReaderKind;
  readonly folder: string;
  readonly url: string;
  readonly key: string;
  /** Runs a script as the reader pastes it: in the folder, one shell, stopping at the first failure. */
  shell(script: string, env?: Readonly<Record<string, string>>): Promise<{ code: number | null; output: string }>;
  close(): Promise<void>;
}

/** `lab`: as the first start without a file; else with the file of the guides. */
export async function startReader(kind: ReaderKind, files: Readonly<Record<string, string>> = {}): Promise<Reader> {
  const folder = kind === 'lab' ? cloneLike() : mkdtempSync(join(tmpdir(), 'headgate-reader-'));
  if (kind !== 'lab') installLike(folder);
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  const provider = await startProvider({ seed: 20261125 });
  if (kind !== 'lab') writeFileSync(join(folder, 'headgate.yaml'), config(provider.url));
  const env = {
    PATH: `${join(folder, 'node_modules/.bin')}:${process.env['PATH'] ?? ''}`,
    HOME: folder,
    TERM: 'dumb',
    NO_COLOR: '1',
  };
  const args = [join(root, 'bin/headgate.js'), 'up', '--port', '0', ...(kind === 'lab' ? ['--lab'] : [])];
  const gate = spawn(process.execPath, args, { cwd: folder, env, stdio: ['ignore', 'pipe', 'inherit'] });
  let printed = '';
  await new Promise<void>((resolve, reject) => {
    gate.stdout.on('data', (chunk: Buffer) => {
      printed += chunk;
      if (/demo key/.test(printed)) resolve();
    });
    gate.once('exit', (code) => reject(new Error(`the gate ended with ${code}\n${printed}`)));
  });
  const url = /listens on (http:\/\/\S+)/.exec(printed)![1]!;
  const key = /demo key\s+(\S+)/.exec(printed)![1]!;
  const shell = async (script: string, more = {}): Promise<{ code: number | null; output: string }> => {
    const child = spawn('bash', ['-euo', 'pipefail', '-c', script], {
      cwd: folder,
      env: { ...env, ...more },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk));
    const limit = setTimeout(() => child.kill('SIGKILL'), 240_000);
    const [code] = await once(child, 'close');
    clearTimeout(limit);
    return { code: code as number | null, output };
  };
  const close = async (): Promise<void> => {
    const exited = once(gate, 'exit');
    gate.kill('SIGTERM');
    await exited;
    await provider.close();
    rmSync(folder, { recursive: true, force: true });
  };
  return { kind, folder, url, key, shell, close };
}

/** What a clone has after `npm ci`: the tracked files, and the packages. */
function cloneLike(): string {
  const folder = mkdtempSync(join(tmpdir(), 'headgate-clone-'));
  const tracked = execFileSync('git', ['ls-files', 'bin', 'src', 'lab', 'docs', '*.json', '*.md'], {
    cwd: root,
    encoding: 'utf8',
  });
  for (const file of tracked.split('\n').filter(Boolean)) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    cpSync(join(root, file), join(folder, file));
  }
  installLike(folder);
  return folder;
}

/** The packages of this checkout, and `headgate` among their commands as npm would link it. */
function installLike(folder: string): void {
  const bin = join(folder, 'node_modules/.bin');
  mkdirSync(bin, { recursive: true });
  symlinkSync(join(root, 'bin/headgate.js'), join(bin, 'headgate'));
  for (const name of readdirSync(join(root, 'node_modules'))) {
    if (!name.startsWith('.')) symlinkSync(join(root, 'node_modules', name), join(folder, 'node_modules', name));
  }
  symlinkSync(join(root, 'node_modules/.bin/node'), join(bin, 'node'));
}

export const readPage = (page: string): string => readFileSync(join(root, page), 'utf8');

import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';

/** A gate in a process of its own, on a data folder of its own: what a user runs. */
export interface GateProcess {
  readonly url: string;
  readonly adminToken: string;
  /** The demo key; '' where the folder had keys already. */
  readonly key: string;
  readonly dataDir: string;
  readonly child: ChildProcess;
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** A call of the admin API; throws on an error status. */
  admin(method: string, path: string, body?: unknown): Promise<any>;
  /** Polls until `check` is true; throws after 15 s. */
  until(what: string, check: () => Promise<boolean> | boolean): Promise<void>;
  /** SIGTERM, and the exit code. */
  stop(): Promise<number | null>;
  kill(): Promise<void>;
}

export interface GateStart {
  /** headgate.yaml without `dataDir` and `listen`. */
  readonly config: string;
  /** Kept from an earlier start; made where absent. */
  readonly dataDir?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly nodeArgs?: readonly string[];
  /** The same port after a restart; default: any free one. */
  readonly port?: number;
  /** Another address than loopback's: the configuration says its admin token then. */
  readonly host?: string;
  /** Another user than the one who tests; needs root. The folder must be that user's. */
  readonly uid?: number;
}

const OUTSIDE_TOKEN = 'hga_of_a_gate_that_listens_beyond_loopback';
const root = join(import.meta.dirname, '..', '..');

export const temporaryFolder = (name: string): string => mkdtempSync(join(tmpdir(), `headgate-${name}-`));

export async function startGate(start: GateStart): Promise<GateProcess> {
  const own = start.dataDir === undefined;
  const dataDir = start.dataDir ?? temporaryFolder('data');
  const configPath = join(dataDir, 'headgate.yaml');
  const outside = start.host === undefined ? '' : `admin: { token: "\${env:GATE_TEST_TOKEN}" }\n`;
  const listen = `listen: { port: ${start.port ?? 0}, host: ${start.host ?? '127.0.0.1'} }`;
  writeFileSync(configPath, `${start.config}\ndataDir: ${dataDir}/state\n${outside}${listen}\n`);
  const child = spawn(
    process.execPath,
    [...(start.nodeArgs ?? []), join(root, 'bin/headgate.js'), 'up', '--config', configPath],
    {
      env: {
        ...process.env,
        NODE_ENV: 'test',
        HEADGATE_CONFIG: configPath,
        GATE_TEST_TOKEN: OUTSIDE_TOKEN,
        ...start.env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(start.uid !== undefined && { uid: start.uid, gid: start.uid }),
    },
  );
  const cleanUp = (): void => {
    child.kill('SIGKILL');
    if (own) rmSync(dataDir, { recursive: true, force: true });
  };
  process.once('exit', cleanUp);
  let [stdout, stderr] = ['', ''];
  child.stderr!.on('data', (chunk: Buffer) => (stderr += chunk));
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout!.on('data', (chunk: Buffer) => {
      stdout += chunk;
      const found = /listens on (http:\/\/\S+)[\s\S]*models/.exec(stdout)?.[1];
      if (found) resolve(found);
    });
    child.once('exit', (code, signal) =>
      reject(new Error(`the gate ended with ${code ?? signal}\n${stdout}${stderr}`)),
    );
  });
  const adminToken =
    start.host === undefined ? readFileSync(join(dataDir, 'state', 'admin.token'), 'utf8').trim() : OUTSIDE_TOKEN;
  const exited = once(child, 'exit');
  const gate: GateProcess = {
    url,
    adminToken,
    key: /demo key\s+(\S+)/.exec(stdout)?.[1] ?? '',
    dataDir,
    child,
    stdout: () => stdout,
    stderr: () => stderr,
    admin: async (method, path, body) => {
      const response = await fetch(`${url}/admin${path}`, {
        method,
        headers: {
          authorization: `Bearer ${adminToken}`,
          ...(body !== undefined && { 'content-type': 'application/json' }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      if (!response.ok) throw new Error(`${method} /admin${path}: ${response.status} ${text}`);
      return text === '' ? null : JSON.parse(text);
    },
    until: async (what, check) => {
      for (let i = 0; i < 300; i++) {
        if (await check()) return;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      throw new Error(`${what}: not within 15 s\n${stderr}`);
    },
    stop: async () => {
      child.kill('SIGTERM');
      const [code] = await exited;
      process.off('exit', cleanUp);
      if (own) rmSync(dataDir, { recursive: true, force: true });
      return code as number | null;
    },
    kill: async () => {
      child.kill('SIGKILL');
      await exited;
      // Its own folder is still removed at the end.
      if (!own) process.off('exit', cleanUp);
    },
  };
  return gate;
}

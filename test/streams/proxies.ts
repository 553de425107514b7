/** Real proxies from the system's packages, each with a configuration of its own in a folder of its own. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Site {
  /** Where the proxy is to listen, on loopback. */
  readonly port: number;
  /** The gate's. */
  readonly target: number;
  readonly dir: string;
  /** Null: in clear. Over TLS each offers HTTP/2 and HTTP/1.1 by ALPN. */
  readonly tls: TlsFiles | null;
}

export interface TlsFiles {
  readonly key: string;
  readonly cert: string;
  /** Both in one file. */
  readonly both: string;
}

export interface ProxyProgram {
  readonly product: 'nginx' | 'haproxy' | 'apache' | 'varnish' | 'caddy';
  readonly binary: string;
  /** Files to write: name to text. */
  readonly files: (site: Site) => Readonly<Record<string, string>>;
  readonly args: (site: Site) => readonly string[];
}

export interface RunningProxy {
  readonly url: string;
  readonly stop: () => Promise<void>;
}

/** Where Debian puts it, which is not in everybody's PATH. */
const PLACES = ['/usr/sbin', '/usr/bin', '/usr/local/sbin', '/usr/local/bin'];

export const binaryOf = (name: string): string | null =>
  PLACES.map((place) => join(place, name)).find((path) => existsSync(path)) ?? null;

export async function startProxy(
  program: ProxyProgram,
  target: string,
  tls: TlsFiles | null = null,
): Promise<RunningProxy> {
  const dir = mkdtempSync(join(tmpdir(), `headgate-${program.product}-`));
  // Varnish gives its rights up, and must still read its own folder.
  chmodSync(dir, 0o755);
  const site = { port: await freePort(), target: Number(new URL(target).port), dir, tls };
  for (const [name, text] of Object.entries(program.files(site))) writeFileSync(join(dir, name), text);
  const child = spawn(binaryOf(program.binary)!, program.args(site), {
    cwd: dir,
    env: { ...process.env, HOME: dir, XDG_CONFIG_HOME: dir, XDG_DATA_HOME: dir },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout!, child.stderr!]) stream.on('data', (chunk: Buffer) => (said += chunk));
  const exited = once(child, 'exit');
  const cleanUp = (): void => void child.kill('SIGKILL');
  process.once('exit', cleanUp);
  const stop = async (): Promise<void> => {
    process.off('exit', cleanUp);
    await ended(child, exited);
    rmSync(dir, { recursive: true, force: true });
  };
  const base = tls === null ? 'http://127.0.0.1' : 'https://localhost';
  if (await listens(site.port, child)) return { url: `${base}:${site.port}`, stop };
  await stop();
  throw new Error(`${program.product} does not listen\n${said}`);
}

/** A quick end: open streams are what the tests leave behind. */
async function ended(child: ChildProcess, exited: Promise<unknown>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  const hard = setTimeout(() => child.kill('SIGKILL'), 3_000);
  await exited;
  clearTimeout(hard);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Varnish compiles its configuration with a C compiler: 20 s on a busy machine. */
async function listens(port: number, child: ChildProcess): Promise<boolean> {
  for (let i = 0; i < 400 && child.exitCode === null; i++) {
    if (await accepts(port)) return true;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return false;
}

const accepts = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });

/** The first words that a program says about its version. */
export const versionOf = (binary: string, flag: string): string => {
  const { stdout, stderr } = spawnSync(binaryOf(binary)!, [flag], { encoding: 'utf8' });
  return `${stdout}${stderr}`.split('\n')[0]!;
};

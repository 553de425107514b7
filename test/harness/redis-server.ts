import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A server of its own for a test, on a free port, that keeps nothing on disk. */
export interface RedisServer {
  readonly url: string;
  readonly child: ChildProcess;
  /** `kill -9`: what it had is lost. */
  kill(): Promise<void>;
  /** Another one on the same port, empty. */
  restart(): Promise<RedisServer>;
}

export const BINARY =
  ['valkey-server', 'redis-server']
    .flatMap((name) => ['/usr/bin', '/usr/local/bin'].map((place) => join(place, name)))
    .find((path) => existsSync(path)) ?? null;

export const redisSkip: string | false = BINARY === null && 'valkey-server or redis-server is not installed';

export interface RedisStart {
  /** The same port after a restart; default: any free one. */
  readonly port?: number;
  readonly password?: string;
}

export async function startRedis({ port, password }: RedisStart = {}): Promise<RedisServer> {
  const own = port ?? (await freePort());
  const guard = password === undefined ? [] : ['--requirepass', password];
  const dir = mkdtempSync(join(tmpdir(), 'headgate-redis-'));
  const args = [
    '--port',
    String(own),
    '--bind',
    '127.0.0.1',
    '--save',
    '',
    '--appendonly',
    'no',
    '--dir',
    dir,
    ...guard,
  ];
  const child = spawn(BINARY!, args, { stdio: 'ignore' });
  const exited = once(child, 'exit');
  const cleanUp = (): void => {
    child.kill('SIGKILL');
    rmSync(dir, { recursive: true, force: true });
  };
  process.once('exit', cleanUp);
  await listens(own, child);
  return {
    url: `redis://127.0.0.1:${own}`,
    child,
    kill: async () => {
      cleanUp();
      await exited;
      process.off('exit', cleanUp);
    },
    restart: () => startRedis({ port: own, ...(password !== undefined && { password }) }),
  };
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

export async function listens(port: number, child: ChildProcess): Promise<void> {
  for (let i = 0; i < 200 && child.exitCode === null; i++) {
    const socket = connect(port, '127.0.0.1');
    const is = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    });
    socket.destroy();
    if (is) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(`no server listens on port ${port}`);
}

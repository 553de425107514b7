import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { BINARY, freePort, listens } from './redis-server.ts';

/** Nodes of a cluster of its own for a test: three that have slots, and a replica of one of them. */
export interface RedisCluster {
  readonly urls: readonly string[];
  /** Which of the three has a key. */
  nodeOf(key: string): number;
  /** What a node says to a command; text. */
  cli(node: number, ...args: string[]): string;
  /** `kill -9`. */
  kill(node: number): Promise<void>;
  stop(): Promise<void>;
}

const SLOTS = 16_384;
const MAINS = 3;
/** A node that says nothing for so long is taken for dead by the others. */
const NODE_TIMEOUT_MS = 1_000;

/** `replicated`: a key, whose node is the one with a replica; default: the first. */
export async function startRedisCluster(replicated?: string): Promise<RedisCluster> {
  const dir = mkdtempSync(join(tmpdir(), 'headgate-cluster-'));
  const ports: number[] = [];
  const children: ChildProcess[] = [];
  for (let i = 0; i <= MAINS; i++) ports.push(await freePort());
  for (const [i, port] of ports.entries()) {
    // The bus of a node is 10,000 above its port by default, which a free port may be too high for.
    const bus = await freePort();
    const args = [
      ...['--port', String(port), '--cluster-port', String(bus), '--bind', '127.0.0.1', '--save', ''],
      ...['--cluster-enabled', 'yes', '--cluster-config-file', join(dir, `nodes-${i}.conf`)],
      ...['--cluster-node-timeout', String(NODE_TIMEOUT_MS), '--cluster-require-full-coverage', 'no'],
      ...['--cluster-replica-validity-factor', '0', '--repl-diskless-sync-delay', '0', '--dir', dir],
    ];
    const child = spawn(BINARY!, args, { stdio: 'ignore' });
    children.push(child);
    await listens(port, child);
    if (i > 0) cliAt(ports[0]!, 'CLUSTER', 'MEET', '127.0.0.1', String(port), String(bus));
  }
  const stop = async (): Promise<void> => {
    process.off('exit', cleanUp);
    cleanUp();
  };
  const cleanUp = (): void => {
    for (const child of children) child.kill('SIGKILL');
    rmSync(dir, { recursive: true, force: true });
  };
  process.once('exit', cleanUp);
  for (let i = 0; i < MAINS; i++) {
    const [from, to] = [i, i + 1].map((part) => Math.floor((SLOTS * part) / MAINS)) as [number, number];
    cliAt(ports[i]!, 'CLUSTER', 'ADDSLOTSRANGE', String(from), String(to - 1));
  }
  const nodeOf = (key: string): number =>
    Math.floor((Number(cliAt(ports[MAINS]!, 'CLUSTER', 'KEYSLOT', key)) * MAINS) / SLOTS);
  const main = cliAt(ports[replicated === undefined ? 0 : nodeOf(replicated)]!, 'CLUSTER', 'MYID').trim();
  await until(() => cliAt(ports[MAINS]!, 'CLUSTER', 'NODES').includes(`${main} `));
  await until(() => cliAt(ports[MAINS]!, 'CLUSTER', 'REPLICATE', main).includes('OK'));
  await until(() => ports.every((port) => /cluster_state:ok[\s\S]*known_nodes:4/.test(cliAt(port, 'CLUSTER', 'INFO'))));
  await until(() => cliAt(ports[MAINS]!, 'INFO', 'replication').includes('master_link_status:up'));
  return {
    urls: ports.map((port) => `redis://127.0.0.1:${port}`),
    nodeOf,
    cli: (node, ...args) => cliAt(ports[node]!, ...args),
    kill: async (node) => {
      const exited = once(children[node]!, 'exit');
      children[node]!.kill('SIGKILL');
      await exited;
    },
    stop,
  };
}

const cliAt = (port: number, ...args: string[]): string =>
  spawnSync('redis-cli', ['-p', String(port), ...args], { encoding: 'utf8' }).stdout;

async function until(is: () => boolean): Promise<void> {
  for (let i = 0; i < 300; i++) {
    if (is()) return;
    await sleep(100);
  }
  throw new Error('the cluster does not come up');
}

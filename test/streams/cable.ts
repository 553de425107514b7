import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';

/** A network namespace at the end of a cable that can be cut: no FIN, no RST, as when a laptop's lid is shut. */
export interface Cable {
  /** False: it can be laid here. */
  readonly skip: string | false;
  /** Addresses of this end and of the other. */
  readonly here: string;
  readonly there: string;
  lay(): boolean;
  cut(): void;
  remove(): void;
  /** A program of Node's at the other end. */
  run(script: string, ...args: string[]): ChildProcess;
}

const ip = (...args: string[]): boolean => spawnSync('ip', args).status === 0;

/** Names and addresses are this process's own: several suites may lay one at once. */
export function layCable(): Cable {
  const space = `hg-${process.pid}`;
  const [ours, theirs] = [`hgv${process.pid % 100_000}a`, `hgv${process.pid % 100_000}b`];
  const net = `10.213.${process.pid % 250}`;
  const [here, there] = [`${net}.1`, `${net}.2`];
  const lay = (): boolean =>
    ip('netns', 'add', space) &&
    ip('link', 'add', ours, 'type', 'veth', 'peer', 'name', theirs, 'netns', space) &&
    ip('addr', 'add', `${here}/30`, 'dev', ours) &&
    ip('link', 'set', ours, 'up') &&
    ip('-n', space, 'addr', 'add', `${there}/30`, 'dev', theirs) &&
    ip('-n', space, 'link', 'set', theirs, 'up');
  const remove = (): void => {
    ip('link', 'del', ours);
    ip('netns', 'del', space);
  };
  const possible = process.platform === 'linux' && process.getuid?.() === 0 && lay();
  remove();
  return {
    ...{ here, there, lay, remove },
    skip: possible ? false : 'skipped: a network namespace with a cable to cut needs Linux, root and `ip`',
    cut: () => assert.ok(ip('-n', space, 'link', 'set', theirs, 'down')),
    run: (script, ...args) =>
      spawn('ip', ['netns', 'exec', space, process.execPath, '-e', script, ...args], {
        stdio: ['ignore', 'pipe', 'inherit'],
      }),
  };
}

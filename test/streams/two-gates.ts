import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { startGate, temporaryFolder, type GateProcess } from '../harness/gate-process.ts';

/** Two gates that know the same keys: the second begins with a copy of the first one's folder. */
export interface TwoGates {
  readonly key: string;
  /** Of another holder in the same tenant. */
  readonly other: string;
  readonly a: GateProcess;
  readonly b: GateProcess;
  /** The first one again, on its own folder and port, after it was killed. */
  restartA(): Promise<GateProcess>;
  /** The same of either. */
  restart(gate: 'a' | 'b'): Promise<GateProcess>;
  stop(): Promise<void>;
}

export async function startTwoGates(config: string, env: Record<string, string> = {}): Promise<TwoGates> {
  const folders = [temporaryFolder('a'), temporaryFolder('b')] as const;
  const first = await startGate({ config, env, dataDir: folders[0] });
  const { key } = first;
  const made = await first.admin('POST', '/keys', { tenant: 'demo', name: 'other' });
  await first.stop();
  cpSync(join(folders[0], 'state'), join(folders[1], 'state'), { recursive: true });
  const port = Number(new URL(first.url).port);
  const [a, b] = await Promise.all([
    startGate({ config, env, dataDir: folders[0], port }),
    startGate({ config, env, dataDir: folders[1] }),
  ]);
  const all = [a, b];
  const portB = Number(new URL(b.url).port);
  const restart = async (gate: 'a' | 'b'): Promise<GateProcess> => {
    const [dataDir, own] = gate === 'a' ? [folders[0], port] : [folders[1], portB];
    const again = await startGate({ config, env, dataDir, port: own });
    all.push(again);
    return again;
  };
  return {
    ...{ key, a, b, other: made.key as string },
    restart,
    restartA: () => restart('a'),
    stop: async () => {
      for (const gate of all) if (gate.child.exitCode === null && gate.child.signalCode === null) await gate.stop();
      for (const folder of folders) rmSync(folder, { recursive: true, force: true });
    },
  };
}

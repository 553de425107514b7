import { rmSync } from 'node:fs';
import { startProvider, type Provider } from '#lab/provider/provider.ts';
import { startGate, temporaryFolder, type GateProcess } from '../harness/gate-process.ts';

/** A gate on a folder that outlives it, before two simulated providers. */
export interface DeskWorld {
  readonly a: Provider;
  readonly b: Provider;
  readonly folder: string;
  gate: GateProcess;
  /** The demo key of the first start. */
  readonly key: string;
}

export const deskConfig = (a: string, b: string): string => `
providers:
  east: { kind: lab, baseUrl: "${a}/v1" }
  west: { kind: lab, baseUrl: "${b}/v1" }
models:
  pair: { deployments: [{ provider: east, model: lab-small, order: 0 }, { provider: west, model: lab-small, order: 1 }] }
  lone: { deployments: [{ provider: east, model: lab-small }] }
  spare: { deployments: [{ provider: west, model: lab-large }] }
  "free-*": { deployments: [{ provider: west }] }
prices: [{ provider: "*", model: "*", perMillion: { input: "1", output: "2" } }]
features: { docs: {}, search: { chain: [spare] } }
retry: { attempts: 2, backoff: 0ms }
`;

export async function startDesk(more = '', env: Record<string, string> = {}): Promise<DeskWorld> {
  const [a, b] = await Promise.all([startProvider({ seed: 1 }), startProvider({ seed: 2 })]);
  const folder = temporaryFolder('desk');
  const gate = await startGate({ config: deskConfig(a.url, b.url) + more, dataDir: folder, env });
  return { a, b, folder, gate, key: gate.key };
}

/** Kills the gate and starts another on its folder. */
export async function restart(world: DeskWorld, more = '', env: Record<string, string> = {}): Promise<void> {
  await world.gate.kill();
  world.gate = await startGate({ config: deskConfig(world.a.url, world.b.url) + more, dataDir: world.folder, env });
}

export async function endDesk(world: DeskWorld | undefined): Promise<void> {
  await world?.gate.stop();
  await Promise.all([world?.a.close(), world?.b.close()]);
  if (world) rmSync(world.folder, { recursive: true, force: true });
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly json: any;
}

export async function chat(world: DeskWorld, model: string, options: ChatOptions = {}): Promise<Answer> {
  const { key = world.key, text = 'hi [[lab output=3]]', headers = {}, body = {} } = options;
  const response = await fetch(`${world.gate.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ model, max_tokens: 50, messages: [{ role: 'user', content: text }], ...body }),
  });
  const answer = await response.text();
  let json: unknown = null;
  try {
    json = JSON.parse(answer);
  } catch {
    // A stream.
  }
  return { status: response.status, headers: response.headers, text: answer, json };
}

export interface ChatOptions {
  readonly key?: string;
  readonly text?: string;
  readonly headers?: Record<string, string>;
  readonly body?: object;
}

export const served = ({ a, b }: DeskWorld): readonly [number, number] => [a.stats().seen, b.stats().seen];

export const actionsOf = async (world: DeskWorld, like: RegExp): Promise<string[]> =>
  (await world.gate.admin('GET', '/audit?limit=1000')).entries
    .map(({ action }: { action: string }) => action)
    .filter((action: string) => like.test(action))
    .reverse();

import { after, before } from 'node:test';
import { startGate, type GateProcess, type GateStart } from '../harness/gate-process.ts';
import { makeKey, VALID } from '../hostile/world.ts';
import { rawExchange, requestBytes, type PostOptions, type RawAnswer } from '../hostile/raw-http.ts';
import { startUpstream, type ScriptedUpstream } from './scripted-upstream.ts';

/** A gate before two upstreams whose bytes the test writes: `m` is the first alone, `pair` both in order. */
export interface RulesWorld {
  readonly gate: GateProcess;
  readonly first: ScriptedUpstream;
  readonly second: ScriptedUpstream;
}

export const PROVIDER_KEY = 'sk-proj-Zq81operatorsOwnKey77xyz';

const config = (first: string, second: string): string => `
providers:
  first: { kind: lab, baseUrl: "${first}/v1", apiKey: "\${env:RULES_KEY}" }
  second: { kind: lab, baseUrl: "${second}/v1" }
  patient: { kind: lab, baseUrl: "${first}/v1", onDisconnect: readOut }
models:
  m: { deployments: [{ provider: first, model: up }] }
  same: { deployments: [{ provider: first }] }
  slow: { deployments: [{ provider: patient, model: up }] }
  pair: { deployments: [{ provider: first, model: up, order: 0 }, { provider: second, model: up, order: 1 }] }
prices:
  - { provider: "*", model: "*", perMillion: { input: "1000", output: "2000", cachedRead: "100" } }
features: { search: {}, chat: {} }
retry: { attempts: 2, backoff: 0ms }
stream: { heartbeat: 300ms }
`;

/** @param more lines that follow the usual configuration */
export function inRulesWorld({ more = '', ...start }: Partial<GateStart> & { more?: string } = {}): RulesWorld {
  const world: { -readonly [K in keyof RulesWorld]: RulesWorld[K] } = {} as never;
  before(async () => {
    [world.first, world.second] = await Promise.all([startUpstream(), startUpstream()]);
    world.gate = await startGate({
      config: `${config(world.first.url, world.second.url)}\n${more}`,
      env: { RULES_KEY: PROVIDER_KEY },
      ...start,
    });
  });
  after(async () => {
    await world.gate?.stop();
    await Promise.all([world.first?.close(), world.second?.close()]);
  });
  return world;
}

/** Calls through the gate over a socket of its own. */
export const call = (
  world: RulesWorld,
  path: string,
  change: object = {},
  options: PostOptions & { readonly patienceMs?: number } = {},
): Promise<RawAnswer> =>
  rawExchange(
    world.gate.url,
    [requestBytes(JSON.stringify({ ...VALID[path], ...change }), { path, key: world.gate.key, ...options })],
    options.patienceMs === undefined ? {} : { patienceMs: options.patienceMs },
  );

/** A key whose holder is the operator, or whose tenant sees the cost. */
export async function keyOf(world: RulesWorld, tenant: string, settings: { operator?: boolean; cost?: boolean }) {
  const { cost, ...key } = settings;
  await world.gate.admin('POST', '/tenants', { id: tenant, ...(cost && { costExpose: 'cost' }) });
  return makeKey({ gate: world.gate } as never, tenant, key);
}

/** The newest entry of the ledger, once it is there. */
export async function newestEntry(world: RulesWorld, callId: string): Promise<any> {
  let entry: unknown = null;
  await world.gate.until('the entry', async () => {
    entry = await world.gate.admin('GET', `/calls/${callId}`).catch(() => null);
    return entry !== null;
  });
  return entry;
}

import { after, before } from 'node:test';
import type OpenAI from 'openai';
import type Anthropic from '@anthropic-ai/sdk';
import { startProvider, type Provider } from '#lab/provider/provider.ts';
import { startGate, type GateProcess, type GateStart } from '../harness/gate-process.ts';
import { loadSdks } from '../harness/sdks.ts';

/** One tenant with a key, and the official clients that use it. */
export interface Person {
  readonly tenant: string;
  readonly key: string;
  readonly openai: OpenAI;
  readonly anthropic: Anthropic;
}

/** A provider that keeps things, a gate before it, and two tenants. */
export interface StoredWorld {
  readonly provider: Provider;
  readonly gate: GateProcess;
  readonly ann: Person;
  readonly bob: Person;
}

/** Prices: a million tokens in cost $1, out $2; half of it in a batch. */
export const storedConfig = (url: string, more = ''): string => `
providers:
  lab: { kind: lab, baseUrl: "${url}/v1" }
models:
  small: { deployments: [{ provider: lab, model: lab-small }] }
  other: { deployments: [{ provider: lab, model: lab-other }] }
  echo: { deployments: [{ provider: lab, model: lab-echo }] }
  embed: { deployments: [{ provider: lab, model: lab-embed }] }
prices:
  - { provider: "*", model: "*", perMillion: { input: "1", output: "2", cachedRead: "0.1", cacheWrite: "1.25", cacheWrite1h: "2" } }
features: { search: {} }
${more}`;

export async function personOf(gate: GateProcess, tenant: string, settings: object = {}): Promise<Person> {
  await gate.admin('POST', '/tenants', { id: tenant }).catch(() => undefined);
  const { key } = await gate.admin('POST', '/keys', { tenant, name: `${tenant}'s key`, ...settings });
  return { tenant, key, ...(await clientsOf(gate, key)) };
}

export async function clientsOf(gate: GateProcess, key: string): Promise<Pick<Person, 'openai' | 'anthropic'>> {
  const { OpenAI, Anthropic } = await loadSdks();
  return {
    openai: new OpenAI({ apiKey: key, baseURL: `${gate.url}/v1`, maxRetries: 0 }),
    anthropic: new Anthropic({ apiKey: key, baseURL: gate.url, maxRetries: 0 }),
  };
}

export function inStoredWorld(start: Partial<GateStart> & { readonly more?: string } = {}): StoredWorld {
  const world: { -readonly [K in keyof StoredWorld]: StoredWorld[K] } = {} as never;
  before(async () => {
    world.provider = await startProvider({ seed: 20261125 });
    const { more, ...rest } = start;
    world.gate = await startGate({ config: storedConfig(world.provider.url, more), ...rest });
    world.ann = await personOf(world.gate, 'ten_ann');
    world.bob = await personOf(world.gate, 'ten_bob');
  });
  after(async () => {
    await world.gate?.stop();
    await world.provider?.close();
  });
  return world;
}

/** Every entry of a tenant, once there are so many. */
export async function entriesOf(gate: GateProcess, tenant: string, count: number): Promise<any[]> {
  let calls: any[] = [];
  await gate.until(`${count} entries of ${tenant}`, async () => {
    ({ calls } = await gate.admin('GET', `/calls?tenant=${tenant}&limit=1000`));
    return calls.length >= count;
  });
  return calls;
}

/** The status of a refusal. */
export const refused = (status: number) => (error: unknown) => (error as { status?: number }).status === status;

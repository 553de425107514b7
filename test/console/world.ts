import { rmSync } from 'node:fs';
import { startProvider, type Provider } from '#lab/provider/provider.ts';
import { startGate, temporaryFolder, type GateProcess } from '../harness/gate-process.ts';

/** A gate that has carried calls of every outcome, with two providers of which one fails. */
export interface ConsoleWorld {
  gate: GateProcess;
  readonly provider: Provider;
  readonly folder: string;
  /** Calls that were sent. */
  readonly calls: number;
  readonly keys: { readonly acme: string; readonly globex: string };
  /** Ends the gate and starts it on the same folder and port. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

const SEED = 20261125;

const config = (url: string): string => `
providers:
  steady: { kind: lab, baseUrl: "${url}/v1" }
  shaky: { kind: lab, baseUrl: "http://127.0.0.1:9/v1", headers: { x-team-secret: "s3cr3t-in-the-clear" } }
models:
  small: { deployments: [{ provider: steady, model: lab-small }] }
  fallback: { deployments: [{ provider: shaky, model: lab-large, order: 0 }, { provider: steady, model: lab-large, order: 1 }] }
  free: { deployments: [{ provider: steady, model: lab-free }] }
  embed: { deployments: [{ provider: steady, model: lab-embed }] }
prices:
  - { provider: "*", model: lab-small, perMillion: { input: "1", output: "4", cachedRead: "0.1" } }
  - { provider: "*", model: lab-large, perMillion: { input: "5", output: "25", cachedRead: "0.5" } }
  - { provider: "*", model: lab-embed, perMillion: { input: "0.5", output: "0" } }
features: { search: {}, support: {}, docs: {} }
labels: [env]
alerts:
  interval: 1s
  webhooks:
    pager: { url: "${url}/health", minSeverity: critical }
    gone: { url: "http://127.0.0.1:9/services/a-secret-path", format: slack }
  rules:
    unpriced: { kind: price-unknown, window: 1d, severity: info }
    slow-store: { kind: spool-lag, threshold: 1h, severity: critical }
    failing: { kind: error-rate, threshold: 0.9, window: 1d, each: provider, summary: "Nearly all calls of a provider fail" }
retry: { attempts: 3, backoff: 1ms }
log: { level: silent }
capture: { key: "\${env:CONSOLE_CAPTURE_KEY}" }
`;

const RIGHTS = { features: '*', endUser: true, session: true, agent: true, purpose: true, labels: ['env'] };

export async function makeWorld(): Promise<ConsoleWorld> {
  const folder = temporaryFolder('console');
  const provider = await startProvider({ seed: SEED });
  const start = (port?: number): Promise<GateProcess> =>
    startGate({
      config: config(provider.url),
      dataDir: folder,
      env: { CONSOLE_CAPTURE_KEY: 'ab'.repeat(32) },
      ...(port !== undefined && { port }),
    });
  const gate = await start();
  const keys = { acme: await makeKey(gate, 'acme'), globex: await makeKey(gate, 'globex') };
  const calls = await carry(gate, keys);
  const world: ConsoleWorld = {
    gate,
    provider,
    folder,
    keys,
    calls,
    restart: async () => {
      await world.gate.stop();
      world.gate = await start(Number(new URL(world.gate.url).port));
    },
    stop: async () => {
      await world.gate.stop();
      await provider.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  await gate.until(`${calls} calls in the store`, async () => {
    const { rows } = await gate.admin('GET', '/spend?by=tenant&figures=sums');
    return rows.reduce((sum: number, row: { calls: number }) => sum + row.calls, 0) === calls;
  });
  // What was spent counts: the second is used up from its start.
  await makeBudgets(gate);
  return world;
}

export async function makeKey(gate: GateProcess, tenant: string): Promise<string> {
  await gate.admin('POST', '/tenants', { id: tenant, name: tenant });
  await gate.admin('POST', '/teams', { tenant, name: 'web' });
  const made = await gate.admin('POST', '/keys', {
    tenant,
    team: `${tenant}.web`,
    name: `${tenant}-prod`,
    owner: 'platform@example.com',
    rights: RIGHTS,
  });
  return made.key as string;
}

async function makeBudgets(gate: GateProcess): Promise<void> {
  await gate.admin('POST', '/budgets', {
    level: 'tenant',
    tenant: 'acme',
    limitUsd: '100',
    contact: 'finops@example.com',
  });
  await gate.admin('POST', '/budgets', { level: 'tenant', tenant: 'globex', limitUsd: '0.001', window: 'day' });
  await gate.admin('POST', '/budgets', { level: 'end_user', tenant: 'acme', limitUsd: '5', window: '24h' });
}

interface Wanted {
  readonly key: string;
  readonly body: object;
  readonly headers?: Readonly<Record<string, string>>;
}

const chat = (model: string, text: string, more: object = {}): object => ({
  model,
  messages: [{ role: 'user', content: text }],
  ...more,
});

/** Calls of every kind that a page has a word for; how many were admitted. */
async function carry(gate: GateProcess, { acme, globex }: ConsoleWorld['keys']): Promise<number> {
  const wanted: Wanted[] = [];
  for (let i = 0; i < 24; i++) {
    const headers = {
      'x-headgate-feature': ['search', 'support', 'docs'][i % 3]!,
      'x-headgate-labels': `env=${i % 2 ? 'prod' : 'test'}`,
    };
    wanted.push({
      key: acme,
      body: chat('small', `Say something. [[lab output=${20 + i * 9}]]`, { stream: i % 2 === 0 }),
      headers,
    });
    wanted.push({
      key: acme,
      body: { model: 'embed', input: 'A text to embed. '.repeat(40 + i) },
      headers: { 'x-headgate-purpose': 'query' },
    });
    if (i % 4 === 0)
      wanted.push({
        key: globex,
        body: chat('fallback', `Hello. [[lab output=${30 + i}]]`, { stream: true }),
        headers,
      });
  }
  for (let i = 0; i < 6; i++) {
    const failing = i === 3 ? ' fault=500' : '';
    const headers = { 'x-headgate-session': 'task-42', 'x-headgate-agent': 'planner' };
    wanted.push({
      key: acme,
      body: chat(i % 2 ? 'small' : 'fallback', `Step ${i}. [[lab output=${40 + i}${failing}]]`),
      headers,
    });
  }
  wanted.push({ key: acme, body: chat('small', 'Cut. [[lab output=50 fault=cut@9]]', { stream: true }) });
  wanted.push({ key: acme, body: chat('free', 'No price. [[lab output=12]]') });
  const statuses: number[] = [];
  for (const batch of chunks(wanted, 8)) statuses.push(...(await Promise.all(batch.map((one) => send(gate, one)))));
  if (statuses.includes(400)) throw new Error('a call of the world is not valid');
  return statuses.length;
}

function chunks<T>(values: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(values.length / size) }, (_, i) => values.slice(i * size, (i + 1) * size));
}

export async function send(gate: GateProcess, { key, body, headers = {} }: Wanted): Promise<number> {
  const path = 'input' in body ? 'embeddings' : 'chat/completions';
  const response = await fetch(`${gate.url}/v1/${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
  await response.arrayBuffer().catch(() => null);
  return response.status;
}

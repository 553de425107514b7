import { startProvider, type Provider } from '#lab/provider/provider.ts';
import { startGate, type GateProcess } from '../harness/gate-process.ts';

/** Tenants that stand in every way a page has a word for: priced, at a loss, near a limit, used up, fallen, idle. */
export interface TenantsWorld {
  readonly gate: GateProcess;
  readonly provider: Provider;
  /** Calls that were sent, by tenant. */
  readonly calls: ReadonlyMap<string, number>;
  stop(): Promise<void>;
}

const SEED = 20_261_127;
/** Beyond a page of the list. */
const IDLE = 60;

const config = (url: string): string => `
providers: { lab: { kind: lab, baseUrl: "${url}/v1" }, spare: { kind: lab, baseUrl: "${url}/v1" } }
models:
  small: { deployments: [{ provider: lab, model: lab-small }] }
  large: { deployments: [{ provider: spare, model: lab-large }] }
prices:
  - { provider: "*", model: lab-small, perMillion: { input: "120", output: "480" } }
  - { provider: "*", model: lab-large, perMillion: { input: "700", output: "2100" } }
features: { search: {}, support: {}, docs: { quality: { rules: [failure] } } }
attribution:
  shared: { operations: { tenants: [ops], rule: requests } }
  costs: [{ name: gpus, provider: spare, kind: gpu, perMonth: "3", rule: tokens, from: 2026-01 }]
  pricing: { plans: { pro: { perMonth: "25" } }, tenants: { globex: { markup: 20 } } }
log: { level: silent }
`;

const RIGHTS = { features: '*', endUser: true };

export async function tenantsWorld(): Promise<TenantsWorld> {
  const provider = await startProvider({ seed: SEED });
  const gate = await startGate({ config: config(provider.url) });
  const stop = async (): Promise<void> => {
    await gate.stop();
    await provider.close();
  };
  try {
    return { gate, provider, calls: await filled(gate), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function filled(gate: GateProcess): Promise<ReadonlyMap<string, number>> {
  const keys = new Map<string, string>();
  for (const tenant of ['acme', 'globex', 'initech', 'umbrella', 'ops']) keys.set(tenant, await tenantOf(gate, tenant));
  for (let i = 0; i < IDLE; i++)
    await gate.admin('POST', '/tenants', { id: `idle-${String(i).padStart(2, '0')}`, name: `Idle ${i}` });
  await gate.admin('PATCH', '/tenants/idle-07', { disabled: true });
  await boundsOf(gate);
  const calls = new Map<string, number>();
  const send = async (tenant: string, feature: string | null, text: string, model = 'small'): Promise<string> => {
    calls.set(tenant, (calls.get(tenant) ?? 0) + 1);
    const response = await fetch(`${gate.url}/v1/chat/completions`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${keys.get(tenant)}`,
        'content-type': 'application/json',
        ...(feature !== null && { 'x-headgate-feature': feature }),
      },
      body: JSON.stringify({ model, stream: /cut@/.test(text), messages: [{ role: 'user', content: text }] }),
    });
    await response.arrayBuffer().catch(() => null);
    if ([400, 402, 429].includes(response.status)) throw new Error(`a call of the world got ${response.status}`);
    return response.headers.get('x-headgate-call-id')!;
  };
  const scored: string[] = [];
  for (let i = 0; i < 150; i++) scored.push(await send('acme', 'search', `Find ${i}. [[lab output=${10 + (i % 40)}]]`));
  for (let i = 0; i < 12; i++) await send('acme', 'support', `Help ${i}. [[lab output=60]]`, 'large');
  for (let i = 0; i < 9; i++)
    await send('globex', ['search', 'docs', null][i % 3]!, `Say ${i}. [[lab output=40]]`, 'large');
  for (let i = 0; i < 8; i++)
    await send(
      'initech',
      'docs',
      `Doc ${i}. [[lab output=80${i % 4 === 0 ? ' fault=cut@9' : i % 4 === 1 ? ' fault=500' : ''}]]`,
    );
  for (let i = 0; i < 6; i++) await send('umbrella', 'support', `Page ${i}. [[lab output=30]]`);
  for (let i = 0; i < 5; i++) await send('ops', null, `Check ${i}. [[lab output=20]]`);
  const sent = [...calls.values()].reduce((sum, one) => sum + one, 0);
  await gate.until(`${sent} calls in the store`, async () => {
    const { rows } = await gate.admin('GET', '/spend?by=,&figures=sums');
    return rows[0]?.calls === sent;
  });
  // What was spent counts: one is used up from its start.
  await budgetsOf(gate);
  await score(gate, keys.get('acme')!, scored);
  await gate.admin('POST', '/cache-audits', audit());
  return calls;
}

async function tenantOf(gate: GateProcess, tenant: string): Promise<string> {
  const plan = tenant === 'acme' || tenant === 'initech' ? 'pro' : null;
  await gate.admin('POST', '/tenants', { id: tenant, name: `${tenant[0]!.toUpperCase()}${tenant.slice(1)} Ltd`, plan });
  await gate.admin('POST', '/teams', { tenant, name: 'web' });
  const made = await gate.admin('POST', '/keys', {
    ...{ tenant, team: `${tenant}.web`, name: `${tenant}-prod`, owner: 'platform@example.com', rights: RIGHTS },
  });
  return made.key as string;
}

async function boundsOf(gate: GateProcess): Promise<void> {
  const limit = (body: object) => gate.admin('POST', '/limits', body);
  await limit({ level: 'operator', unit: 'requests', window: 'day', limit: 10_000 });
  await limit({
    level: 'tenant',
    tenant: 'acme',
    unit: 'requests',
    window: 'day',
    limit: 180,
    contact: 'sre@example.com',
  });
  await limit({ level: 'key', tenant: 'acme', unit: 'total_tokens', window: 'day', limit: 1_000_000 });
  await limit({ level: 'feature', tenant: 'acme', id: 'search', unit: 'requests', window: 'minute', limit: 5_000 });
  await limit({ level: 'end_user', tenant: 'acme', unit: 'output_tokens', window: 'minute', limit: 20_000 });
  await limit({ level: 'team', tenant: 'globex', id: 'globex.web', unit: 'requests', window: 'day', limit: 9 });
  await gate.admin('POST', '/layers', { level: 'tenant', tenant: 'acme', values: { who: 'Acme' } });
}

async function budgetsOf(gate: GateProcess): Promise<void> {
  await gate.admin('POST', '/budgets', {
    level: 'tenant',
    tenant: 'acme',
    limitUsd: '100',
    contact: 'finops@example.com',
  });
  await gate.admin('POST', '/budgets', { level: 'tenant', tenant: 'umbrella', limitUsd: '0.05', window: 'day' });
  await gate.admin('POST', '/budgets', { level: 'end_user', tenant: 'acme', limitUsd: '5', window: '24h' });
}

/** Good for a while, then bad: a fall that is named. */
async function score(gate: GateProcess, key: string, calls: readonly string[]): Promise<void> {
  for (let i = 0; i < calls.length; i += 50) {
    const scores = calls.slice(i, i + 50).map((call, n) => ({ call, name: 'helpful', value: i + n < 110 ? 1 : 0 }));
    const response = await fetch(`${gate.url}/v1/headgate/scores`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ scores }),
    });
    if (!response.ok) throw new Error(await response.text());
  }
}

const level = (name: 'same' | 'cross') => ({
  ...{ level: name, hits: 40, misses: 40, medianMs: { hit: 410, miss: 412 }, timing: { d: 0.1, p: 0.6 } },
  ...{ cached: { hits: 0, misses: 0, p: 1 }, verdict: 'nothing_found', wouldSee: { timing: 0.61, cached: 0.18 } },
});
const audit = () => ({
  ...{ report: 'cache_audit', at: new Date().toISOString(), tookMs: 90_000, model: 'small', victim: 'acme' },
  ...{ attacker: 'globex', seed: 7, calls: 240, levels: [level('same'), level('cross')], verdict: 'nothing_found' },
  plan: { samples: 40, letters: 4096, warmups: 1, share: 0.95, levels: ['same', 'cross'], pauseMs: 0 },
});

import type { Provider } from '#providers/index.ts';
import type { Gate } from '../gate.ts';
import { ownerOf } from './batch-book.ts';
import type { BatchPlan } from './batch-plan.ts';
import type { BatchState } from './batch-state.ts';
import { succeeded } from './deliver.ts';
import { OBJECT_BYTES } from './files.ts';
import { ask, collect } from './upstream.ts';

interface Made {
  readonly plan: BatchPlan;
  readonly provider: Provider;
  readonly job: string;
}

/** Result files belong to the batch's tenant, and stand in its list. */
export async function noteResultFiles(gate: Gate, { plan, provider, job }: Made, { files }: BatchState): Promise<void> {
  const base = provider.data.stored?.openai?.files;
  if (!base || plan.family !== 'openai') return;
  const { things } = gate.stored;
  const deployment = `${provider.name}/-`;
  const { tenant, key } = plan.admitted;
  for (const id of files) {
    gate.tenants.rememberKeptIds(ownerOf(plan), [{ kind: 'file', id }], deployment);
    if (await things.get(tenant, 'file', id)) continue;
    const answer = await ask(gate, {
      provider,
      family: 'openai',
      method: 'GET',
      path: `${base}/${encodeURIComponent(id)}`,
    });
    const body = await collect(answer, OBJECT_BYTES);
    if (!succeeded(answer)) continue;
    const facts = JSON.stringify({ job });
    const of = { kind: 'file', id, tenant, key, deployment, family: 'openai' } as const;
    await things.put({ ...of, at: gate.clock.now(), shown: body.toString('utf8'), facts });
  }
}

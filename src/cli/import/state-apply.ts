import { CliFailure } from '../failure.ts';
import type { WantedBudget, WantedKey, WantedState, WantedTeam } from './plan.ts';

/** The admin API, of a running gate or on the store of one that is not. */
export interface Admin {
  ask(method: string, path: string, options?: { readonly body?: unknown }): Promise<unknown>;
}

interface Applied {
  /** Things made so far, for a failure that says how far it came. */
  made: number;
  /** Keys whose hash another key has. */
  readonly taken: WantedKey[];
}

/** Makes what is missing, in the order in which one names the other. Safe to repeat: what is there stays. */
export async function applyState(
  admin: Admin,
  { create, keys }: Applying,
  done: (made: number) => void,
): Promise<Applied> {
  const applied: Applied = { made: 0, taken: [] };
  const step = async <T>(work: Promise<T>): Promise<T> => {
    const value = await work;
    done(++applied.made);
    return value;
  };
  for (const body of create.tenants) await step(admin.ask('POST', '/tenants', { body }));
  for (const team of create.teams) await step(makeTeam(admin, team));
  const ids = new Map(keys);
  for (const key of create.keys) {
    const id = await step(importKey(admin, key));
    if (id === null) applied.taken.push(key);
    else ids.set(`${key.tenant} ${key.name}`, id);
  }
  for (const budget of create.budgets) {
    const id = budget.level === 'key' ? ids.get(`${budget.tenant} ${budget.subject}`) : budget.subject;
    if (id !== undefined) await step(makeBudget(admin, budget, id));
  }
  return applied;
}

export interface Applying {
  readonly create: WantedState;
  /** Ids of keys that are there, by tenant and name. */
  readonly keys: readonly (readonly [string, string])[];
}

async function makeTeam(admin: Admin, { id, tenant, slug, name }: WantedTeam): Promise<void> {
  await admin.ask('POST', '/teams', { body: { tenant, name: slug } });
  if (name !== slug) await admin.ask('PATCH', `/teams/${encodeURIComponent(id)}`, { body: { name } });
}

/** Null: there is a key with this hash. */
async function importKey(admin: Admin, { material, ...key }: WantedKey): Promise<string | null> {
  // A caller that named its end user before may do so here: LiteLLM let every key.
  const body = { ...key, ...material, rights: { endUser: true } };
  try {
    return ((await admin.ask('POST', '/keys/import', { body })) as { id: string }).id;
  } catch (error) {
    if ((error as CliFailure).code === 'conflict') return null;
    throw error;
  }
}

async function makeBudget(admin: Admin, budget: WantedBudget, id: string | null): Promise<void> {
  const { level, tenant, limitUsd, window, timeZone, unknownPriceUsd, warnAt, opening } = budget;
  const body = {
    level,
    tenant,
    limitUsd,
    window,
    timeZone,
    unknownPriceUsd,
    opening,
    ...(id !== null && { id }),
    ...(warnAt && { warnAt }),
  };
  await admin.ask('POST', '/budgets', { body });
}

import type { FeatureName, TenantId } from '#kernel/brand.ts';
import type { Clock } from '#kernel/clock.ts';
import { HeadgateError } from '#kernel/errors.ts';
import { timeOrderedId } from '#kernel/ids.ts';
import type { Rng } from '#kernel/rng.ts';
import type { LedgerStore } from '#ports/ledger-store.ts';
import type { ApiKey, Budget, StateChange, Team, Tenant } from '#ports/state-store.ts';
import type { Tenants } from '../tenants.ts';
import type { PriceDesk } from './price-desk.ts';
import { didYouMean, type Actor } from './route.ts';

/** What the operations of the admin API work with. */
export interface AdminContext {
  readonly tenants: Tenants;
  readonly ledger: LedgerStore;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly randomBytes: (count: number) => Uint8Array;
  /** Names of the features and labels that the operator's file declares. */
  readonly features: () => ReadonlySet<string>;
  readonly labels: () => ReadonlySet<string>;
  readonly prices: PriceDesk;
}

interface Change {
  readonly changes: readonly StateChange[];
  readonly action: string;
  readonly subject: string;
  readonly tenant: TenantId | null;
  /** What changed, without secrets. */
  readonly detail: object;
}

/** Commits a change together with its audit entry. */
export async function commit({ tenants, clock, rng }: AdminContext, { actor }: Actor, change: Change): Promise<void> {
  const { changes, action, subject, tenant } = change;
  const at = clock.now();
  const detail = JSON.stringify(change.detail, (_, value: unknown) =>
    typeof value === 'bigint' ? value.toString() : value,
  );
  await tenants.change(changes, { id: timeOrderedId('aud_', at, rng), at, actor, action, subject, tenant, detail });
}

const missing = (kind: string, id: string, known: Iterable<string>): HeadgateError =>
  new HeadgateError('not_found', { message: `There is no ${kind} \`${id.slice(0, 128)}\`.${didYouMean(id, known)}` });

const idsOf = function* (values: Iterable<{ readonly id: string }>): Generator<string> {
  for (const { id } of values) yield id;
};

export function theTenant({ tenants: { directory } }: AdminContext, id: string): Tenant {
  const tenant = directory.tenant(id);
  if (!tenant) throw missing('tenant', id, idsOf(directory.tenants()));
  return tenant;
}

export function theTeam({ tenants: { directory } }: AdminContext, id: string): Team {
  const team = directory.team(id);
  if (!team) throw missing('team', id, idsOf(directory.teams()));
  return team;
}

/** By id; ids of keys are not guessed at. */
export function theKey({ tenants: { directory } }: AdminContext, id: string): ApiKey {
  const key = directory.key(id);
  if (!key) throw missing('key', id, []);
  return key;
}

export function theBudget({ tenants: { directory } }: AdminContext, id: string): Budget {
  const budget = directory.budget(id);
  if (!budget) throw missing('budget', id, []);
  return budget;
}

/** A feature of the operator's file, or a 400 with the nearest. */
export function knownFeature({ features }: AdminContext, name: string, field: string): FeatureName {
  if (features().has(name)) return name as FeatureName;
  const message = `${field}: there is no feature \`${name}\` in the configuration.${didYouMean(name, features())}`;
  throw new HeadgateError('invalid_request', { field, message });
}

export function knownLabel({ labels }: AdminContext, name: string, field: string): void {
  if (labels().has(name)) return;
  const message = `${field}: the label \`${name}\` is not in the configured list.${didYouMean(name, labels())}`;
  throw new HeadgateError('invalid_request', { field, message });
}

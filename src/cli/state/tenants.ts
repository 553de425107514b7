import type { CliContext } from '../context.ts';
import { usageFailure } from '../failure.ts';
import type { CommonFlags } from '../flags.ts';
import { change, day, given, listed, source, SOURCE, word } from './change.ts';

export interface TenantUpdateFlags extends CommonFlags {
  readonly name?: string;
  readonly costExpose?: 'none' | 'cost';
  readonly plan?: string;
}
export type TenantCreateFlags = TenantUpdateFlags;
export interface TeamListFlags extends CommonFlags {
  readonly tenant?: string;
}

/** No plan is named so: a tenant is then on none. */
const planOf = (plan: string | undefined): string | null | undefined => (plan === 'none' ? null : plan);

const path = (id: string): string => `/tenants/${encodeURIComponent(id)}`;

export function createTenant(
  this: CliContext,
  { name, costExpose, plan, ...flags }: TenantCreateFlags,
  id: string,
): Promise<void> {
  return change(this, flags, {
    ...{ method: 'POST', path: '/tenants', body: { id, ...given({ name, costExpose, plan: planOf(plan) }) } },
    done: (tenant) => `created tenant ${word(tenant['id'])}`,
    hint: `headgate keys create --tenant ${id} --name first   a key for it`,
  });
}

export function updateTenant(
  this: CliContext,
  { name, costExpose, plan, ...flags }: TenantUpdateFlags,
  id: string,
): Promise<void> {
  const body = given({ name, costExpose, plan: planOf(plan) });
  if (Object.keys(body).length === 0) throw usageFailure('Nothing to change.', 'give --name, --cost-expose or --plan');
  return change(this, flags, {
    method: 'PATCH',
    path: path(id),
    body,
    done: (tenant) => `changed tenant ${word(tenant['id'])}`,
  });
}

export function disableTenant(this: CliContext, flags: CommonFlags, id: string): Promise<void> {
  return change(this, flags, {
    ...{ method: 'PATCH', path: path(id), body: { disabled: true } },
    done: (tenant) => `disabled tenant ${word(tenant['id'])}: its keys are refused`,
    hint: `headgate tenants enable ${id}   lets them in again`,
  });
}

export function enableTenant(this: CliContext, flags: CommonFlags, id: string): Promise<void> {
  return change(this, flags, {
    ...{ method: 'PATCH', path: path(id), body: { disabled: false } },
    done: (tenant) => `enabled tenant ${word(tenant['id'])}`,
  });
}

export function listTenants(this: CliContext, flags: CommonFlags): Promise<void> {
  return listed(this, flags, {
    kind: 'tenants',
    columns: [
      { title: 'tenant' },
      { title: 'name', shrinkTo: 10 },
      { title: 'state' },
      SOURCE,
      { title: 'created' },
      { title: 'plan', shrinkTo: 6 },
    ],
    row: (tenant) => [
      word(tenant['id']),
      word(tenant['name']),
      tenant['disabledAt'] ? { text: 'disabled', tone: this.terminal.paint.warn } : 'active',
      source(tenant),
      day(this, tenant['createdAt']),
      word(tenant['plan']),
    ],
    empty: 'No tenants yet.',
    hint: 'headgate tenants create <id>',
  });
}

export function createTeam(this: CliContext, flags: CommonFlags, tenant: string, name: string): Promise<void> {
  return change(this, flags, {
    ...{ method: 'POST', path: '/teams', body: { tenant, name } },
    done: (team) => `created team ${word(team['id'])}`,
    hint: `headgate keys create --tenant ${tenant} --team ${tenant}.${name} --name first   a key for it`,
  });
}

export function listTeams(this: CliContext, { tenant, ...flags }: TeamListFlags): Promise<void> {
  return listed(this, flags, {
    kind: 'teams',
    filter: given({ tenant }),
    columns: [{ title: 'team' }, { title: 'tenant' }, { title: 'state' }, SOURCE, { title: 'created' }],
    row: (team) => [
      word(team['id']),
      word(team['tenant']),
      team['disabledAt'] ? { text: 'disabled', tone: this.terminal.paint.warn } : 'active',
      source(team),
      day(this, team['createdAt']),
    ],
    empty: 'No teams yet.',
    hint: 'headgate teams create <tenant> <name>',
  });
}

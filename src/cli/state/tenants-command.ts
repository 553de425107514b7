import { buildCommand, buildRouteMap } from '@stricli/core';
import type { CliContext } from '../context.ts';
import { common, text } from '../flags.ts';
import type { TeamListFlags, TenantCreateFlags, TenantUpdateFlags } from './tenants.ts';
import type { CommonFlags } from '../flags.ts';

const id = { parse: String, brief: 'Id of the tenant', placeholder: 'tenant' } as const;
const costExpose = {
  kind: 'enum',
  values: ['none', 'cost'],
  optional: true,
  brief: 'Whether answers show their cost to this tenant (default: as the file says)',
} as const;

const create = buildCommand<TenantCreateFlags, [string], CliContext>({
  loader: async () => (await import('./tenants.ts')).createTenant,
  parameters: {
    flags: { name: text('Name for people (default: the id)', 'name'), costExpose, ...common },
    positional: { kind: 'tuple', parameters: [id] },
  },
  docs: { brief: 'Create a tenant: whose calls are kept apart and whose money is counted' },
});

const list = buildCommand<CommonFlags, [], CliContext>({
  loader: async () => (await import('./tenants.ts')).listTenants,
  parameters: { flags: { ...common } },
  docs: { brief: 'List tenants' },
});

const update = buildCommand<TenantUpdateFlags, [string], CliContext>({
  loader: async () => (await import('./tenants.ts')).updateTenant,
  parameters: {
    flags: { name: text('Name for people', 'name'), costExpose, ...common },
    positional: { kind: 'tuple', parameters: [id] },
  },
  docs: { brief: 'Change a tenant' },
});

const disable = buildCommand<CommonFlags, [string], CliContext>({
  loader: async () => (await import('./tenants.ts')).disableTenant,
  parameters: { flags: { ...common }, positional: { kind: 'tuple', parameters: [id] } },
  docs: { brief: 'Refuse all keys of a tenant from now on; its entries stay' },
});

const enable = buildCommand<CommonFlags, [string], CliContext>({
  loader: async () => (await import('./tenants.ts')).enableTenant,
  parameters: { flags: { ...common }, positional: { kind: 'tuple', parameters: [id] } },
  docs: { brief: 'Let the keys of a disabled tenant in again' },
});

export const tenantsRoutes = buildRouteMap({
  routes: { create, list, update, disable, enable },
  docs: { brief: 'Tenants: whose calls are kept apart' },
});

const createTeam = buildCommand<CommonFlags, [string, string], CliContext>({
  loader: async () => (await import('./tenants.ts')).createTeam,
  parameters: {
    flags: { ...common },
    positional: { kind: 'tuple', parameters: [id, { parse: String, brief: 'Name of the team', placeholder: 'name' }] },
  },
  docs: { brief: 'Create a team of a tenant' },
});

const listTeams = buildCommand<TeamListFlags, [], CliContext>({
  loader: async () => (await import('./tenants.ts')).listTeams,
  parameters: { flags: { tenant: text('Only this tenant', 'id'), ...common } },
  docs: { brief: 'List teams' },
});

export const teamsRoutes = buildRouteMap({
  routes: { create: createTeam, list: listTeams },
  docs: { brief: 'Teams: parts of a tenant that own keys' },
});

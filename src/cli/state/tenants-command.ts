import { buildCommand, buildRouteMap } from '@stricli/core';
import type { CliContext } from '../context.ts';
import { common, span, text, wholeNumber, yes } from '../flags.ts';
import type { AuditCacheFlags } from './audit-cache.ts';
import type { TenantReportFlags } from './tenant-report.ts';
import type { TeamListFlags, TenantCreateFlags, TenantUpdateFlags } from './tenants.ts';
import type { CommonFlags } from '../flags.ts';
import type { ExplainFlags } from './explain-tenant.ts';

const id = { parse: String, brief: 'Id of the tenant', placeholder: 'tenant' } as const;
const costExpose = {
  kind: 'enum',
  values: ['none', 'cost'],
  optional: true,
  brief: 'Whether answers show their cost to this tenant (default: as the file says)',
} as const;

const plan = text('Plan that it is on: it gets the layer of that plan; `none` for no plan', 'plan');

const create = buildCommand<TenantCreateFlags, [string], CliContext>({
  loader: async () => (await import('./tenants.ts')).createTenant,
  parameters: {
    flags: { name: text('Name for people (default: the id)', 'name'), costExpose, plan, ...common },
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
    flags: { name: text('Name for people', 'name'), costExpose, plan, ...common },
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

const whole = (min: number, max: number, start: string, brief: string) =>
  ({ kind: 'parsed', parse: wholeNumber({ min, max }), default: start, brief, placeholder: 'count' }) as const;

const auditCache = buildCommand<AuditCacheFlags, [string], CliContext>({
  loader: async () => (await import('./audit-cache.ts')).auditTenantsCache,
  parameters: {
    flags: {
      victim: { kind: 'parsed', parse: String, brief: 'Tenant whose prompts are to stay its own', placeholder: 'id' },
      attacker: { kind: 'parsed', parse: String, brief: 'Tenant that tries to tell them', placeholder: 'id' },
      samples: whole(1, 5_000, '250', 'Probes of each kind: hits and misses, on each level'),
      letters: whole(16, 100_000, '4096', 'Length of a prompt in letters, about a token each'),
      warmups: whole(1, 100, '1', 'How often a prompt is sent before it is probed'),
      pause: whole(0, 60_000, '500', 'Milliseconds between probes'),
      level: {
        kind: 'enum',
        values: ['same', 'cross'],
        variadic: true,
        optional: true,
        brief: 'same: the attacker’s own prompts, to see that there is a cache; cross: the victim’s (default: both)',
      },
      seed: {
        ...whole(0, 2 ** 31, '', 'Of prompts and order, to repeat an audit'),
        optional: true,
        default: undefined,
      },
      yes: yes('Send without asking'),
      ci: { kind: 'boolean', brief: 'Exit with 3 unless nothing is found', default: false },
      ...common,
    },
    positional: {
      kind: 'tuple',
      parameters: [{ parse: String, brief: 'Model to audit, as callers name it', placeholder: 'model' }],
    },
  },
  docs: { brief: 'Whether one tenant can tell another’s prompts by the provider’s prefix cache: time and usage' },
});

const explain = buildCommand<ExplainFlags, [string, string?], CliContext>({
  loader: async () => (await import('./explain-tenant.ts')).explainTenant,
  parameters: {
    flags: { team: text('Of this team', 'team'), key: text('Of this key, with its team', 'key'), ...common },
    positional: {
      kind: 'tuple',
      parameters: [id, { parse: String, brief: 'Feature of the call', placeholder: 'feature', optional: true }],
    },
  },
  docs: { brief: 'Say what layers make of a call, and which version of which layer set each value' },
});

const report = buildCommand<TenantReportFlags, [], CliContext>({
  loader: async () => (await import('./tenant-report.ts')).reportTenants,
  parameters: {
    flags: {
      since: { kind: 'parsed', parse: span, default: '24h', brief: 'Window that ends now', placeholder: 'duration' },
      search: text('Part of the id or the name', 'text'),
      only: {
        kind: 'enum',
        values: ['near', 'failing', 'fell', 'loss'],
        optional: true,
        brief: 'Near a limit or budget, failing, quality fell, or at a loss',
      },
      sort: {
        kind: 'parsed',
        parse: String,
        default: 'cost',
        brief:
          'tenant, calls, errors, p99, cost, attributed, revenue, margin, limit, budget or quality: the largest first; names and margins: the least',
        placeholder: 'column',
      },
      limit: whole(1, 200, '50', 'Rows to show'),
      ...common,
    },
  },
  docs: { brief: 'How each tenant stands: calls, errors, spend, margin, fullest limit and budget, quality' },
});

export const tenantsRoutes = buildRouteMap({
  routes: { create, list, report, update, disable, enable, explain, 'audit-cache': auditCache },
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

import { z } from 'zod';
import type { TeamId, TenantId } from '#kernel/brand.ts';
import { HeadgateError } from '#kernel/errors.ts';
import type { Team, Tenant } from '#ports/state-store.ts';
import { commit, theTeam, theTenant, type AdminContext } from './context.ts';
import { slug, title } from './fields.ts';
import { route, type AdminRoute } from './route.ts';
import { isoOrNull } from './views.ts';

const tag = 'tenants';
/** HMAC key of end users' ids: as long as the hash. */
const SECRET_BYTES = 32;

const exposure = z.enum(['none', 'cost']).nullable();

/** The secret never leaves. */
const tenantView = ({ secret: _, ...tenant }: Tenant) => ({
  ...tenant,
  createdAt: isoOrNull(tenant.createdAt),
  disabledAt: isoOrNull(tenant.disabledAt),
});
const teamView = (team: Team) => ({
  ...team,
  createdAt: isoOrNull(team.createdAt),
  disabledAt: isoOrNull(team.disabledAt),
});

export const tenantRoutes = (context: AdminContext): AdminRoute[] => [
  route('GET /admin/tenants', {
    tag,
    summary: 'List tenants',
    run: async () => ({ tenants: [...context.tenants.directory.tenants()].map(tenantView) }),
  }),
  route('POST /admin/tenants', {
    tag,
    summary: 'Create a tenant',
    status: 201,
    body: z.strictObject({ id: slug, name: title.optional(), costExpose: exposure.default(null) }),
    run: async (_, input, actor) => {
      const { directory } = context.tenants;
      if (directory.tenant(input.id))
        throw new HeadgateError('conflict', { field: 'id', message: `There is a tenant \`${input.id}\` already.` });
      const value: Tenant = {
        id: input.id as TenantId,
        name: input.name ?? input.id,
        createdAt: context.clock.now(),
        disabledAt: null,
        secret: Buffer.from(context.randomBytes(SECRET_BYTES)).toString('hex'),
        costExpose: input.costExpose,
      };
      const { secret: _secret, ...detail } = value;
      await commit(context, actor, {
        changes: [{ put: 'tenant', value }],
        action: 'tenant.create',
        subject: value.id,
        tenant: value.id,
        detail,
      });
      return tenantView(value);
    },
  }),
  route('GET /admin/tenants/:tenant', {
    tag,
    summary: 'Show a tenant',
    run: async ({ tenant }) => tenantView(theTenant(context, tenant!)),
  }),
  route('PATCH /admin/tenants/:tenant', {
    tag,
    summary: 'Change a tenant; disabled refuses its keys',
    body: z.strictObject({ name: title.optional(), costExpose: exposure.optional(), disabled: z.boolean().optional() }),
    run: async (params, { disabled, ...fields }, actor) => {
      const old = theTenant(context, params['tenant']!);
      const value: Tenant = { ...old, ...given(fields), disabledAt: disabledAt(context, old, disabled) };
      const detail = { ...fields, disabled };
      await commit(context, actor, {
        changes: [{ put: 'tenant', value }],
        action: 'tenant.update',
        subject: value.id,
        tenant: value.id,
        detail,
      });
      return tenantView(value);
    },
  }),
  route('GET /admin/teams', {
    tag,
    summary: 'List teams',
    query: z.strictObject({ tenant: z.string().optional() }),
    run: async (_, { tenant }) => ({
      teams: [...context.tenants.directory.teams()].filter((team) => !tenant || team.tenant === tenant).map(teamView),
    }),
  }),
  route('POST /admin/teams', {
    tag,
    summary: 'Create a team of a tenant',
    status: 201,
    body: z.strictObject({ tenant: z.string(), name: slug }),
    run: async (_, input, actor) => {
      const { id: tenant } = theTenant(context, input.tenant);
      // Two tenants may both have a team of one name.
      const id = `${tenant}.${input.name}` as TeamId;
      if (context.tenants.directory.team(id))
        throw new HeadgateError('conflict', { field: 'name', message: `There is a team \`${id}\` already.` });
      const value: Team = { id, tenant, name: input.name, createdAt: context.clock.now(), disabledAt: null };
      await commit(context, actor, {
        changes: [{ put: 'team', value }],
        action: 'team.create',
        subject: id,
        tenant,
        detail: value,
      });
      return teamView(value);
    },
  }),
  route('PATCH /admin/teams/:team', {
    tag,
    summary: 'Change a team; disabled refuses its keys',
    body: z.strictObject({ name: title.optional(), disabled: z.boolean().optional() }),
    run: async (params, { disabled, ...fields }, actor) => {
      const old = theTeam(context, params['team']!);
      const value: Team = { ...old, ...given(fields), disabledAt: disabledAt(context, old, disabled) };
      const detail = { ...fields, disabled };
      await commit(context, actor, {
        changes: [{ put: 'team', value }],
        action: 'team.update',
        subject: value.id,
        tenant: value.tenant,
        detail,
      });
      return teamView(value);
    },
  }),
];

/** Fields that were sent; one left out stays as it is. */
export const given = <T extends object>(fields: T): { [K in keyof T]: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never;

const disabledAt = ({ clock }: AdminContext, old: Tenant | Team, disabled: boolean | undefined) =>
  disabled === undefined ? old.disabledAt : disabled ? (old.disabledAt ?? clock.now()) : null;

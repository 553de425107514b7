import { z } from 'zod';
import type { TeamId, TenantId } from '#kernel/brand.ts';
import { HeadgateError } from '#kernel/errors.ts';
import type { Team, Tenant } from '#ports/state-store.ts';
import { tenantSettings } from '../settings.ts';
import { changeable, commit, declaredView, theTeam, theTenant, type AdminContext } from './context.ts';
import { slug, title } from './fields.ts';
import { route, type AdminRoute } from './route.ts';
import { isoOrNull } from './views.ts';

const tag = 'tenants';
/** HMAC key of end users' ids: as long as the hash. */
const SECRET_BYTES = 32;

const { costExpose, plan } = tenantSettings;

/** The secret never leaves. */
const tenantView = (context: AdminContext, { secret: _, ...tenant }: Tenant) => ({
  ...tenant,
  createdAt: isoOrNull(tenant.createdAt),
  disabledAt: isoOrNull(tenant.disabledAt),
  declared: declaredView(context, tenant),
});
const teamView = (context: AdminContext, team: Team) => ({
  ...team,
  createdAt: isoOrNull(team.createdAt),
  disabledAt: isoOrNull(team.disabledAt),
  declared: declaredView(context, team),
});

export const tenantRoutes = (context: AdminContext): AdminRoute[] => [
  route('GET /admin/tenants', {
    tag,
    summary: 'List tenants',
    run: async () => ({
      tenants: [...context.tenants.directory.tenants()].map((tenant) => tenantView(context, tenant)),
    }),
  }),
  route('POST /admin/tenants', {
    tag,
    summary: 'Create a tenant',
    status: 201,
    body: z.strictObject({
      id: slug,
      name: tenantSettings.name,
      costExpose: costExpose.default(null),
      plan: plan.default(null),
    }),
    run: async (_, input, actor) => {
      const { directory } = context.tenants;
      refuseTwice(context, 'id', directory.tenant(input.id));
      const value: Tenant = {
        id: input.id as TenantId,
        name: input.name ?? input.id,
        createdAt: context.clock.now(),
        disabledAt: null,
        secret: Buffer.from(context.randomBytes(SECRET_BYTES)).toString('hex'),
        costExpose: input.costExpose,
        plan: input.plan,
      };
      const { secret: _secret, ...detail } = value;
      await commit(context, actor, {
        changes: [{ put: 'tenant', value }],
        action: 'tenant.create',
        subject: value.id,
        tenant: value.id,
        detail,
      });
      return tenantView(context, value);
    },
  }),
  route('GET /admin/tenants/:tenant', {
    tag,
    summary: 'Show a tenant',
    run: async ({ tenant }) => tenantView(context, theTenant(context, tenant!)),
  }),
  route('PATCH /admin/tenants/:tenant', {
    tag,
    summary: 'Change a tenant; disabled refuses its keys',
    body: z.strictObject({
      name: title.optional(),
      costExpose: costExpose.optional(),
      plan: plan.optional(),
      disabled: z.boolean().optional(),
    }),
    run: async (params, { disabled, ...fields }, actor) => {
      const old = changeable(context, theTenant(context, params['tenant']!));
      const value: Tenant = { ...old, ...given(fields), disabledAt: disabledAt(context, old, disabled) };
      const detail = { ...fields, disabled };
      await commit(context, actor, {
        changes: [{ put: 'tenant', value }],
        action: 'tenant.update',
        subject: value.id,
        tenant: value.id,
        detail,
      });
      return tenantView(context, value);
    },
  }),
  route('GET /admin/teams', {
    tag,
    summary: 'List teams',
    query: z.strictObject({ tenant: z.string().optional() }),
    run: async (_, __, { whose }) => ({
      teams: [...context.tenants.directory.teams(whose)].map((team) => teamView(context, team)),
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
      refuseTwice(context, 'name', context.tenants.directory.team(id));
      const value: Team = { id, tenant, name: input.name, createdAt: context.clock.now(), disabledAt: null };
      await commit(context, actor, {
        changes: [{ put: 'team', value }],
        action: 'team.create',
        subject: id,
        tenant,
        detail: value,
      });
      return teamView(context, value);
    },
  }),
  route('PATCH /admin/teams/:team', {
    tag,
    summary: 'Change a team; disabled refuses its keys',
    body: z.strictObject({ name: title.optional(), disabled: z.boolean().optional() }),
    run: async (params, { disabled, ...fields }, actor) => {
      const old = changeable(context, theTeam(context, actor.whose, params['team']!));
      const value: Team = { ...old, ...given(fields), disabledAt: disabledAt(context, old, disabled) };
      const detail = { ...fields, disabled };
      await commit(context, actor, {
        changes: [{ put: 'team', value }],
        action: 'team.update',
        subject: value.id,
        tenant: value.tenant,
        detail,
      });
      return teamView(context, value);
    },
  }),
];

/** A name is taken once; what the file has taken is told apart, since it is looked for elsewhere. */
function refuseTwice(context: AdminContext, field: string, there: Tenant | Team | undefined): void {
  if (!there) return;
  const { id } = changeable(context, there);
  throw new HeadgateError('conflict', { field, message: `There is \`${id}\` already.` });
}

/** Fields that were sent; one left out stays as it is. */
export const given = <T extends object>(fields: T): { [K in keyof T]: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never;

const disabledAt = ({ clock }: AdminContext, old: Tenant | Team, disabled: boolean | undefined) =>
  disabled === undefined ? old.disabledAt : disabled ? (old.disabledAt ?? clock.now()) : null;

import { HeadgateError } from '#kernel/errors.ts';
import type { TenantId } from '#kernel/brand.ts';
import { everyTenant, type Whose } from '#kernel/whose.ts';
import type { TokenScope } from '#ports/state-store.ts';
import type { AdminContext } from './context.ts';
import type { AdminRoute } from './route.ts';

/** What a token opens. */
export interface Access {
  readonly scope: TokenScope;
  /** Of the scope `tenant` alone. */
  readonly tenant: TenantId | null;
}

/** Audit names of the token of the first start: sent itself, and at the console. No named token may have them. */
export const FIRST_NAMES = { token: 'admin', console: 'console' } as const;

export const OPERATOR: Access = { scope: 'operator', tenant: null };

type Params = Readonly<Record<string, string>>;
/** Whose the thing is that a path names; null: nobody's. */
type OwnerOf = (context: AdminContext, params: Params) => TenantId | null | Promise<TenantId | null>;

/**
 * `query`, `body`: the operation is about one tenant that its input names, and with a tenant's token about no other.
 * `whose`: it reads nothing but what it asks for by {@link Asked.whose}. A function: about one thing, which has to be the
 * tenant's. What is not listed is the operator's: an operation that is new
 * is closed to tenants until somebody says here how it is kept apart.
 */
export const TENANTS_OWN: Readonly<Record<string, 'query' | 'body' | 'whose' | OwnerOf>> = {
  'GET /admin/keys': 'query',
  'POST /admin/keys': 'body',
  'GET /admin/keys/:key': keyOwner,
  'PATCH /admin/keys/:key': keyOwner,
  'POST /admin/keys/:key/rotate': keyOwner,
  'POST /admin/keys/:key/revoke': keyOwner,
  'GET /admin/teams': 'query',
  'GET /admin/tenants/:tenant': (_, { tenant }) => tenant as TenantId,
  'GET /admin/tenants/:tenant/explain': (_, { tenant }) => tenant as TenantId,
  'GET /admin/budgets': 'query',
  'GET /admin/budgets/:budget': ({ tenants: { directory } }, { budget }) =>
    directory.budget(budget!)?.scope.tenant ?? null,
  'GET /admin/limits': 'query',
  'GET /admin/limits/:limit': ({ tenants: { directory } }, { limit }) => directory.limit(limit!)?.scope.tenant ?? null,
  'GET /admin/limit-use': 'query',
  'GET /admin/layers': 'query',
  'GET /admin/layers/:layer': layerOwner,
  'GET /admin/layers/:layer/diff': layerOwner,
  'GET /admin/spend': 'query',
  'GET /admin/calls': 'query',
  'GET /admin/calls/:call': 'whose',
  'GET /admin/sessions': 'query',
  'GET /admin/streams': 'query',
  'GET /admin/streams/report': 'query',
  'GET /admin/quality': 'query',
  'GET /admin/cache': 'query',
  'POST /admin/cache/clear': 'body',
};

/** Reading these is reading what people wrote. */
const TEXTS: ReadonlySet<string> = new Set(['GET /admin/calls/:call/content']);

/** What only the operator may put into a key. */
const OPERATORS_FIELDS = ['operator'] as const;

function keyOwner({ tenants: { directory } }: AdminContext, { key }: Params): TenantId | null {
  return directory.key(key!)?.tenant ?? null;
}

function layerOwner({ tenants: { directory } }: AdminContext, { layer }: Params): TenantId | null {
  return directory.layer(layer!)?.scope.tenant ?? null;
}

export interface Asked {
  readonly route: AdminRoute;
  readonly params: Params;
  readonly query: Readonly<Record<string, unknown>>;
  readonly body: unknown;
}

/** Does this access open the operation (`GET /admin/keys/:key`) at all? Of which things, {@link admitted} judges. */
export function opens({ scope, tenant }: Access, operation: string): boolean {
  if (scope === 'operator') return true;
  if (scope === 'reader') return operation.startsWith('GET ') && !TEXTS.has(operation);
  return tenant !== null && TENANTS_OWN[operation] !== undefined;
}

/** Input as a token may have it. */
export interface Admitted extends Asked {
  /**
   * Whose data the operation may read: of a tenant's token its tenant alone, else the tenant that its input names, or
   * every one. Made here and nowhere else: the questions of the ports take nothing less, so that no operation forgets it.
   */
  readonly whose: Whose;
}

/**
 * The input as the token may have it, with the tenant put in its place, and whose data it may read. Throws a 403 for what the token does not open,
 * and the 404 of an id that never was for what is another tenant's.
 */
export async function admitted(context: AdminContext, access: Access, asked: Asked): Promise<Admitted> {
  const { route, params, query, body } = asked;
  const name = `${route.method} ${route.path}`;
  const { scope, tenant } = access;
  if (!opens(access, name)) throw closed(CLOSED[scope]);
  const rule = TENANTS_OWN[name];
  if (scope !== 'tenant' || tenant === null || rule === undefined)
    return { ...asked, whose: named({ ...Object(body), ...query }) };
  if (typeof rule === 'function') {
    if ((await rule(context, params)) !== tenant) throw unknown(params);
  } else if (rule !== 'whose') requireOwn(rule === 'query' ? query : body, tenant);
  if (rule === 'query') return { ...asked, whose: tenant, query: { ...query, tenant } };
  return { ...asked, whose: tenant, body: asOwn(body, rule === 'body' ? tenant : null) };
}

/** Who works for all tenants names one, or means every one. */
function named({ tenant }: { readonly tenant?: unknown }): Whose {
  if (tenant === '') throw new HeadgateError('invalid_request', { field: 'tenant', message: 'tenant: is empty.' });
  if (typeof tenant === 'string') return tenant as TenantId;
  return everyTenant('the token is of all tenants, and what it asks names none');
}

const CLOSED: Readonly<Record<TokenScope, string>> = {
  operator: 'This token opens everything.',
  reader: 'This token reads, and what people wrote it does not read.',
  tenant: 'This token opens what is its tenant’s own, and not this.',
};

function requireOwn(input: unknown, tenant: TenantId): void {
  const named = (Object(input) as { tenant?: unknown }).tenant;
  if (named !== undefined && named !== tenant) throw unknown({ tenant: String(named) });
}

/** Of what an operation changes: with the tenant in its place, and without what is the operator's to say. */
function asOwn(body: unknown, tenant: TenantId | null): unknown {
  const fields = Object(body) as Record<string, unknown>;
  for (const field of OPERATORS_FIELDS) if (field in fields) throw closed(`\`${field}\` is the operator’s to set.`);
  return tenant === null ? body : { ...fields, tenant };
}

const closed = (message: string): HeadgateError => new HeadgateError('forbidden', { message });

/** The same for what is not there and for what is another's. */
function unknown(params: Params): HeadgateError {
  const [[kind, id] = ['', '']] = Object.entries(params);
  return new HeadgateError('not_found', { message: `There is no ${kind} \`${id.slice(0, 128)}\`.` });
}

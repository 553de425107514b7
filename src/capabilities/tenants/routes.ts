import { nearest } from '#kernel/did-you-mean.ts';
import { HeadgateError } from '#kernel/errors.ts';
import { attributionRoutes, planOf } from './admin/attribution-routes.ts';
import { billRoutes } from './admin/bill-routes.ts';
import { MonthBooks, type Books } from './attribution/books.ts';
import { budgetRoutes } from './admin/budget-routes.ts';
import type { AdminContext } from './admin/context.ts';
import { admitted, OPERATOR, opens, type Access } from './admin/access.ts';
import { isolationRoutes } from './admin/isolation-routes.ts';
import { exportRoute } from './admin/export-route.ts';
import { layerRoutes } from './admin/layer-routes.ts';
import { limitRoutes } from './admin/limit-routes.ts';
import { limitUseRoute } from './admin/limit-use-route.ts';
import { keyRoutes } from './admin/key-routes.ts';
import { ledgerRoutes } from './admin/ledger-routes.ts';
import { openApiDocument } from './admin/openapi.ts';
import { priceRoutes } from './admin/price-routes.ts';
import { repriceRoute } from './admin/reprice-route.ts';
import { checked, matchPath, type AdminRoute } from './admin/route.ts';
import { standingRoute } from './admin/standing-route.ts';
import { tokenRoutes } from './admin/token-routes.ts';
import { asTenantSees } from './admin/tenants-view.ts';
import { tenantRoutes } from './admin/tenant-routes.ts';

export type { PriceDesk } from './admin/price-desk.ts';
export { FIRST_NAMES, OPERATOR, TENANTS_OWN, type Access } from './admin/access.ts';
export { commitNow } from './admin/context.ts';
export { duration, limit, time } from './admin/fields.ts';
export { route } from './admin/route.ts';
export type { AdminRoute, Asker } from './admin/route.ts';
export { JsonText, StreamedAnswer } from './admin/streamed.ts';

export interface AdminApiOptions extends AdminContext {
  /** Operations of layers above: what the gate itself knows. */
  readonly more?: readonly AdminRoute[];
  /** Where bills are made; default: here. */
  readonly books?: Books;
}

/** A request whose admin token is checked already. */
export interface AdminRequest {
  readonly method: string;
  /** Without the query: `/admin/keys/key_…`. */
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  /** Parsed JSON; undefined where there is no body. */
  readonly body: unknown;
  /** Name of the admin token. */
  readonly actor: string;
  /** What the token opens; default: everything. */
  readonly access?: Access;
}

export interface AdminReply {
  readonly status: number;
  /** Ready for JSON: money is decimal text, times are ISO 8601; a {@link JsonText} or a {@link StreamedAnswer}. */
  readonly body: unknown;
}

/** The admin API: routes as data, one function that serves them, and their OpenAPI document. */
export interface AdminApi {
  readonly routes: readonly AdminRoute[];
  /** Throws a HeadgateError: 400 with the field, 404, 405, 409, 503. */
  handle(request: AdminRequest): Promise<AdminReply>;
  /** Operations (`GET /admin/keys/:key`) that a token of this access opens at all, by the rules of {@link handle}. */
  opens(access: Access): readonly string[];
  openApi(version: string): object;
}

export function adminApi(context: AdminApiOptions): AdminApi {
  const books =
    context.books ??
    new MonthBooks({
      ledger: context.ledger,
      settings: () => context.attribution(),
      planOf: planOf(context),
      now: () => context.clock.now(),
    });
  const routes = [
    ...tenantRoutes(context),
    ...keyRoutes(context),
    ...budgetRoutes(context),
    ...limitRoutes(context),
    limitUseRoute(context),
    standingRoute(context, books),
    ...layerRoutes(context),
    ...isolationRoutes(context),
    ...tokenRoutes(context),
    ...ledgerRoutes(context),
    ...attributionRoutes(context, books),
    ...billRoutes(context, books),
    exportRoute(context),
    ...priceRoutes(context),
    repriceRoute(context),
    ...(context.more ?? []),
  ];
  return {
    routes,
    handle: (request) => handle(routes, context, request),
    opens: (access) =>
      routes.map(({ method, path }) => `${method} ${path}`).filter((operation) => opens(access, operation)),
    openApi: (version) => openApiDocument(routes, version),
  };
}

async function handle(
  routes: readonly AdminRoute[],
  context: AdminContext,
  { access = OPERATOR, ...request }: AdminRequest,
): Promise<AdminReply> {
  const { route, params } = find(routes, request);
  const { tenants } = context;
  const own = await admitted(context, access, { route, params, query: request.query, body: request.body });
  const query = checked(route.query, own.query);
  const body = route.body ? checked(route.body, own.body ?? {}) : {};
  const run = (): Promise<unknown> =>
    route.run(params, { ...query, ...body } as never, {
      actor: request.actor,
      ...{ whose: own.whose, tenant: access.tenant },
    });
  const answer = await (route.method === 'GET' || route.atOnce ? run() : tenants.inTurn(run));
  if (access.scope !== 'tenant' || !context.hidesCached) return { status: route.status, body: answer };
  const shown = asTenantSees(`${route.method} ${route.path}`, answer, context.hidesCached);
  return { status: route.status, body: shown };
}

function find(routes: readonly AdminRoute[], { method, path }: AdminRequest) {
  const matching = routes.flatMap((route) => {
    const params = matchPath(route.path, path);
    return params ? [{ route, params }] : [];
  });
  const found = matching.find(({ route }) => route.method === method);
  if (found) return found;
  if (matching.length > 0) {
    const methods = matching.map(({ route }) => route.method).join(', ');
    throw new HeadgateError('method_not_allowed', { message: `${path} knows ${methods}.`, facts: { allow: methods } });
  }
  const near = nearest(path, new Set(routes.map((route) => route.path)));
  const hint = near.length > 0 ? ` Did you mean ${near.join(', ')}?` : '';
  throw new HeadgateError('endpoint_not_found', { message: `There is no ${path.slice(0, 256)}.${hint}` });
}

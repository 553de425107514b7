/** What `/admin/providers` answers. */
export type { DrainView } from '#capabilities/failover/routes.ts';
export type { LastTest, ProvidersView, ProviderView } from '#gateway/operations/providers.ts';

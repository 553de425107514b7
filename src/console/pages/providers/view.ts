/** What `/admin/providers` answers. */
export type { LastTest, ProvidersView, ProviderView } from '#gateway/operations/providers.ts';

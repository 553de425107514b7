/** What `/admin/quality` answers. */
export type { QualityReport } from '#gateway/operations/quality.ts';

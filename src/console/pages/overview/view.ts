/** What `/admin/now` answers. */
export type { NowFinding, NowReport } from '#gateway/now/report.ts';

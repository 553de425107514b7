/** What commands take of this capability: no gate is started for it. */
export { auditCache, callsOf, type AuditFigures, type AuditPlan } from './cache-audit/run.ts';
export { FEWEST, SHARED, SUSPECT, type Level, type LevelFigures, type Verdict } from './cache-audit/core/verdict.ts';
export type { LeakWatchNow } from './leaks/leak-watch.ts';
export { PARTS, partOf, type Part } from './attribution/core/parts.ts';

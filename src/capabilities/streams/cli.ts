/** The stream doctor, for the command line: measures a way to a gate from where it runs. */
export { boundsText, parseBound, USUAL_BOUNDS, type Bound, type Judgement } from './doctor/core/bounds.ts';
export type { Finding } from './doctor/core/findings.ts';
export { AT_ORIGIN, FIXES, HOP_TITLES, HOPS, TOPICS, type Fix, type FixTopic, type Hop } from './doctor/core/fixes.ts';
export { FULL, QUICK, type DoctorPlan } from './doctor/plan.ts';
export { NoEcho } from './doctor/probe-http.ts';
export { examine, type DoctorReport, type WayReport } from './doctor/report.ts';
export type { Way } from './doctor/way.ts';

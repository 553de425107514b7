import { z } from 'zod';
import { iso } from '#kernel/clock.ts';
import type { QualityLine, QualityPool } from '#capabilities/tenants/index.ts';
import { limit, route, type AdminRoute } from '#capabilities/tenants/routes.ts';
import type { LedgerStore } from '#ports/ledger-store.ts';
import type { Gate } from '../gate.ts';
import { judgePlan, type JudgePlan } from '../quality/judge-plan.ts';
import { judgeLines, type JudgeLine } from '../quality/judge-report.ts';

/** Whose quality has fallen, as the admin API says it. Scores are 0 to 1, evidence an e-value. */
export interface QualityReport {
  readonly report: 'quality';
  readonly at: string;
  /** The worst first. */
  readonly lines: readonly QualityLine[];
  /** Lines that `limit` left out. */
  readonly leftOut: number;
  /** All tenants together, by feature and score; empty for a tenant's own token. */
  readonly together: readonly QualityPool[];
  /** Models that judge; of one tenant alone where one is asked for. */
  readonly judges: readonly JudgeLine[];
  /** Answers that a rule could not score since the process began, and why. */
  readonly notScored: readonly { readonly rule: string; readonly why: string; readonly answers: number }[];
  /** Scores that no test follows, for want of room. */
  readonly notFollowed: number;
}

/** Streams without a score for so long are no part of the present. */
export const PRESENT_MS = 7 * 86_400_000;
const MOST = 10_000;
const USUAL = 200;
const name = z.string().max(256).optional();

/** To the newest score; while the store is away, as far as this process has read. The worst first. */
export async function presentLines({ quality, clock }: Gate): Promise<readonly QualityLine[]> {
  await quality.follow().catch(() => undefined);
  return quality.lines(clock.now() - PRESENT_MS);
}

/** Whose quality has fallen, tenant by tenant. */
export const qualityRoute = ({ gate, ledger }: { readonly gate: Gate; readonly ledger: LedgerStore }): AdminRoute =>
  route('GET /admin/quality', {
    tag: 'quality',
    summary: 'Quality of each tenant against its own past, the worst first, and of all together',
    query: z.strictObject({ tenant: name, feature: name, score: name, limit: limit(MOST, USUAL) }),
    run: async (_, { tenant, feature, score, limit: most }, { tenant: own }): Promise<QualityReport> => {
      const { quality, clock } = gate;
      const fits = (one: { readonly feature: string | null; readonly score: string }): boolean =>
        (feature === undefined || one.feature === feature) && (score === undefined || one.score === score);
      const all = await presentLines(gate);
      const lines = all.filter((line) => (tenant === undefined || line.tenant === tenant) && fits(line));
      return {
        ...{ report: 'quality', at: iso(clock.now()), lines: lines.slice(0, most) },
        leftOut: Math.max(0, lines.length - most),
        // How others do is no tenant's own.
        together: own === null ? quality.pools().filter(fits) : [],
        judges: await judgeLines(gate, ledger, { tenant, feature, score }),
        notScored: own === null ? notScored(gate) : [],
        notFollowed: own === null ? quality.leftOut : 0,
      };
    },
  });

/** What a judge would cost, before it is asked. */
export const qualityPlanRoute = ({ gate, ledger }: { readonly gate: Gate; readonly ledger: LedgerStore }): AdminRoute =>
  route('GET /admin/quality/plan', {
    tag: 'quality',
    summary: 'What a judge would be asked, how often and at what cost, by the last day; asks nothing',
    query: z.strictObject({ feature: z.string().max(256), judge: z.string().max(256) }),
    run: (_, asked): Promise<JudgePlan> => judgePlan(gate, ledger, asked),
  });

/** Of all tenants: one that asks for itself is not told. */
const notScored = ({ grading }: Gate): QualityReport['notScored'] =>
  [...grading.notScored].map(([name, answers]) => {
    const [rule = '', why = ''] = name.split(' ');
    return { rule, why, answers };
  });

import { z } from 'zod';
import { iso } from '#kernel/clock.ts';
import type { QualityLine, QualityPool } from '#capabilities/tenants/index.ts';
import { limit, route, type AdminRoute } from '#capabilities/tenants/routes.ts';
import type { Gate } from '../gate.ts';

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
  /** Scores that no test follows, for want of room. */
  readonly notFollowed: number;
}

/** Streams without a score for so long are no part of the present. */
export const PRESENT_MS = 7 * 86_400_000;
const MOST = 10_000;
const USUAL = 200;
const name = z.string().max(256).optional();

/** Whose quality has fallen, tenant by tenant. */
export const qualityRoute = ({ gate }: { readonly gate: Gate }): AdminRoute =>
  route('GET /admin/quality', {
    tag: 'quality',
    summary: 'Quality of each tenant against its own past, the worst first, and of all together',
    query: z.strictObject({ tenant: name, feature: name, score: name, limit: limit(MOST, USUAL) }),
    run: async (_, { tenant, feature, score, limit: most }, asking): Promise<QualityReport> => {
      const { quality, clock } = gate;
      // To the newest score; while the store is away, as far as this process has read.
      await quality.follow().catch(() => undefined);
      const fits = (one: { readonly feature: string | null; readonly score: string }): boolean =>
        (feature === undefined || one.feature === feature) && (score === undefined || one.score === score);
      const lines = quality
        .lines(clock.now() - PRESENT_MS)
        .filter((line) => (tenant === undefined || line.tenant === tenant) && fits(line));
      return {
        ...{ report: 'quality', at: iso(clock.now()), lines: lines.slice(0, most) },
        leftOut: Math.max(0, lines.length - most),
        ...(asking.tenant
          ? { together: [], notFollowed: 0 }
          : { together: quality.pools().filter(fits), notFollowed: quality.leftOut }),
      };
    },
  });

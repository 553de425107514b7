import { z } from 'zod';
import { everyTenant } from '#kernel/whose.ts';
import type { AuditEntry } from '#ports/state-store.ts';
import { LEAK_FOUND } from '../leaks/leak-watch.ts';
import { commit, theTenant, type AdminContext } from './context.ts';
import { limit } from './fields.ts';
import { route, type AdminRoute } from './route.ts';
import { isoOrNull } from './views.ts';

const tag = 'isolation';
const CACHE_AUDITED = 'cache.audit';
const MOST = 1_000;
const USUAL = 50;

const verdict = z.enum(['shared', 'suspect', 'nothing_found', 'cannot_tell']);
const share = z.number().min(0).max(1);
const whole = z.number().int().min(0);
const name = z.string().min(1).max(256);

/** What `headgate tenants audit-cache --json` prints. Milliseconds, shares of one. */
const cacheAudit = z.strictObject({
  /** As the command prints it; not kept. */
  version: z.literal(1).optional(),
  report: z.literal('cache_audit'),
  at: z.iso.datetime(),
  tookMs: z.number().min(0),
  model: name,
  victim: name,
  attacker: name,
  seed: z.number().int(),
  plan: z.strictObject({
    samples: whole,
    letters: whole,
    warmups: whole,
    share,
    levels: z.array(z.enum(['same', 'cross'])).max(2),
    pauseMs: z.number().min(0),
  }),
  calls: whole,
  levels: z
    .array(
      z.strictObject({
        level: z.enum(['same', 'cross']),
        hits: whole,
        misses: whole,
        medianMs: z.strictObject({ hit: z.number(), miss: z.number() }),
        timing: z.strictObject({ d: z.number(), p: share }),
        cached: z.strictObject({ hits: whole, misses: whole, p: share }).nullable(),
        verdict,
        wouldSee: z.strictObject({ timing: share.nullable(), cached: share.nullable() }),
      }),
    )
    .max(2),
  verdict,
});

const query = z.strictObject({
  tenant: z.string().max(128).optional().describe(`Only what concerns this tenant, of the newest ${MOST}.`),
  limit: limit(MOST, USUAL),
});

/** Entries of an action, the newest first; of a tenant those in which it stands on either side. */
async function concerning(
  { tenants }: AdminContext,
  action: string,
  { tenant, limit: most }: z.output<typeof query>,
): Promise<readonly AuditEntry[]> {
  const whose = everyTenant('what two tenants have with one another is the operator’s to see');
  if (tenant === undefined) return tenants.audit({ whose, action, limit: most });
  const entries = await tenants.audit({ whose, action, limit: MOST });
  const isIn = (entry: AuditEntry): boolean => {
    const facts = factsOf(entry) as { readonly tenant?: string; readonly attacker?: string };
    return [entry.tenant, facts.tenant, facts.attacker].includes(tenant as never);
  };
  return entries.filter(isIn).slice(0, most);
}

/** What was found of tenants that are not kept apart: by audits of caches, and in answers. */
export const isolationRoutes = (context: AdminContext): AdminRoute[] => [
  route('POST /admin/cache-audits', {
    tag,
    summary: 'Keep what an audit of a prefix cache found; it stays in the audit log',
    status: 201,
    body: cacheAudit,
    run: async (_, { version: _printed, ...report }, actor) => {
      const tenant = theTenant(context, report.victim).id;
      theTenant(context, report.attacker);
      const change = { changes: [], action: CACHE_AUDITED, subject: report.model, tenant, detail: report };
      await commit(context, actor, change);
      return { kept: true };
    },
  }),
  route('GET /admin/cache-audits', {
    tag,
    summary: 'What audits of prefix caches found, newest first',
    query,
    run: async (_, question) => {
      const entries = await concerning(context, CACHE_AUDITED, question);
      return { audits: entries.map((entry) => ({ id: entry.id, actor: entry.actor, ...factsOf(entry) })) };
    },
  }),
  route('GET /admin/leaks', {
    tag,
    summary: 'Answers that held a text of another tenant, newest first, never the text; what is watched now',
    query,
    run: async (_, question) => {
      const entries = await concerning(context, LEAK_FOUND, question);
      return {
        watch: context.leakWatch(),
        leaks: entries.map((entry) => ({
          id: entry.id,
          at: isoOrNull(entry.at),
          owner: entry.tenant,
          ...factsOf(entry),
        })),
      };
    },
  }),
];

const factsOf = ({ detail }: AuditEntry): object => JSON.parse(detail) as object;

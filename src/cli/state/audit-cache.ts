import { setTimeout as sleep } from 'node:timers/promises';
import { seededRng } from '#kernel/rng.ts';
import { auditCache, callsOf, type AuditFigures, type AuditPlan, type Level } from '#capabilities/tenants/cli.ts';
import { connect } from '../connect/source.ts';
import type { AdminClient } from '../connect/admin-client.ts';
import { confirm } from '../confirm.ts';
import { show, type CliContext } from '../context.ts';
import { CliFailure, EXIT, usageFailure } from '../failure.ts';
import type { CommonFlags } from '../flags.ts';
import { count } from '../format.ts';
import { drawAudit } from './draw-audit-cache.ts';
import { timedAnswer } from './timed-answer.ts';

export interface AuditCacheFlags extends CommonFlags {
  readonly victim: string;
  readonly attacker: string;
  readonly samples: number;
  readonly letters: number;
  readonly warmups: number;
  readonly pause: number;
  readonly level?: readonly Level[];
  readonly seed?: number;
  readonly yes: boolean;
  readonly ci: boolean;
}

export interface CacheAudit extends AuditFigures {
  readonly report: 'cache_audit';
  readonly at: string;
  readonly tookMs: number;
  readonly model: string;
  readonly victim: string;
  readonly attacker: string;
  readonly seed: number;
  readonly plan: AuditPlan;
  readonly calls: number;
}

/** Share of a prompt that a probe of another tenant has in common with it, as in the published audits. */
const SHARE = 0.95;
const KEYS_LIVE_MS = 24 * 3_600_000;

export async function auditTenantsCache(this: CliContext, flags: AuditCacheFlags, model: string): Promise<void> {
  const { victim, attacker } = flags;
  if (victim === attacker) throw usageFailure('both tenants are the same', 'give two: --victim acme --attacker globex');
  const plan = planOf(flags);
  const calls = callsOf(plan);
  const spends = `${count(calls)} calls of about ${count(plan.letters)} input tokens to ${model}, ${count(calls * plan.letters)} in all, paid by both tenants`;
  await agreed(this, flags, spends);
  const seed = flags.seed ?? Math.floor(Math.random() * 2 ** 31);
  const began = performance.now();
  const admin = await connect(this, flags);
  const figures = await withKeys(admin, flags, (url, keys) =>
    auditCache({
      ...{ plan, rng: seededRng(seed), sleep: (ms) => sleep(ms) },
      ask: (who, prompt) => timedAnswer({ url, key: keys[who], model, prompt }),
      step: (done, of) => {
        if (this.terminal.isLive || done % Math.ceil(of / 10) === 0)
          this.terminal.progress(done === of ? '' : `probe ${done} of ${of}`);
      },
    }),
  );
  const facts = { at: new Date(this.now()).toISOString(), tookMs: Math.round(performance.now() - began) };
  const report: CacheAudit = {
    report: 'cache_audit',
    ...facts,
    model,
    victim,
    attacker,
    seed,
    plan,
    calls,
    ...figures,
  };
  await kept(admin, report, this);
  show(this, { json: flags.json, report, draw: (value) => drawAudit(value, this.terminal) });
  if (flags.ci && report.verdict !== 'nothing_found') this.exit(EXIT.gateFailed);
}

/** The result is shown whatever happens to its copy. */
async function kept(admin: AdminClient, report: CacheAudit, { terminal }: CliContext): Promise<void> {
  try {
    await admin.ask('POST', '/cache-audits', { body: report });
  } catch (error) {
    terminal.note(`the gate did not keep this result: ${error instanceof Error ? error.message : String(error)}`);
  }
}

const planOf = ({ samples, letters, warmups, pause, level }: AuditCacheFlags): AuditPlan => ({
  ...{ samples, letters, warmups, share: SHARE, pauseMs: pause },
  levels: [...new Set(level ?? (['same', 'cross'] as const))],
});

async function agreed(context: CliContext, { yes }: AuditCacheFlags, spends: string): Promise<void> {
  if (yes) return context.terminal.note(`sends ${spends}`);
  const answer = await confirm(context, `This sends ${spends}. Go on?`);
  if (answer) return;
  throw new CliFailure({
    code: 'not_confirmed',
    message: `Nothing was sent. The audit would send ${spends}.`,
    hint: 'add --yes, or fewer --samples and --letters',
    exit: EXIT.usage,
  });
}

type Keys = Readonly<Record<'victim' | 'attacker', string>>;

/** A key of each tenant for the audit alone, revoked behind it. */
async function withKeys<T>(
  admin: AdminClient,
  { victim, attacker }: Pick<AuditCacheFlags, 'victim' | 'attacker'>,
  run: (url: string, keys: Keys) => Promise<T>,
): Promise<T> {
  const made: { readonly id: string; readonly key: string }[] = [];
  try {
    for (const tenant of [victim, attacker]) {
      const expiresAt = new Date(Date.now() + KEYS_LIVE_MS).toISOString();
      const body = { tenant, name: 'cache audit', expiresAt, rights: { purpose: true } };
      made.push((await admin.ask('POST', '/keys', { body })) as { id: string; key: string });
    }
    return await run(admin.url, { victim: made[0]!.key, attacker: made[1]!.key });
  } finally {
    for (const { id } of made) await admin.ask('POST', `/keys/${id}/revoke`, { body: {} });
  }
}

import { z } from 'zod';
import type { CallId, EpochMs } from '#kernel/brand.ts';
import { iso, type Clock } from '#kernel/clock.ts';
import { HeadgateError } from '#kernel/errors.ts';
import type { Whose } from '#kernel/whose.ts';
import { timeOrderedId } from '#kernel/ids.ts';
import type { Rng } from '#kernel/rng.ts';
import type { LedgerStore } from '#ports/ledger-store.ts';
import { inForce, type CaptureRule } from '#ports/state-store.ts';
import type { Tenants } from '#capabilities/tenants/index.ts';
import { commitNow, duration, route, type AdminRoute } from '#capabilities/tenants/routes.ts';
import type { Captures } from './captures.ts';

export interface CaptureParts {
  readonly tenants: Tenants;
  readonly captures: Captures;
  readonly clock: Clock;
  readonly rng: Rng;
}

const tag = 'captures';
/** Text of callers is kept for a question, and not for good. */
const LONGEST_MS = 7 * 86_400_000;
/** Each call asks all of them. */
const MOST_RULES = 20;

export interface CaptureView extends Omit<CaptureRule, 'kind' | 'startedAt' | 'until'> {
  readonly startedAt: string;
  readonly until: string;
}

/** Captures: off by default, of one scope, for a time, in the audit from the start to each reading. */
export const captureRoutes = (present: () => CaptureParts, ledger: () => Pick<LedgerStore, 'call'>): AdminRoute[] => [
  route('GET /admin/captures', {
    tag,
    summary: 'List what is captured now, whether it may be, and how full the folder is',
    run: async () => listed(present()),
  }),
  route('POST /admin/captures', {
    tag,
    summary: 'Keep the text of the calls of a scope for a time, redacted and sealed; it ends by itself',
    status: 201,
    atOnce: true,
    body: z.strictObject({
      tenant: z.string().min(1).max(128).optional(),
      feature: z.string().min(1).max(128).optional(),
      key: z.string().min(1).max(128).optional().describe('Id of a key.'),
      model: z.string().min(1).max(256).optional().describe('As callers ask for it.'),
      ratio: z.number().gt(0).max(1).default(1).describe('Share of the calls in scope.'),
      for: duration(LONGEST_MS).default(3_600_000),
      reason: z.string().trim().min(1).max(256),
    }),
    run: async (_, input, { actor }) => {
      const parts = present();
      requireAllowed(parts.captures);
      const scope = scopeOf(parts.tenants, input);
      const now = parts.clock.now();
      if (live(parts).length >= MOST_RULES)
        throw new HeadgateError('conflict', { message: `${MOST_RULES} captures run already.` });
      const value: CaptureRule = {
        kind: 'capture',
        id: timeOrderedId('cap_', now, parts.rng),
        scope,
        ratio: input.ratio,
        reason: input.reason,
        actor,
        startedAt: now,
        until: (now + input.for) as EpochMs,
      };
      const kept = await commitNow(
        parts,
        { actor },
        {
          changes: [{ put: 'lever', value }, ...parts.tenants.directory.dropOver(now)],
          action: 'capture.start',
          subject: value.id,
          tenant: scope.tenant as never,
          detail: { ...input, until: value.until },
        },
      );
      return { ...captureView(value), kept };
    },
  }),
  route('DELETE /admin/captures/:capture', {
    tag,
    summary: 'End a capture before its time; what it has kept stays until it expires',
    atOnce: true,
    run: async ({ capture: id }, _, { actor }) => {
      const parts = present();
      const found = live(parts).find((one) => one.id === id);
      if (!found) throw new HeadgateError('not_found', { message: `No capture \`${id!.slice(0, 128)}\` runs.` });
      const kept = await commitNow(
        parts,
        { actor },
        {
          changes: [{ remove: 'lever', id: found.id }],
          action: 'capture.stop',
          subject: found.id,
          tenant: found.scope.tenant as never,
          detail: {},
        },
      );
      return { ...captureView(found), stopped: true, kept };
    },
  }),
  route('GET /admin/calls/:call/content', {
    tag,
    summary: 'The captured text of a call; each reading is in the audit',
    run: async ({ call }, _, { actor, whose }) => content(present(), ledger(), { call: call!, actor, whose }),
  }),
];

interface Reading {
  readonly call: string;
  readonly actor: string;
  readonly whose: Whose;
}

/** The trail first: what could not be noted is not shown. */
async function content(parts: CaptureParts, ledger: Pick<LedgerStore, 'call'>, { call, actor, whose }: Reading) {
  const answer = await parts.captures.read(call);
  if (!('found' in answer)) throw await missing(answer, ledger, { call, whose });
  const { found } = answer;
  const kept = await commitNow(
    parts,
    { actor },
    { changes: [], action: 'call.read_content', subject: call, tenant: found.tenant as never, detail: {} },
  );
  if (kept === 'memory')
    throw new HeadgateError('store_unavailable', {
      message: 'Neither the store nor this node’s disk can take the audit entry of this reading.',
    });
  return { ...found, at: iso(found.at), expiresAt: iso(found.expiresAt) };
}

async function missing(
  answer: Exclude<Awaited<ReturnType<Captures['read']>>, { found: unknown }>,
  ledger: Pick<LedgerStore, 'call'>,
  { call, whose }: Pick<Reading, 'call' | 'whose'>,
): Promise<HeadgateError> {
  if (answer.missing === 'key')
    return new HeadgateError('capture_sealed', {
      message: `The text of this call is sealed under the key ${answer.keyId}, which is not configured.`,
      facts: { keyId: answer.keyId },
    });
  if (answer.missing === 'tampered')
    return new HeadgateError('capture_sealed', {
      message: 'The text of this call does not fit its seal: it was damaged, or changed by somebody.',
    });
  const known = await ledger.call(call as CallId, whose).catch(() => null);
  const why = known ? 'its text was not captured, or has expired' : 'and no text of one was captured';
  return new HeadgateError('not_found', {
    message: known ? `The call is known, but ${why}.` : `There is no such call, ${why}.`,
  });
}

function requireAllowed(captures: Captures): void {
  if (!captures.allowed) throw new HeadgateError('capture_off');
}

function scopeOf(
  { directory }: Tenants,
  { tenant, feature, key, model }: { readonly [K in keyof CaptureRule['scope']]?: string | undefined },
): CaptureRule['scope'] {
  const refused = (field: string, message: string) => new HeadgateError('invalid_request', { field, message });
  if ([tenant, feature, key, model].every((one) => one === undefined))
    throw refused('tenant', 'A capture names a tenant, a feature, a key or a model: everything at once is not kept.');
  if (tenant !== undefined && !directory.tenant(tenant)) throw refused('tenant', `There is no tenant \`${tenant}\`.`);
  if (key !== undefined && !directory.key(key)) throw refused('key', `There is no key \`${key}\`.`);
  return { tenant: tenant ?? null, feature: feature ?? null, key: key ?? null, model: model ?? null };
}

const live = ({ tenants, clock }: CaptureParts): readonly CaptureRule[] =>
  inForce(tenants.directory.captures, clock.now());

function listed(parts: CaptureParts) {
  const { settings, stats } = parts.captures;
  return {
    allowed: settings !== null,
    keyId: settings?.keys[0]?.id ?? null,
    retentionMs: settings?.retentionMs ?? null,
    folder: { ...stats, maxBytes: settings?.maxBytes ?? null },
    captures: live(parts).map(captureView),
  };
}

const captureView = ({ kind: _, startedAt, until, ...rule }: CaptureRule): CaptureView => ({
  ...rule,
  startedAt: iso(startedAt),
  until: iso(until),
});

import type { EpochMs } from '#kernel/brand.ts';
import type { Clock } from '#kernel/clock.ts';
import { ConfigError } from '#kernel/config/diagnostics.ts';
import type { Place } from '#kernel/config/read.ts';
import { timeOrderedId } from '#kernel/ids.ts';
import type { Rng } from '#kernel/rng.ts';
import type { AuditEntry } from '#ports/state-store.ts';
import type { Declared } from '../core/declared.ts';
import { reconcile } from '../core/reconcile.ts';
import type { Refusal, Step } from '../core/reconcile-step.ts';
import type { Tenants } from '../tenants.ts';

export interface ApplyDeclaredOptions {
  readonly tenants: Tenants;
  readonly declared: Declared;
  /** The file and the hash of what it says, for the audit. */
  readonly file: string;
  readonly hash: string;
  /** Where a path of the file stands, for what the state refuses. */
  readonly placeOf: (path: readonly string[]) => Place;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly randomBytes: (count: number) => Uint8Array;
}

/** HMAC key of end users' ids: as long as the hash. */
const SECRET_BYTES = 32;

/** Actor of the audit entries: the configuration, by the hash that every ledger entry carries too. */
export const configurationActor = (hash: string): string => `configuration:${hash}`;

/**
 * Brings the state to what the file declares, all or nothing, with one audit entry a row. Resolves to what changed:
 * nothing where the state is so already. Throws a {@link ConfigError} for what the state refuses, and
 * `store_unavailable`.
 */
export const applyDeclared = (options: ApplyDeclaredOptions): Promise<readonly Step[]> =>
  options.tenants.inTurn(() => applied(options));

async function applied(options: ApplyDeclaredOptions): Promise<readonly Step[]> {
  const { tenants, declared, clock, rng, randomBytes, file } = options;
  const now = clock.now();
  const { steps, refusals } = reconcile(tenants.directory.snapshot(), declared, {
    now,
    newSecret: () => Buffer.from(randomBytes(SECRET_BYTES)).toString('hex'),
    newId: (prefix) => timeOrderedId(prefix, now, rng),
    author: configurationActor(options.hash),
  });
  if (refusals.length > 0)
    throw new ConfigError(
      file,
      refusals.map((refusal) => diagnostic(refusal, options)),
    );
  // Ids of one millisecond are in no order: sorted, the trail reads in the order of the changes.
  const ids = steps.map(() => timeOrderedId('aud_', now, rng)).sort();
  const [first, ...more] = steps.map((step, i) => auditOf(step, { id: ids[i]!, at: now }, options));
  if (!first) return [];
  await tenants.change(
    steps.flatMap(({ changes }) => changes),
    first,
    ...more,
  );
  return steps;
}

const diagnostic = ({ path, message }: Refusal, { placeOf }: ApplyDeclaredOptions) =>
  ({ code: 'config_conflict', path, ...placeOf(path.split('.')), message, hint: null }) as const;

interface AuditFacts {
  readonly id: string;
  readonly at: EpochMs;
}

function auditOf(step: Step, { id, at }: AuditFacts, { file, hash }: ApplyDeclaredOptions): AuditEntry {
  const { action, subject, tenant, path } = step;
  const detail = JSON.stringify({ file, path, ...step.detail }, (_, value: unknown) =>
    typeof value === 'bigint' ? value.toString() : value,
  );
  return { id, at, actor: configurationActor(hash), action, subject, tenant, detail };
}

import { isDeepStrictEqual } from 'node:util';
import type { EpochMs, KeyId } from '#kernel/brand.ts';
import { hashesOf } from '#ports/state-changes.ts';
import type { ApiKey } from '#ports/state-store.ts';
import { declaredAt, isDeclared, releasedAt, type DeclaredKey } from './declared.ts';
import { rotated } from './keys.ts';
import { changedFields, takenOver, type NewId, type Refusal, type Step } from './reconcile-step.ts';

interface KeyPlan {
  readonly steps: readonly Step[];
  readonly refusals: readonly Refusal[];
  /** Id of each declared key by its path. */
  readonly ids: ReadonlyMap<string, KeyId>;
}

/** Keys as declared: by their path in the file, by their secret, else by tenant and name. */
export function keySteps(held: readonly ApiKey[], wanted: readonly DeclaredKey[], making: Making): KeyPlan {
  const rows = pairs(held, wanted);
  const refusals = wanted.flatMap((key) => refusalOf(key, rows.get(key)) ?? []);
  const next = wanted.map((key) => ({ key, old: rows.get(key), value: keyOf(key, rows.get(key), making) }));
  const known = new Set([...rows.values()].map(({ id }) => id));
  const rest = held.filter(({ id }) => !known.has(id));
  const gone = rest.filter(isDeclared).map((old) => goneStep(old, making.now));
  return {
    steps: [...next.flatMap(({ old, value }) => putStep(old, value) ?? []), ...gone],
    refusals: [...refusals, ...sharedSecrets(next, rest)],
    ids: new Map(next.map(({ key, value }) => [key.path, value.id])),
  };
}

/**
 * The row of each declared key. Paths within a tenant come first, so that a name may go to another tenant, and so that two keys of the file may exchange a secret; a secret next,
 * so that a key of the file may be renamed; a name last, where one live key of the tenant alone has it.
 */
function pairs(held: readonly ApiKey[], wanted: readonly DeclaredKey[]): Map<DeclaredKey, ApiKey> {
  const found = new Map<DeclaredKey, ApiKey>();
  const free = new Set(held);
  const take = (rowOf: (key: DeclaredKey) => ApiKey | undefined): void => {
    for (const key of wanted) {
      const row = found.has(key) ? undefined : rowOf(key);
      if (!row || !free.delete(row)) continue;
      found.set(key, row);
    }
  };
  // Of several that had a path, the one that has it now.
  const marked = held.filter((row) => row.declared).toSorted((a, b) => Number(isDeclared(a)) - Number(isDeclared(b)));
  const byPath = new Map(marked.map((row) => [within(row.tenant, row.declared!.path), row]));
  const byHash = new Map(held.map((row) => [row.hash, row]));
  const byName = groupedByName(held);
  take(({ path, tenant }) => byPath.get(within(tenant, path)));
  take(({ hash }) => byHash.get(hash));
  take(({ tenant, name }) => only(byName.get(within(tenant, name))));
  return found;
}

const within = (tenant: string, name: string): string => `${tenant}\n${name}`;
const only = <T>(rows: readonly T[] | undefined): T | undefined => (rows?.length === 1 ? rows[0] : undefined);

function groupedByName(held: readonly ApiKey[]): Map<string, ApiKey[]> {
  const live = held.filter((row) => row.declared === undefined && row.revokedAt === null);
  return Map.groupBy(live, (row) => within(row.tenant, row.name));
}

function refusalOf({ path, tenant }: DeclaredKey, old: ApiKey | undefined): Refusal | null {
  if (!old) return null;
  if (old.tenant !== tenant) {
    const message = `${path}: its key ${old.id} is of tenant \`${old.tenant}\`, and a key never changes its tenant: declare another key with another secret`;
    return { path, message };
  }
  if (old.revokedAt === null || revokedByFile(old)) return null;
  const message = `${path}: its key ${old.id} was revoked, and a revoked secret does not come back: declare another secret under another name`;
  return { path, message };
}

/** The file itself had ended it: when the declaration comes back, so does the key. */
const revokedByFile = ({ declared, revokedAt }: ApiKey): boolean =>
  declared !== undefined && declared.removedAt !== null && declared.removedAt === revokedAt;

interface Making {
  readonly now: EpochMs;
  readonly newId: NewId;
}

function keyOf(key: DeclaredKey, old: ApiKey | undefined, { now, newId }: Making): ApiKey {
  const { path, overlapMs, hash, hint, ...settings } = key;
  const kept = old
    ? withSecret(old, { hash, hint, overlapMs }, now)
    : { id: newId('key_') as KeyId, hash, hint, previous: [], createdAt: now };
  return { ...kept, ...settings, revokedAt: null, declared: declaredAt(path) };
}

interface Secret {
  readonly hash: string;
  readonly hint: string;
  readonly overlapMs: number;
}

function withSecret(old: ApiKey, { hash, hint, overlapMs }: Secret, now: EpochMs): ApiKey {
  // A hash tells no hint: one that is known from elsewhere stays.
  if (old.hash === hash) return hint === '' ? old : { ...old, hint };
  const next = rotated(old, { hash, hint }, now, overlapMs);
  // A revoked secret gets no overlap, and one that is present again is no earlier one.
  const live = next.previous.filter((one) => one.hash !== hash && !(old.revokedAt !== null && one.hash === old.hash));
  return { ...next, previous: live };
}

interface Next {
  readonly key: DeclaredKey;
  readonly old: ApiKey | undefined;
  readonly value: ApiKey;
}

/** Two keys with one secret would decide by chance who pays. */
function sharedSecrets(next: readonly Next[], rest: readonly ApiKey[]): Refusal[] {
  const owners = new Map<string, string>();
  for (const row of rest) for (const hash of hashesOf(row)) owners.set(hash, row.id);
  const refused: Refusal[] = [];
  for (const { key, value } of next) {
    const other = hashesOf(value).map((hash) => owners.get(hash));
    const owner = other.find((id) => id !== undefined && id !== value.id);
    if (owner !== undefined) refused.push(sharing(key, owner));
    for (const hash of hashesOf(value)) owners.set(hash, value.id);
  }
  return refused;
}

const sharing = ({ path }: DeclaredKey, owner: string): Refusal => ({
  path,
  message: `${path}: the key ${owner} has this secret, or had it before a rotation: declare another`,
});

function putStep(old: ApiKey | undefined, value: ApiKey): Step | null {
  if (isDeepStrictEqual(old, value)) return null;
  const { hash: _, previous, declared, id, tenant, revokedAt: _revoked, createdAt: _created, ...detail } = value;
  return {
    changes: [{ put: 'key', value }],
    action: actionOf(old, value),
    subject: id,
    tenant,
    detail: { ...detail, overlapsUntil: previous.map(({ until }) => new Date(until).toISOString()) },
    path: declared!.path,
    takenOver: takenOver(old),
    changed: changedFields(old, value),
  };
}

function actionOf(old: ApiKey | undefined, value: ApiKey): string {
  if (!old) return 'key.create';
  return old.hash === value.hash ? 'key.update' : 'key.rotate';
}

const goneStep = (old: ApiKey, now: EpochMs): Step => ({
  changes: [{ put: 'key', value: { ...old, revokedAt: old.revokedAt ?? now, declared: releasedAt(old, now) } }],
  action: 'key.revoke',
  subject: old.id,
  tenant: old.tenant,
  detail: { why: 'its declaration is gone' },
  path: old.declared!.path,
  takenOver: false,
  changed: [],
});

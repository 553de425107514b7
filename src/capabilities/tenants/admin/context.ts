import type { TenantId } from '#kernel/brand.ts';
import type { Clock } from '#kernel/clock.ts';
import { HeadgateError } from '#kernel/errors.ts';
import { timeOrderedId } from '#kernel/ids.ts';
import type { Rng } from '#kernel/rng.ts';
import { concerns, type Whose } from '#kernel/whose.ts';
import type { LedgerStore } from '#ports/ledger-store.ts';
import type { Layer } from '#ports/layer.ts';
import type { ApiKey, AuditEntry, Budget, Limit, StateChange, Team, Tenant } from '#ports/state-store.ts';
import { isDeclared, type Declarable } from '../core/declared.ts';
import type { Fault } from '../core/faults.ts';
import type { Kept } from '../late-changes.ts';
import type { LeakWatchNow } from '../leaks/leak-watch.ts';
import type { Tenants } from '../tenants.ts';
import type { AttributionSettings } from '../attribution/settings.ts';
import type { QualityLine } from '../quality/core/quality.ts';
import type { PriceDesk } from './price-desk.ts';
import type { HidesCached } from './tenants-view.ts';
import { didYouMean, type Actor } from './route.ts';

/** What the operations of the admin API work with. */
export interface AdminContext {
  readonly tenants: Tenants;
  readonly ledger: LedgerStore;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly randomBytes: (count: number) => Uint8Array;
  /** Names of the features and labels that the operator's file declares. */
  readonly features: () => ReadonlySet<string>;
  readonly labels: () => ReadonlySet<string>;
  readonly prices: PriceDesk;
  /** How the operator's file divides the bill. */
  readonly attribution: () => AttributionSettings;
  /** Null: no gate runs here that would look into answers. */
  readonly leakWatch: () => LeakWatchNow | null;
  /** Lines of quality of the present, the worst first; absent: nobody follows scores here. */
  readonly quality?: () => Promise<readonly QualityLine[]>;
  /** Path of the file that declares rows; null where the gate runs without one. */
  readonly configFile: () => string | null;
  /** Whose cached tokens a tenant's token does not show; absent: nobody's are hidden. */
  readonly hidesCached?: HidesCached;
}

export interface Change {
  readonly changes: readonly StateChange[];
  readonly action: string;
  readonly subject: string;
  readonly tenant: TenantId | null;
  /** What changed, without secrets. */
  readonly detail: object;
}

/** Commits a change together with its audit entry. */
export async function commit({ tenants, clock, rng }: AdminContext, { actor }: Actor, change: Change): Promise<void> {
  await tenants.change(change.changes, auditOf({ clock, rng }, actor, change));
}

/** The same for what an incident needs: it holds at once, and the store gets it when it can take it. */
export const commitNow = (
  { tenants, clock, rng }: Pick<AdminContext, 'tenants' | 'clock' | 'rng'>,
  { actor }: Actor,
  change: Change,
): Promise<Kept> => tenants.changeNow(change.changes, auditOf({ clock, rng }, actor, change));

function auditOf({ clock, rng }: Pick<AdminContext, 'clock' | 'rng'>, actor: string, change: Change): AuditEntry {
  const { action, subject, tenant } = change;
  const at = clock.now();
  const detail = JSON.stringify(change.detail, (_, value: unknown) =>
    typeof value === 'bigint' ? value.toString() : value,
  );
  return { id: timeOrderedId('aud_', at, rng), at, actor, action, subject, tenant, detail };
}

const missing = (kind: string, id: string, known: Iterable<string>): HeadgateError =>
  new HeadgateError('not_found', { message: `There is no ${kind} \`${id.slice(0, 128)}\`.${didYouMean(id, known)}` });

const idsOf = function* (values: Iterable<{ readonly id: string }>): Generator<string> {
  for (const { id } of values) yield id;
};

export function theTenant({ tenants: { directory } }: AdminContext, id: string): Tenant {
  const tenant = directory.tenant(id);
  if (!tenant) throw missing('tenant', id, idsOf(directory.tenants()));
  return tenant;
}

/** Among those that are meant: another tenant's is no team, and its name is no hint. */
export function theTeam({ tenants: { directory } }: AdminContext, whose: Whose, id: string): Team {
  const team = directory.team(id);
  if (!team || !concerns(whose, team.tenant)) throw missing('team', id, idsOf(directory.teams(whose)));
  return team;
}

/** By id; ids of keys are not guessed at. */
export function theKey({ tenants: { directory } }: AdminContext, whose: Whose, id: string): ApiKey {
  const key = directory.key(id);
  if (!key || !concerns(whose, key.tenant)) throw missing('key', id, []);
  return key;
}

export function theBudget({ tenants: { directory } }: AdminContext, whose: Whose, id: string): Budget {
  const budget = directory.budget(id);
  if (!budget || !concerns(whose, budget.scope.tenant)) throw missing('budget', id, []);
  return budget;
}

export function theLimit({ tenants: { directory } }: AdminContext, whose: Whose, id: string): Limit {
  const limit = directory.limit(id);
  if (!limit || !concerns(whose, limit.scope.tenant)) throw missing('limit', id, []);
  return limit;
}

export function theLayer({ tenants: { directory } }: AdminContext, whose: Whose, id: string): Layer {
  const layer = directory.layer(id);
  if (!layer || !concerns(whose, layer.scope.tenant)) throw missing('layer', id, idsOf(directory.layers(whose)));
  return layer;
}

/** Throws the first of what is wrong as a 400 that names the field. */
export function requireNone(faults: readonly (Fault | null)[]): void {
  const first = faults.find((fault) => fault !== null);
  if (!first) return;
  const hint = first.hint === null ? '' : ` ${first.hint.charAt(0).toUpperCase()}${first.hint.slice(1)}`;
  throw new HeadgateError('invalid_request', { field: first.field, message: `${first.message}.${hint}` });
}

/** The row, or the 409 of one that the file declares: what stands in git is changed there. */
export function changeable<T extends Declarable & { readonly id: string }>(context: AdminContext, row: T): T {
  if (!isDeclared(row)) return row;
  const { path } = row.declared!;
  const file = context.configFile();
  const where = file === null ? 'a headgate.yaml that this gate was not started with' : file;
  const message = `\`${row.id}\` is declared in ${where} under \`${path}\`.`;
  throw new HeadgateError('declared_in_file', { message, facts: { file, path } });
}

/** Where a row comes from, for lists: its place in the file, or null where the API made it. */
export const declaredView = (context: AdminContext, row: Declarable): object | null =>
  isDeclared(row) ? { file: context.configFile(), path: row.declared!.path } : null;

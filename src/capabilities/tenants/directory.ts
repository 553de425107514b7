import type { EpochMs, TeamId, TenantId } from '#kernel/brand.ts';
import { HeadgateError } from '#kernel/errors.ts';
import { err, ok, type Result } from '#kernel/result.ts';
import { concerns, tenantOf, type Whose } from '#kernel/whose.ts';
import {
  inForce,
  type AdminToken,
  type ApiKey,
  type Budget,
  type CaptureRule,
  type Drain,
  type Lever,
  type Limit,
  type PriceOverride,
  type StateChange,
  type StateSnapshot,
  type Team,
  type Tenant,
} from '#ports/state-store.ts';
import type { Layer } from '#ports/layer.ts';
import { LayerIndex } from './layers/layer-index.ts';
import { BudgetIndex } from './core/budget.ts';
import { LimitIndex } from './core/limit.ts';
import { hashKey, isLive, keyRefusal } from './core/keys.ts';
import { readCredential, type Headers } from './core/credentials.ts';

/** Who calls: everything that the key says. Nothing of it comes from the caller. */
export interface Caller {
  readonly tenant: Tenant;
  readonly team: Team | null;
  readonly key: ApiKey;
}

interface Entry {
  readonly caller: Caller;
  /** End of a rotated secret; null: the present one. */
  readonly until: EpochMs | null;
}

/** Everything of the state store in memory: no call waits for the store, and known keys go on while it is away. */
export class Directory {
  readonly #tenants = new Map<TenantId, Tenant>();
  readonly #teams = new Map<TeamId, Team>();
  readonly #keys = new Map<string, ApiKey>();
  readonly #budgets = new Map<string, Budget>();
  readonly #limits = new Map<string, Limit>();
  readonly #layers = new Map<string, Layer>();
  readonly #prices = new Map<string, PriceOverride>();
  readonly #levers = new Map<string, Lever>();
  readonly #tokens = new Map<string, AdminToken>();
  readonly #tokensByHash = new Map<string, AdminToken>();
  /** By SHA-256 in hex: what takes time does not depend on how much of a guess is right. */
  readonly #byHash = new Map<string, Entry>();
  #index: BudgetIndex | null = null;
  #limitIndex: LimitIndex | null = null;
  #layerIndex: LayerIndex | null = null;
  #drains: readonly Drain[] = NO_DRAINS;
  #captures: readonly CaptureRule[] = NO_CAPTURES;
  /** Made anew with each reading of the whole, so that it holds nothing that is gone. */
  #alike = new Shared();

  constructor(snapshot: StateSnapshot) {
    this.replace(snapshot);
  }

  /** Everything anew, as the store has it. */
  replace(snapshot: StateSnapshot): void {
    const rows = [this.#tenants, this.#teams, this.#keys, this.#budgets, this.#limits, this.#layers, this.#prices];
    for (const map of [...rows, this.#levers, this.#tokens, this.#tokensByHash, this.#byHash]) map.clear();
    this.#alike = new Shared();
    for (const value of snapshot.tenants) this.#tenants.set(value.id, value);
    for (const value of snapshot.teams) this.#teams.set(value.id, value);
    for (const value of snapshot.keys) this.#putKey(value);
    for (const value of snapshot.budgets) this.#budgets.set(value.id, value);
    for (const value of snapshot.limits) this.#limits.set(value.id, value);
    for (const value of snapshot.layers) this.#layers.set(value.id, value);
    for (const value of snapshot.prices) this.#prices.set(value.id, value);
    for (const value of snapshot.levers) this.#levers.set(value.id, value);
    // A snapshot of an older Headgate has none.
    for (const value of snapshot.tokens) this.#putToken(value);
    this.#leversChanged();
    this.#index = null;
    this.#limitIndex = null;
    this.#layerIndex = null;
  }

  /** Changes that the store has committed. */
  apply(changes: readonly StateChange[]): void {
    for (const change of changes) {
      if ('remove' in change) this.#removable(change.remove).delete(change.id);
      else if (change.put === 'tenant') this.#putTenant(change.value);
      else if (change.put === 'team') this.#putTeam(change.value);
      else if (change.put === 'key') this.#putKey(change.value);
      else if (change.put === 'budget') this.#budgets.set(change.value.id, change.value);
      else if (change.put === 'limit') this.#limits.set(change.value.id, change.value);
      else if (change.put === 'layer') this.#layers.set(change.value.id, change.value);
      else if (change.put === 'lever') this.#levers.set(change.value.id, change.value);
      else if (change.put === 'token') this.#putToken(change.value);
      else this.#prices.set(change.value.id, change.value);
    }
    this.#leversChanged();
    this.#index = null;
    // Its lines are known by their identity: what changes no limit leaves them.
    const kinds = changes.map((change) => ('remove' in change ? change.remove : change.put));
    if (kinds.includes('limit')) this.#limitIndex = null;
    if (kinds.includes('layer')) this.#layerIndex = null;
  }

  #putToken(token: AdminToken): void {
    this.#tokens.set(token.id, token);
    this.#tokensByHash.set(token.hash, token);
  }

  /** Levers that are over are asked no more; their rows leave with the next change. */
  forgetOver(now: EpochMs): void {
    const [drains, captures] = [inForce(this.#drains, now), inForce(this.#captures, now)];
    if (drains.length < this.#drains.length) this.#drains = listOf(drains);
    if (captures.length < this.#captures.length) this.#captures = captures.length === 0 ? NO_CAPTURES : captures;
  }

  #leversChanged(): void {
    const levers = [...this.#levers.values()];
    this.#drains = listOf(levers.filter((lever) => lever.kind === 'drain'));
    const captures = levers.filter((lever) => lever.kind === 'capture');
    this.#captures = captures.length === 0 ? NO_CAPTURES : captures;
  }

  #removable(kind: 'budget' | 'limit' | 'layer' | 'price' | 'lever'): Map<string, unknown> {
    const [budget, limit, layer] = [this.#budgets, this.#limits, this.#layers];
    return { budget, limit, layer, price: this.#prices, lever: this.#levers }[kind];
  }

  tokens(): Iterable<AdminToken> {
    return this.#tokens.values();
  }

  /** By SHA-256: what takes time does not depend on how much of a guess is right. */
  adminToken(text: string, now: EpochMs): AdminToken | null {
    return this.#liveToken(this.#tokensByHash.get(hashKey(text)), now);
  }

  /** The same token again, by its id: what was opened with it lives no longer than it. */
  adminTokenOf(id: string, now: EpochMs): AdminToken | null {
    return this.#liveToken(this.#tokens.get(id), now);
  }

  #liveToken(token: AdminToken | undefined, now: EpochMs): AdminToken | null {
    if (token === undefined || !isLive(token, now)) return null;
    // A tenant that is disabled opens nothing.
    return token.tenant !== null && this.#tenants.get(token.tenant)?.disabledAt !== null ? null : token;
  }

  snapshot(): StateSnapshot {
    return {
      tenants: [...this.#tenants.values()],
      teams: [...this.#teams.values()],
      keys: [...this.#keys.values()],
      budgets: [...this.#budgets.values()],
      limits: [...this.#limits.values()],
      layers: [...this.#layers.values()],
      prices: [...this.#prices.values()],
      levers: [...this.#levers.values()],
      tokens: [...this.#tokens.values()],
    };
  }

  /** The caller of a request by its headers alone, or the 401 or 403 that it gets. About 2 µs. */
  authenticate(headers: Headers, now: EpochMs): Result<Caller, HeadgateError> {
    const raw = readCredential(headers);
    if (!raw.ok) return raw;
    const entry = this.#byHash.get(hashKey(raw.value));
    if (!entry) return err(new HeadgateError('invalid_api_key', { message: 'The API key is not known.' }));
    const refused = refusalOf(entry, now);
    return refused ? err(refused) : ok(entry.caller);
  }

  /** Whoever holds the key of this id now, or why it may do nothing: for what was allowed to it a while ago. */
  callerOfKey(id: string, now: EpochMs): Result<Caller, HeadgateError> {
    const entry = this.#byHash.get(this.#keys.get(id)?.hash ?? '');
    if (!entry) return err(new HeadgateError('invalid_api_key'));
    const refused = refusalOf(entry, now);
    return refused ? err(refused) : ok(entry.caller);
  }

  get budgetIndex(): BudgetIndex {
    return (this.#index ??= new BudgetIndex(this.#budgets.values()));
  }

  get limitIndex(): LimitIndex {
    return (this.#limitIndex ??= new LimitIndex(this.#limits.values()));
  }

  get layerIndex(): LayerIndex {
    return (this.#layerIndex ??= new LayerIndex(this.#layers));
  }

  tenant(id: string): Tenant | undefined {
    return this.#tenants.get(id as TenantId);
  }
  team(id: string): Team | undefined {
    return this.#teams.get(id as TeamId);
  }
  key(id: string): ApiKey | undefined {
    return this.#keys.get(id);
  }
  budget(id: string): Budget | undefined {
    return this.#budgets.get(id);
  }
  layer(id: string): Layer | undefined {
    return this.#layers.get(id);
  }
  layers(whose: Whose): Iterable<Layer> {
    return ofScope(whose, this.#layers.values());
  }
  limit(id: string): Limit | undefined {
    return this.#limits.get(id);
  }
  /** Is the hash one of a key, also of a rotated one? */
  hasHash(hash: string): boolean {
    return this.#byHash.has(hash);
  }
  /** Is there anybody whom a tenant's answers could tell of another? */
  get hasSeveralTenants(): boolean {
    return this.#tenants.size > 1;
  }
  tenants(): Iterable<Tenant> {
    return this.#tenants.values();
  }
  teams(whose: Whose): Iterable<Team> {
    return ofTenant(whose, this.#teams.values());
  }
  keys(whose: Whose): Iterable<ApiKey> {
    return ofTenant(whose, this.#keys.values());
  }
  budgets(whose: Whose): Iterable<Budget> {
    return ofScope(whose, this.#budgets.values());
  }
  limits(whose: Whose): Iterable<Limit> {
    return ofScope(whose, this.#limits.values());
  }
  prices(): Iterable<PriceOverride> {
    return this.#prices.values();
  }
  /** Drains, also such as are over: almost always the same empty list, so that a call asks for nothing more. */
  get drains(): readonly Drain[] {
    return this.#drains;
  }
  /** Captures, also such as are over; the same empty list where there are none. */
  get captures(): readonly CaptureRule[] {
    return this.#captures;
  }
  /** Changes that take the rows of levers that are over away. */
  dropOver(now: EpochMs): StateChange[] {
    const over = [...this.#levers.values()].filter(({ until }) => until <= now);
    return over.map(({ id }) => ({ remove: 'lever', id }));
  }

  #putTenant(tenant: Tenant): void {
    this.#tenants.set(tenant.id, tenant);
    for (const key of this.#keys.values()) if (key.tenant === tenant.id) this.#putKey(key);
  }

  #putTeam(team: Team): void {
    this.#teams.set(team.id, team);
    for (const key of this.#keys.values()) if (key.team === team.id) this.#putKey(key);
  }

  /** Names as their own owners have them, and whatever else many keys have alike. */
  #shared(key: ApiKey): ApiKey {
    const alike = this.#alike;
    return {
      ...key,
      tenant: this.#tenants.get(key.tenant)?.id ?? key.tenant,
      models: alike.of(key.models),
      rights: alike.of(key.rights),
      defaultFeature: alike.of(key.defaultFeature),
      defaultLabels: alike.of(key.defaultLabels),
      previous: alike.of(key.previous),
    };
  }

  #putKey(given: ApiKey): void {
    const key = this.#shared(given);
    const old = this.#keys.get(key.id);
    if (old) for (const { hash } of [old, ...old.previous]) this.#byHash.delete(hash);
    this.#keys.set(key.id, key);
    const tenant = this.#tenants.get(key.tenant);
    // A key without its tenant opens nothing.
    if (!tenant) return;
    const team = key.team === null ? null : (this.#teams.get(key.team) ?? null);
    if (key.team !== null && team === null) return;
    const caller: Caller = Object.freeze({ tenant, team, key });
    for (const { hash, until } of key.previous) this.#byHash.set(hash, { caller, until });
    this.#byHash.set(key.hash, { caller, until: null });
  }
}

const NO_CAPTURES: readonly CaptureRule[] = Object.freeze([]);
const NO_DRAINS: readonly Drain[] = Object.freeze([]);
const listOf = (drains: readonly Drain[]): readonly Drain[] => (drains.length === 0 ? NO_DRAINS : drains);

/** Lists and rights are alike in most keys: one of each in memory is 5 MB less for 10,000 keys. Never changed in place. */
class Shared {
  readonly #values = new Map<string, unknown>();

  of<T>(value: T): T {
    const name = JSON.stringify(value);
    const known = this.#values.get(name);
    if (known !== undefined) return known as T;
    this.#values.set(name, value);
    return value;
  }
}

function refusalOf({ caller: { key, tenant, team }, until }: Entry, now: EpochMs): HeadgateError | null {
  const code = keyRefusal(key, now);
  if (code) return new HeadgateError(code);
  if (until !== null && until <= now) {
    return new HeadgateError('key_expired', { message: 'The API key was replaced, and its overlap is over.' });
  }
  if (isDisabled(tenant, now))
    return new HeadgateError('forbidden', { message: 'The tenant of this key is disabled.' });
  if (team && isDisabled(team, now))
    return new HeadgateError('forbidden', { message: 'The team of this key is disabled.' });
  return null;
}

const isDisabled = ({ disabledAt }: Tenant | Team, now: EpochMs): boolean => disabledAt !== null && disabledAt <= now;

const ofTenant = <T extends { readonly tenant: TenantId }>(whose: Whose, rows: IteratorObject<T>): Iterable<T> =>
  tenantOf(whose) === null ? rows : rows.filter(({ tenant }) => concerns(whose, tenant));

/** What the operator set for all tenants is no tenant's own. */
const ofScope = <T extends { readonly scope: { readonly tenant: TenantId | null } }>(
  whose: Whose,
  rows: IteratorObject<T>,
): Iterable<T> => (tenantOf(whose) === null ? rows : rows.filter(({ scope }) => concerns(whose, scope.tenant)));

import { createHmac } from 'node:crypto';
import type { CallId, EpochMs, TenantId } from '#kernel/brand.ts';
import type { Clock } from '#kernel/clock.ts';
import type { HeadgateError } from '#kernel/errors.ts';
import { addUsd, maxUsd, nanoUsd, ZERO_USD, type NanoUsd } from '#kernel/money.ts';
import { err, ok, type Result } from '#kernel/result.ts';
import { Ring } from '#kernel/ring.ts';
import { everyTenant, tenantKey, type TenantKey } from '#kernel/whose.ts';
import type { LedgerEntry } from '#ports/entry.ts';
import type { LedgerStore } from '#ports/ledger-store.ts';
import {
  andThen,
  type BudgetCounters,
  type Hold,
  type LimitCounters,
  type LimitState,
  type MaybePromise,
  type PotSettlement,
  type PotState,
} from '#ports/shared-state.ts';
import type { AdminToken, Limit, StateStore } from '#ports/state-store.ts';
import type { PolicyView } from '#wire/dialect.ts';
import { planAdmission } from './core/admission.ts';
import { readAttribution, withBodyHints, type Attribution, type AttributionRules } from './core/attribution.ts';
import { BoundedMap } from '#kernel/bounded-map.ts';
import { fullestBudgets, type BudgetFigures } from './budget-figures.ts';
import type { Effective } from './layers/core/effective.ts';
import { readAliased, type AliasSet } from './core/header-aliases.ts';
import { budgetRefusal, limitAt, warningsOf, type AppliedBudget, type BudgetWarning } from './core/budget.ts';
import type { Payer } from './core/scope-index.ts';
import type { Headers } from './core/credentials.ts';
import { claimOf, type AppliedLimits, type LimitSubject } from './core/limit.ts';
import { LearnedOutput } from './core/learned-output.ts';
import { modelAllowed } from './core/models.ts';
import type { Caller, Directory } from './directory.ts';
import { KeptIds, type AskedId, type KeptOwner } from './kept-ids.ts';
import { meOf, type Me } from './me.ts';
import { overshootOf, type Overshoot } from './overshoot.ts';
import { OpenReservation, payerOf, type AdmitCall, type Reservation } from './open-reservation.ts';
import { expectedOutputTokens, type CallSize } from './core/reservation.ts';
import { holdWork, settleWork, type HeldWork, type WorkAsked, type WorkCost } from './held-work.ts';
import { LimitSeeds } from './limit-seeds.ts';
import { RefusedCalls } from './refused-calls.ts';
import { Seeds } from './seeds.ts';
import { ValueBounds } from './core/value-bounds.ts';
import { settleLimits, takeLimits, type LimitsAsked, type TakenLimits } from './taken-limits.ts';

/** End users whose HMAC is remembered: 3 µs saved a call, about 2 MB. */
const HASHED_USERS = 10_000;
/** A stream that has used up its money asks for a quarter more at once, so that it does not ask each second. */
const TOP_UP_SHARE = 4n;
export interface GateOptions {
  readonly directory: Directory;
  readonly counters: BudgetCounters;
  readonly limitCounters: LimitCounters;
  readonly state: Pick<StateStore, 'keepId' | 'keptId'>;
  readonly ledger: Pick<LedgerStore, 'spend' | 'call'>;
  readonly clock: Clock;
  /** Features and labels that the operator's file declares now. */
  readonly features: () => ReadonlySet<string>;
  readonly labels: () => ReadonlySet<string>;
  /** Gateways whose attribution headers are read as ours; default: none. */
  readonly aliases?: () => readonly AliasSet[];
  /** Values of a label, purposes and clients of a tenant that are told apart in a day; default: 1,000. */
  readonly valuesADay?: () => number;
  readonly onWarning: (warning: BudgetWarning) => void;
  readonly onTrouble: (what: string, error: unknown) => void;
}

/** Keys, attribution, budgets and kept ids on the way of a call. */
export class TenantsGate {
  readonly #options: GateOptions;
  readonly #learned = new LearnedOutput();
  readonly #users = new BoundedMap<TenantKey<'end user'>, string>(HASHED_USERS);
  readonly #kept: KeptIds;
  readonly #open = new Ring<OpenReservation>();
  readonly #seeds: Seeds;
  protected readonly limitSeeds: LimitSeeds;
  /** Refusals by level and unit: `tenant requests`. */
  readonly limitRefusals = new Map<string, number>();
  readonly refusedByLimits = new RefusedCalls();
  readonly values: ValueBounds;

  constructor(options: GateOptions) {
    this.#options = options;
    this.#kept = new KeptIds(options);
    this.values = new ValueBounds(options.valuesADay ?? (() => 1_000));
    this.#seeds = new Seeds(options);
    this.limitSeeds = new LimitSeeds(options);
  }

  /** Who holds a key now; else 401 or 403. */
  callerOfKey(id: string): Result<Caller, HeadgateError> {
    return this.#options.directory.callerOfKey(id, this.#options.clock.now());
  }

  /** The named admin token of this text, if it is neither revoked nor over. */
  adminToken(text: string): AdminToken | null {
    return this.#options.directory.adminToken(text, this.#options.clock.now());
  }

  /** The named admin token of this id, if it is neither revoked nor over. */
  adminTokenOf(id: string): AdminToken | null {
    return this.#options.directory.adminTokenOf(id, this.#options.clock.now());
  }

  /** Who calls, by the head alone; else 401 or 403. */
  authenticate(headers: Headers): Result<Caller, HeadgateError> {
    return this.#options.directory.authenticate(headers, this.#options.clock.now());
  }

  /** The layers of a call as one; null: none applies. Worked out once for a key and a feature. */
  layersOf(caller: Caller, feature: string | null): Effective | null {
    return this.#options.directory.layerIndex.of(caller, feature);
  }

  /** May the key call the model? An unknown model is asked about alike. */
  mayCall({ key }: Caller, model: string): boolean {
    return modelAllowed(key.models, model);
  }

  /** The entry of a call that this very key made; null for any other. */
  async ownCall({ tenant, key }: Caller, id: CallId): Promise<LedgerEntry | null> {
    const entry = await this.#options.ledger.call(id, tenant.id);
    return entry?.key === key.id ? entry : null;
  }

  /** Feature, end user, session and labels of a call: headers first, then what the body says; else a 400. */
  attribute(
    caller: Caller,
    headers: Headers,
    view: Pick<PolicyView, 'endUser' | 'sessionHint'>,
  ): Result<Attribution, HeadgateError> {
    const rules = this.#rules(caller);
    const sets = this.#options.aliases?.();
    const read = sets?.length ? readAliased(headers, rules, sets) : readAttribution(headers, rules);
    if (!read.ok) return read;
    const attribution = withBodyHints(read.value, view, rules);
    return ok(this.values.bound(caller.tenant.id, attribution, this.#options.clock.now()));
  }

  #rules({ key, tenant }: Caller): AttributionRules {
    const { features, labels } = this.#options;
    return {
      key,
      features: features(),
      labels: labels(),
      hashEndUser: (raw) => this.#hashed(tenant.id, tenant.secret, raw),
    };
  }

  #hashed(tenant: TenantId, secret: string, raw: string): string {
    const name = tenantKey(tenant, 'end user', raw);
    let hashed = this.#users.get(name);
    if (hashed === undefined) this.#users.set(name, (hashed = hashEndUser(secret, raw)));
    return hashed;
  }

  /**
   * Takes a call's place in every limit and holds its money in every budget that applies, or nothing at all and says
   * which refuses (402, 429).
   */
  admit(call: AdmitCall): MaybePromise<Result<Reservation, HeadgateError>> {
    const payer = payerOf(call);
    const applied = call.own ? [] : this.#options.directory.limitIndex.of(payer);
    if (applied.length === 0) return this.#holdMoney(call, payer, null);
    const seeding = this.limitSeeds.missing(applied, payer, call.at);
    return seeding === null ? this.#take(call, payer, applied) : seeding.then(() => this.#take(call, payer, applied));
  }

  #take(
    call: AdmitCall,
    payer: Payer,
    applied: readonly AppliedLimits[],
  ): MaybePromise<Result<Reservation, HeadgateError>> {
    const taking = takeLimits(this.#options.limitCounters, this.#limitsAsked(call, applied), (limit) =>
      this.#countRefusal(limit, call.at),
    );
    return andThen(taking, (taken) => (taken.ok ? this.#holdOrGiveBack(call, payer, taken.value) : taken));
  }

  #limitsAsked(call: AdmitCall, applied: readonly AppliedLimits[]): LimitsAsked {
    const { attribution, model, size, featureMaxOutputTokens, at, requestOnly = false } = call;
    const learnedP95 = this.#learned.p95(attribution.feature, model);
    const outputTokens = expectedOutputTokens(size, { learnedP95, featureMaxOutputTokens }) * size.n;
    return { applied, inputTokens: size.inputTokensEstimate, outputTokens, requestOnly, at };
  }

  #countRefusal({ id, scope, unit }: Limit, at: EpochMs): void {
    this.refusedByLimits.note(id, at);
    const name = `${scope.level} ${unit}`;
    this.limitRefusals.set(name, (this.limitRefusals.get(name) ?? 0) + 1);
  }

  /** What the money refuses takes no place in a limit. */
  #holdOrGiveBack(
    call: AdmitCall,
    payer: Payer,
    taken: TakenLimits | null,
  ): MaybePromise<Result<Reservation, HeadgateError>> {
    const judged = (result: Result<Reservation, HeadgateError>) => {
      if (!result.ok) this.#giveBack(taken);
      return result;
    };
    try {
      const held = this.#holdMoney(call, payer, taken);
      if (!(held instanceof Promise)) return judged(held);
      return held.then(judged, (error: unknown) => {
        this.#giveBack(taken);
        throw error;
      });
    } catch (error) {
      this.#giveBack(taken);
      throw error;
    }
  }

  #giveBack(taken: TakenLimits | null): void {
    if (taken) this.#ended(this.#options.limitCounters.release(taken.hold, this.#options.clock.now()));
  }

  /** Nobody waits for a counter that is elsewhere. */
  #ended(ending: MaybePromise<void>): void {
    if (ending instanceof Promise)
      void ending.catch((error: unknown) => this.#options.onTrouble('a limit was not settled', error));
  }

  #holdMoney(
    call: AdmitCall,
    payer: Payer,
    taken: TakenLimits | null,
  ): MaybePromise<Result<Reservation, HeadgateError>> {
    const budgets = call.free ? [] : this.#options.directory.budgetIndex.of(payer);
    if (budgets.length === 0) return this.#reserve(call, budgets, taken);
    const seeded = this.#seeds.missing(budgets, payer, call.at);
    return seeded === null
      ? this.#reserve(call, budgets, taken)
      : seeded.then(() => this.#reserve(call, budgets, taken));
  }

  #reserve(
    call: AdmitCall,
    budgets: readonly AppliedBudget[],
    limits: TakenLimits | null,
  ): MaybePromise<Result<Reservation, HeadgateError>> {
    const plan = planAdmission(call, budgets, this.#learned.p95(call.attribution.feature, call.model));
    if (!plan.ok) return plan;
    const { claims } = plan.value;
    const opened = (hold: Hold | null): OpenReservation => {
      const open = new OpenReservation(call, plan.value, { budgets, hold, limits });
      this.#open.add(open);
      return open;
    };
    if (claims.length === 0) return ok(opened(null));
    return andThen(this.#options.counters.reserve(claims, call.at), (held) => {
      if (held.ok) return ok(opened(held.value));
      const { index } = held.error;
      return err(budgetRefusal(budgets[index]!.budget, claims[index]!, held.error, call.at));
    });
  }

  /**
   * Pays for a further attempt, or says which budget does not. `costSoFarNanoUsd`: what the attempts before may have
   * cost; without it each of them is taken to have cost its whole share.
   */
  topUp(given: Reservation, costSoFarNanoUsd?: NanoUsd): MaybePromise<Result<null, HeadgateError>> {
    const open = given as OpenReservation;
    const { hold, plan, budgets } = open;
    if (!hold) return ok(null);
    open.earlierNanoUsd = costSoFarNanoUsd ?? addUsd(open.earlierNanoUsd, plan.reservedNanoUsd);
    const now = this.#options.clock.now();
    const to = plan.claims.map(({ amountNanoUsd }) =>
      amountNanoUsd === 0n ? ZERO_USD : addUsd(amountNanoUsd, open.earlierNanoUsd),
    );
    return andThen(this.#grow(open, to, now, false), (grown) => {
      if (grown.ok) return ok(null);
      const { index } = grown.error;
      const claim = { ...plan.claims[index]!, limitNanoUsd: limitAt(budgets[index]!.budget, now) };
      return err(budgetRefusal(budgets[index]!.budget, claim, grown.error, now));
    });
  }

  #grow(open: OpenReservation, to: readonly NanoUsd[], now: EpochMs, force: boolean) {
    const { counters } = this.#options;
    const targets = to.map((toNanoUsd, i) => ({ toNanoUsd, limitNanoUsd: limitAt(open.budgets[i]!.budget, now) }));
    return andThen(counters.grow(open.hold!, targets, now, force), (grown) => {
      if (grown.ok)
        open.reservedNanoUsd = open.hold!.pots.reduce(
          (most, { heldNanoUsd }) => maxUsd(most, heldNanoUsd),
          open.reservedNanoUsd,
        );
      return grown;
    });
  }

  /** A stream's estimated cost so far. `end`: a budget with `endWhenSpent` has no money left. */
  progress(given: Reservation, attemptCostNanoUsd: NanoUsd): 'go_on' | 'end' {
    const open = given as OpenReservation;
    const cost = addUsd(open.earlierNanoUsd, attemptCostNanoUsd);
    if (!open.hold || open.hold.pots.every(({ heldNanoUsd }) => heldNanoUsd >= cost)) return open.verdict;
    const verdict = this.#covered(open, cost);
    if (verdict instanceof Promise) {
      void verdict
        .then((word) => (open.verdict = word))
        .catch((error: unknown) => this.#options.onTrouble('top-up failed', error));
      return open.verdict;
    }
    return (open.verdict = verdict);
  }

  #covered(open: OpenReservation, cost: NanoUsd): MaybePromise<'go_on' | 'end'> {
    const now = this.#options.clock.now();
    const { claims } = open.plan;
    const more = claims.map(({ amountNanoUsd }) => nanoUsd(cost + amountNanoUsd / TOP_UP_SHARE));
    return andThen(this.#grow(open, more, now, false), (grown) => {
      if (grown.ok) return 'go_on';
      const ending = open.budgets.map(({ budget }) =>
        budget.mode === 'bounded' && budget.endWhenSpent ? cost : ZERO_USD,
      );
      return andThen(this.#grow(open, ending, now, false), (enough) =>
        // The money is being spent: the counters say so, whatever the limit.
        andThen(
          this.#grow(
            open,
            claims.map(() => cost),
            now,
            true,
          ),
          () => (enough.ok ? 'go_on' : 'end'),
        ),
      );
    });
  }

  /** Turns the reservation into what the entry says that the call cost. Once a call, in the window of its admission. */
  settle(given: Reservation, entry: LedgerEntry): MaybePromise<readonly PotSettlement[]> {
    const open = given as OpenReservation;
    this.#open.drop(open);
    this.#learn(open, entry);
    const { budgets, hold, limits } = open;
    const { clock, limitCounters } = this.#options;
    if (limits) this.#ended(settleLimits(limitCounters, limits, entry, clock.now()));
    if (!hold) return [];
    const actual = budgets.map(
      ({ budget }, i) => entry.cost?.total ?? budget.unknownPriceNanoUsd ?? hold.pots[i]!.heldNanoUsd,
    );
    const now = clock.now();
    return andThen(this.#options.counters.settle(hold, actual, now), (settled) => {
      settled.forEach((one, i) => warningsOf(budgets[i]!.budget, one, now).forEach(this.#options.onWarning));
      return settled;
    });
  }

  /** Gives everything back: the call was not admitted after all. */
  release(given: Reservation): MaybePromise<readonly PotSettlement[]> {
    const open = given as OpenReservation;
    this.#open.drop(open);
    this.#giveBack(open.limits);
    if (!open.hold) return [];
    return this.#options.counters.settle(
      open.hold,
      open.budgets.map(() => ZERO_USD),
      this.#options.clock.now(),
    );
  }

  /** Holds the money of work that runs later; `again`: a process that died had held it. */
  async holdWork(asked: WorkAsked, again = false): Promise<Result<HeldWork, HeadgateError>> {
    const budgets = this.#options.directory.budgetIndex.of(asked.payer);
    await this.#seeds.missing(budgets, asked.payer, this.#options.clock.now());
    return holdWork(this.#options, asked, budgets, again);
  }

  /** Settles such work, once, with what its calls came to. */
  settleWork(held: HeldWork, cost: WorkCost): Promise<void> {
    return settleWork(this.#options, held, cost, this.#options.clock.now());
  }

  /** Output tokens that one answer of a call is expected to have. */
  expectedOutput(feature: string | null, model: string, size: CallSize): number {
    return expectedOutputTokens(size, {
      learnedP95: this.#learned.p95(feature, model),
      featureMaxOutputTokens: null,
    });
  }

  #learn({ call }: OpenReservation, entry: LedgerEntry): void {
    const tokens = entry.usage.outputTokens;
    const whole = entry.status === 'ok' && entry.usageSource === 'provider' && entry.attempts.length === 1;
    if (whole && tokens !== null) this.#learned.note(entry.feature, entry.modelAsked, Math.ceil(tokens / call.size.n));
  }

  /** The deployment that keeps the ids of a request (null: it names none); 404 for another tenant's or an unknown one. */
  checkKeptIds(caller: Caller, ids: readonly AskedId[]): MaybePromise<Result<string | null, HeadgateError>> {
    return this.#kept.check(caller, ids);
  }

  /** Binds ids that an answer names to the caller's tenant and the deployment. */
  rememberKeptIds(
    caller: KeptOwner,
    ids: readonly { readonly kind: string; readonly id: string }[],
    deployment: string,
  ): void {
    this.#kept.remember(caller, ids, deployment);
  }

  /** Makes up for a store that was away: kept ids that it missed, spending that could not be read. */
  async flush(): Promise<void> {
    await this.#seeds.readMissed(this.#options.clock.now());
    await this.#kept.flush();
  }

  /** Spent and reserved of a budget that names its scope; counted from the ledger first where it is new. */
  async spentOf(applied: AppliedBudget): Promise<readonly PotState[]> {
    const { counters, clock } = this.#options;
    const { tenant, level, id } = applied.budget.scope;
    const nobody = { tenant: tenant!, team: id, feature: id, key: id ?? '', endUser: level === 'end_user' ? id : null };
    await this.seedFor([applied], nobody);
    return counters.read([applied.pot], clock.now());
  }

  /** The fullest of the budgets that are one pot, the fullest first. */
  fullestBudgets(most: number): Promise<BudgetFigures[]> {
    const { directory, clock } = this.#options;
    const spentOf = (applied: AppliedBudget): Promise<readonly PotState[]> => this.spentOf(applied);
    return fullestBudgets(
      { budgets: [...directory.budgets(everyTenant('metrics are the operator’s'))], spentOf, now: clock.now() },
      most,
    );
  }

  /** Reads from the ledger the pots of a payer that are not known yet; null where all are. */
  seedFor(budgets: readonly AppliedBudget[], payer: Payer): Promise<unknown> | null {
    return this.#seeds.missing(budgets, payer, this.#options.clock.now());
  }

  /** Used and reserved of a limit that names its scope. */
  async usedOf(limit: Limit): Promise<LimitState> {
    return (await this.usesOf([{ limit, subject: null }]))[0]!;
  }

  /** The same of several in one question to the counters, also of one subject of a limit for each of many. */
  async usesOf(asked: readonly LimitSubject[]): Promise<readonly LimitState[]> {
    const { directory, limitCounters, clock } = this.#options;
    const applied = asked.map((one) => directory.limitIndex.ofSubject(one));
    for (const [i, { limit, subject }] of asked.entries()) {
      const { tenant, level, id } = limit.scope;
      if (level !== 'end_user') continue;
      const payer = { tenant: tenant!, team: null, feature: null, key: '', endUser: id ?? subject };
      await this.limitSeeds.missing([applied[i]!], payer, clock.now());
    }
    const sets = new Map(applied.map((one) => [one.set, one]));
    const claims = [...sets.values()].map((one) => claimOf(one, clock.now()));
    const states = await limitCounters.read(claims, clock.now());
    const places = new Map([...sets.keys()].map((set, i) => [set, i]));
    return applied.map(({ group, set }, i) => {
      const line = group.limits.findIndex(({ id }) => id === asked[i]!.limit.id);
      return states[places.get(set)!]![line]!;
    });
  }

  /** What a key may know of itself (clients.md 29). */
  me(caller: Caller, models: readonly string[]): MaybePromise<Me> {
    const { directory, counters, limitCounters, clock } = this.#options;
    return meOf({ caller, models, directory, counters, limitCounters, now: clock.now() });
  }

  /** The largest overshoot of `bounded` budgets that calls in flight can still cause. */
  overshoot(): Overshoot {
    return overshootOf(this.#open);
  }
}

/** HMAC-SHA256 under the tenant's secret, its first 16 bytes in hex: of no use to whoever lacks the secret. */
export const hashEndUser = (secretHex: string, raw: string): string =>
  createHmac('sha256', Buffer.from(secretHex, 'hex')).update(raw).digest('hex').slice(0, 32);

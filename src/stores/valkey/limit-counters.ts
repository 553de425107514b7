import type { EpochMs } from '#kernel/brand.ts';
import { HeadgateError } from '#kernel/errors.ts';
import { invariant } from '#kernel/invariant.ts';
import { err, ok, type Result } from '#kernel/result.ts';
import type {
  LimitClaim,
  LimitCounters,
  LimitHold,
  LimitKey,
  LimitLine,
  LimitRefusal,
  LimitState,
  LimitUse,
  LineLeft,
} from '#ports/shared-state.ts';
import { AWAY, Connection, type ValkeyAddress } from './connection.ts';
import { LIMIT_SCRIPTS } from './limit-scripts.ts';

/** A gate that says nothing for so long holds no calls in flight any more. */
const LEASE_MS = 10_000;
const RENEW_EVERY_MS = 2_000;
const PREFIX = 'headgate:limits:';

export interface ValkeyLimitsOptions extends ValkeyAddress {
  /** Name of this process among the gates. */
  readonly gate: string;
  /** Name of a line's counter within its set; the same at every gate for what is to be counted together. */
  readonly nameOf: (line: LimitLine) => string;
  /** `server`: clocks of gates may differ, and the time that they say is not used. */
  readonly time: 'server' | 'given';
  /** Counts while the server is away, by this gate's share of each limit; null: every call is refused then. */
  readonly local: LimitCounters | null;
  /** So many gates share a limit at least while the server is away, whoever was counted before. */
  readonly leastGates: number;
  /** The server answers, or does no more, and why. */
  readonly onChange?: (up: boolean, why: string | null) => void;
}

export interface ValkeyLimitCounters extends LimitCounters {
  readonly up: boolean;
  close(): Promise<void>;
}

interface SharedHold extends LimitHold {
  /** Starts of the steps, by claim and line. */
  readonly steps: readonly (readonly number[])[];
  readonly amounts: readonly number[];
  /** The name under which calls in flight are held. */
  readonly gate: string;
  ended: boolean;
}

/** Taken while the server was away. */
interface LocalHold extends LimitHold {
  readonly local: LimitHold;
}

type Told = readonly (readonly (readonly [at: number, left: number, emptyAt: number])[])[];
type TakeReply = { readonly ok: Told } | { readonly no: readonly [number, number, number, number, number] };

/** Limit counters of all gates on one Valkey or Redis: a call is one round trip, and all or nothing over its limits. */
export function valkeyLimitCounters(options: ValkeyLimitsOptions): ValkeyLimitCounters {
  return new SharedLimits(options);
}

class SharedLimits implements ValkeyLimitCounters {
  readonly lasting = true;
  readonly #options: ValkeyLimitsOptions;
  readonly #connection: Connection;
  readonly #timer: NodeJS.Timeout;
  /** Changes with each outage: calls in flight that the server may have lost or never heard to end are let go with it. */
  #generation = 0;
  #gates: number;

  constructor(options: ValkeyLimitsOptions) {
    const { gate: _, nameOf: __, time: ___, local: ____, leastGates, onChange, ...address } = options;
    this.#options = options;
    this.#gates = leastGates;
    const changed = (up: boolean, why: string | null): void => {
      if (up) void this.#renew();
      else this.#generation += 1;
      onChange?.(up, why);
    };
    this.#connection = new Connection(address, changed, LIMIT_SCRIPTS);
    this.#timer = setInterval(() => void this.#renew(), RENEW_EVERY_MS).unref();
  }

  get up(): boolean {
    return this.#connection.up;
  }

  get #gate(): string {
    return `${this.#options.gate}.${this.#generation}`;
  }

  async take(
    claims: readonly LimitClaim[],
    amounts: readonly number[],
    now: EpochMs,
  ): Promise<Result<LimitHold, LimitRefusal>> {
    const gate = this.#gate;
    const asked = { c: this.#lines(claims), v: amounts, g: gate, e: LEASE_MS };
    const said = await this.#run('take', claims, asked, now);
    if (said === AWAY) return this.#takeHere(claims, amounts, now);
    const reply = JSON.parse(String(said)) as TakeReply;
    if ('no' in reply) return err(refusalOf(reply.no));
    const steps = reply.ok.map((lines) => lines.map(([at]) => at));
    return ok({ claims, steps, amounts, gate, ended: false, tightest: tightestOf(claims, reply.ok) } as SharedHold);
  }

  async settle(hold: LimitHold, actual: readonly number[], now: EpochMs): Promise<void> {
    if ('local' in hold) return this.#options.local!.settle((hold as LocalHold).local, actual, now);
    const own = hold as SharedHold;
    invariant(!own.ended, 'a hold is ended once');
    own.ended = true;
    const c = this.#lines(own.claims).map((lines, i) => lines.map((line, k) => ({ ...line, at: own.steps[i]![k]! })));
    // Unheard it stays as it was reserved until it leaves its window, which is the safe side.
    await this.#run('settle', own.claims, { c, v: own.amounts, u: actual, g: own.gate }, now);
  }

  async release(hold: LimitHold, now: EpochMs): Promise<void> {
    if ('local' in hold) return this.#options.local!.release((hold as LocalHold).local, now);
    const { amounts } = hold as SharedHold;
    return this.settle(
      hold,
      amounts.map(() => 0),
      now,
    );
  }

  async seed(uses: Iterable<LimitUse>, now: EpochMs): Promise<void> {
    for (const { claim, amounts, from, to } of uses)
      await this.#run('seed', [claim], { c: this.#lines([claim]), v: amounts, f: from, t: to }, now);
  }

  async read(claims: readonly LimitClaim[], now: EpochMs): Promise<readonly (readonly LimitState[])[]> {
    if (claims.length === 0) return [];
    const said = await this.#run('read', claims, { c: this.#lines(claims) }, now);
    if (said === AWAY) return (await this.#options.local?.read(this.#share(claims), now)) ?? claims.map(nothing);
    const all = JSON.parse(String(said)) as readonly (readonly (readonly [number, number])[])[];
    return all.map((lines) => lines.map(([used, reserved]) => ({ used, reserved })));
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#connection.close();
  }

  #takeHere(claims: readonly LimitClaim[], amounts: readonly number[], now: EpochMs) {
    const { local } = this.#options;
    if (local === null) throw new HeadgateError('store_unavailable', { message: 'The counters of limits are away.' });
    return Promise.resolve(local.take(this.#share(claims), amounts, now)).then((taken) =>
      taken.ok ? ok({ claims, tightest: taken.value.tightest, local: taken.value } as LocalHold) : taken,
    );
  }

  /** What this gate may use while gates do not hear of each other: together they use no more than the whole. */
  #share(claims: readonly LimitClaim[]): LimitClaim[] {
    return claims.map((claim) => shareOf(claim.lines, this.#gates, claim.set));
  }

  #lines(claims: readonly LimitClaim[]) {
    const { nameOf } = this.#options;
    return claims.map(({ lines }) =>
      lines.map((line) => ({
        ...{ n: nameOf(line), w: line.window?.spanMs ?? 0, s: line.window?.stepMs ?? 1 },
        ...{ l: line.limit, m: line.measure },
      })),
    );
  }

  #run(name: keyof typeof LIMIT_SCRIPTS, claims: readonly LimitClaim[], asked: object, now: EpochMs): Promise<unknown> {
    const keys = claims.map(({ set }) => PREFIX + set);
    const at = this.#options.time === 'server' ? '' : String(now);
    return this.#connection.run(LIMIT_SCRIPTS[name], keys, [at, JSON.stringify(asked)]);
  }

  async #renew(): Promise<void> {
    const gate = this.#gate;
    const asked = JSON.stringify({ g: gate, e: LEASE_MS });
    const said = await this.#connection.run(LIMIT_SCRIPTS.renew, [], ['', asked]);
    if (Array.isArray(said)) this.#gates = Math.max(this.#options.leastGates, Number(said[0]));
  }
}

const shares = new WeakMap<readonly LimitLine[], { readonly gates: number; readonly lines: readonly LimitLine[] }>();

/** The same array as long as nothing changes: the counters know their lines by it. */
function shareOf(lines: readonly LimitLine[], gates: number, set: LimitKey): LimitClaim {
  let known = shares.get(lines);
  if (known?.gates !== gates) {
    const own = lines.map((line) => ({ ...line, limit: Math.floor(line.limit / gates) }));
    shares.set(lines, (known = { gates, lines: own }));
  }
  return { set, lines: known.lines };
}

const nothing = ({ lines }: LimitClaim): readonly LimitState[] => lines.map(() => ({ used: 0, reserved: 0 }));

const refusalOf = ([claim, line, used, reserved, fits]: readonly [number, number, number, number, number]) =>
  ({ claim, line, used, reserved, fitsAt: fits === 0 ? null : fits }) as LimitRefusal;

function tightestOf(claims: readonly LimitClaim[], told: Told): (LineLeft | undefined)[] {
  const tightest: (LineLeft | undefined)[] = [];
  claims.forEach(({ lines }, i) =>
    lines.forEach((line, k) => {
      const [, left, emptyAt] = told[i]![k]!;
      if (line.lane === null || (tightest[line.lane]?.left ?? Infinity) <= left) return;
      tightest[line.lane] = { line, left, emptyAt: emptyAt === 0 ? null : (emptyAt as EpochMs) };
    }),
  );
  return tightest;
}

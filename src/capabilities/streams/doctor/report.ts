import type { WastePrice } from './core/cancel.ts';
import { judge, type Bound, type Judgement } from './core/bounds.ts';
import { findingsOf, type Finding } from './core/findings.ts';
import { hopsOf, type HopFinding } from './core/hops.ts';
import type { Measured } from './core/measured.ts';
import { recommend, type Recommendation } from './core/recommend.ts';
import { differencesOf, type Difference } from './core/versions.ts';
import { measure } from './measure.ts';
import type { DoctorPlan } from './plan.ts';
import type { Way } from './way.ts';

export interface WayReport {
  readonly url: string;
  readonly tookMs: number;
  readonly measured: Measured;
  readonly findings: readonly Finding[];
  /** Between HTTP/1.1 and HTTP/2 to the first hop. */
  readonly differences: readonly Difference[];
  readonly recommendation: Recommendation;
  /** Null: nobody asked to hold the way to anything. */
  readonly bounds: readonly Judgement[] | null;
}

export interface DoctorReport {
  readonly report: 'streams_doctor';
  readonly at: string;
  readonly plan: DoctorPlan;
  /** What this run left out; null: nothing. */
  readonly leftOut: string | null;
  readonly waste: { readonly tokensPerSecond: number; readonly pricePerMillionUsd: string };
  /** From the outside inwards. */
  readonly ways: readonly WayReport[];
  readonly hops: readonly HopFinding[];
  readonly broken: boolean;
}

export interface DoctorAsk {
  readonly ways: readonly Way[];
  readonly plan: DoctorPlan;
  readonly leftOut: string | null;
  readonly price: WastePrice;
  readonly pricePerMillionUsd: string;
  /** Null: hold the ways to nothing. */
  readonly bounds: readonly Bound[] | null;
  readonly now: number;
  readonly step: (what: string) => void;
}

/** Measures each way and says what it does. Throws a `NoEcho` where one does not lead to an open echo. */
export async function examine(ask: DoctorAsk): Promise<DoctorReport> {
  // At once: they share the long silences, and each is a few connections.
  const ways = await Promise.all(
    ask.ways.map((way, i) => reportOf(way, i === 0 ? ask : { ...ask, step: () => undefined })),
  );
  return {
    report: 'streams_doctor',
    at: new Date(ask.now).toISOString(),
    ...{ plan: ask.plan, leftOut: ask.leftOut },
    waste: { tokensPerSecond: ask.price.tokensPerSecond, pricePerMillionUsd: ask.pricePerMillionUsd },
    ways,
    hops: hopsOf(ways),
    // Outside is where readers are.
    broken: ways[0]!.bounds?.some(({ broken }) => broken) ?? false,
  };
}

async function reportOf(way: Way, { plan, price, bounds, step }: DoctorAsk): Promise<WayReport> {
  const from = performance.now();
  const measured = await measure(way, plan, step);
  return {
    url: way.base.href,
    tookMs: Math.round(performance.now() - from),
    measured,
    findings: findingsOf(measured, price),
    differences: differencesOf(measured),
    recommendation: recommend(measured),
    bounds: bounds && judge(measured, bounds, price),
  };
}

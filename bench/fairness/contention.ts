import { intBetween, type Rng } from '#kernel/rng.ts';
import { AccountRoom, type AccountCost } from '#capabilities/tenants/fairness/core/account-room.ts';
import { FairQueue } from '#capabilities/tenants/fairness/core/fair-queue.ts';

/** Fifty tenants at one account; the first floods. Times are virtual milliseconds. */
export interface Contention {
  readonly tenants: number;
  readonly tokensPerMinute: number;
  readonly seconds: number;
  /** Calls a second of a tenant that has enough to do: more than its share. */
  readonly callsPerSecond: number;
  /** How often more the first asks than any other. */
  readonly flood: number;
  /** Of each: 1 + i mod this. */
  readonly weights: number;
}

export interface Outcome {
  /** Tokens of each tenant over its weighted share of all: 1 is fair. */
  readonly shares: readonly number[];
  /** Jain's index over tokens by weight: 1 is fair, 1/n is one tenant that has all. */
  readonly jain: number;
  /** Of the tenant that waits longest, the flood apart, in milliseconds. */
  readonly worstP99Ms: number;
}

interface Call {
  readonly tenant: number;
  readonly at: number;
  readonly cost: AccountCost;
}

/** Every tenant asks by a Poisson process; whoever is served is told by the account's own bucket. */
export function contend(setup: Contention, fair: boolean, rng: Rng): Outcome {
  const { tenants, tokensPerMinute, seconds, weights } = setup;
  const weightOf = (tenant: number): number => (fair ? 1 + (tenant % weights) : 1);
  const arrivals = callsOf(setup, rng);
  const room = new AccountRoom();
  room.learn([{ unit: 'tokens', limit: tokensPerMinute, remaining: 0, resetMs: 60_000 }], 0);
  const queue = new FairQueue<Call>();
  const given = new Array<number>(tenants).fill(0);
  const waits: number[][] = Array.from({ length: tenants }, () => []);
  const end = seconds * 1_000;
  let next = 0;
  let level = 0;
  let filledAt = 0;
  for (let now = 0; now < end;) {
    for (; next < arrivals.length && arrivals[next]!.at <= now; next++) {
      const call = arrivals[next]!;
      // Without turns there is one line, by arrival.
      queue.push(fair ? String(call.tenant) : 'all', weightOf(call.tenant), call);
    }
    const head = queue.peek();
    const wait = head ? room.waitFor(head.cost, now) : Infinity;
    if (head && wait === 0) {
      const { client, work } = queue.pop()!;
      const tokens = work.cost.input + work.cost.output;
      queue.charge(client, weightOf(work.tenant), tokens);
      given[work.tenant]! += tokens;
      waits[work.tenant]!.push(now - work.at);
      // The provider's own bucket, and its head a moment later.
      level = Math.min(tokensPerMinute, level + ((now - filledAt) * tokensPerMinute) / 60_000) - tokens;
      filledAt = now;
      const remaining = Math.max(0, Math.floor(level));
      room.learn([{ unit: 'tokens', limit: tokensPerMinute, remaining, resetMs: null }], now);
      continue;
    }
    now = Math.min(now + Math.max(1, wait), arrivals[next]?.at ?? end);
  }
  return outcomeOf(given, waits, (tenant) => 1 + (tenant % weights));
}

function callsOf({ tenants, seconds, callsPerSecond, flood }: Contention, rng: Rng): Call[] {
  const calls: Call[] = [];
  for (let tenant = 0; tenant < tenants; tenant++) {
    const rate = callsPerSecond * (tenant === 0 ? flood : 1);
    for (let at = 0; at < seconds * 1_000;) {
      at += (-Math.log(1 - rng.next()) / rate) * 1_000;
      calls.push({ tenant, at, cost: { input: intBetween(rng, 50, 1_500), output: intBetween(rng, 20, 600) } });
    }
  }
  return calls.sort((a, b) => a.at - b.at);
}

function outcomeOf(given: number[], waits: number[][], weightOf: (tenant: number) => number): Outcome {
  const total = given.reduce((sum, one) => sum + one, 0);
  const weight = given.reduce((sum, _, tenant) => sum + weightOf(tenant), 0);
  const shares = given.map((tokens, tenant) => tokens / total / (weightOf(tenant) / weight));
  const [sum, squares] = [shares.reduce((a, b) => a + b, 0), shares.reduce((a, b) => a + b * b, 0)];
  const worst = Math.max(...waits.slice(1).map((all) => all.sort((a, b) => a - b)[Math.floor(all.length * 0.99)] ?? 0));
  return { shares, jain: (sum * sum) / (given.length * squares), worstP99Ms: Math.round(worst) };
}

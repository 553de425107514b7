import type { EpochMs, TenantId } from '#kernel/brand.ts';
import { OTHER_VALUE } from '#ports/entry.ts';
import type { Attribution } from './attribution.ts';

const DAY_MS = 86_400_000;
/** Values that are remembered of all tenants together, about 100 bytes each: then those of whoever called longest ago go. */
export const MOST_VALUES = 200_000;

interface Named {
  /** Days since 1970, UTC. */
  readonly day: number;
  /** By `label:<name>`, `purpose` or `client`. */
  readonly values: Map<string, Set<string>>;
}

/**
 * How many values of a label, of purposes and of clients a tenant names in a day (UTC): the first `most` of each count as
 * they are, others as {@link OTHER_VALUE}. A tenant's flood of values makes none of another's count so. What a process has
 * seen is its own, and a new process begins anew.
 */
export class ValueBounds {
  /** Values that counted as {@link OTHER_VALUE}, by what they are values of. */
  readonly folded = new Map<string, number>();
  readonly #atMost: () => number;
  readonly #half: number;
  // Two generations, as those of BoundedMap, by how many values they hold.
  #young = new Map<TenantId, Named>();
  #old = new Map<TenantId, Named>();
  #youngValues = 0;

  constructor(atMost: () => number, mostInAll = MOST_VALUES) {
    this.#atMost = atMost;
    this.#half = Math.max(1, Math.floor(mostInAll / 2));
  }

  /** The very same where everything counts as it is. */
  bound(tenant: TenantId, attribution: Attribution, now: EpochMs): Attribution {
    const named = this.#of(tenant, Math.floor(now / DAY_MS));
    const { purpose, client, labels } = attribution;
    let asOther: Record<string, string> | null = null;
    const fits = (name: string, value: string): boolean => {
      if (this.#fits(named, name, value)) return true;
      (asOther ??= {})[name] = value;
      this.folded.set(name, (this.folded.get(name) ?? 0) + 1);
      return false;
    };
    const purposeFits = purpose === null || fits('purpose', purpose);
    const clientFits = client === null || fits('client', client);
    let counted = labels;
    for (const name in labels) if (!fits(`label:${name}`, labels[name]!)) counted = { ...counted, [name]: OTHER_VALUE };
    if (asOther === null) return attribution;
    return {
      ...attribution,
      purpose: purposeFits ? purpose : OTHER_VALUE,
      client: clientFits ? client : OTHER_VALUE,
      labels: counted,
      asOther,
    };
  }

  #fits({ values }: Named, name: string, value: string): boolean {
    const known = values.get(name);
    if (known?.has(value)) return true;
    if (known && known.size >= this.#atMost()) return false;
    if (known) known.add(value);
    else values.set(name, new Set([value]));
    if (++this.#youngValues >= this.#half) this.#age();
    return true;
  }

  #of(tenant: TenantId, day: number): Named {
    const known = this.#young.get(tenant);
    if (known?.day === day) return known;
    const before = this.#old.get(tenant);
    const named = before?.day === day ? before : { day, values: new Map<string, Set<string>>() };
    this.#old.delete(tenant);
    this.#young.set(tenant, named);
    for (const set of named.values.values()) this.#youngValues += set.size;
    return named;
  }

  #age(): void {
    this.#old = this.#young;
    this.#young = new Map();
    this.#youngValues = 0;
  }
}

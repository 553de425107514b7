/** What an account's limit counts. `input` and `output` are tokens; `tokens` is both together. */
export const ACCOUNT_UNITS = ['requests', 'tokens', 'input', 'output'] as const;
export type AccountUnit = (typeof ACCOUNT_UNITS)[number];

/** What a provider said of one of an account's limits in an answer's head. */
export interface StatedLimit {
  readonly unit: AccountUnit;
  readonly limit: number;
  readonly remaining: number;
  /** Milliseconds until all of it is there again; null: not said. */
  readonly resetMs: number | null;
}

type Headers = Readonly<Record<string, string | string[] | undefined>>;
type Part = 'limit' | 'remaining' | 'reset';

/** A header of an account's limits; null: of a form that nobody has described (`x-ratelimitbysize-limit-minute`). */
function partOf(name: string): { readonly unit: AccountUnit; readonly part: Part } | null {
  const words = /^(?:x|anthropic)-ratelimit-([a-z-]+)$/.exec(name)?.[1]?.split('-') ?? [];
  const part = (['limit', 'remaining', 'reset'] as const).find((one) => words.includes(one));
  const unit = words
    .filter((word) => word !== part)
    .join('-')
    .replace(/^(input|output)-tokens$/, '$1');
  return part && (ACCOUNT_UNITS as readonly string[]).includes(unit) ? { part, unit: unit as AccountUnit } : null;
}

interface Place {
  readonly name: string;
  readonly unit: AccountUnit;
  readonly part: Part;
}

/** Of each list of names, which there is one of for a provider: reading them anew took 5 µs an answer. */
const known = new WeakMap<readonly string[], readonly Place[]>();

function placesIn(names: readonly string[]): readonly Place[] {
  let places = known.get(names);
  if (!places) {
    places = names.flatMap((name) => {
      const place = partOf(name);
      return place ? [{ name, ...place }] : [];
    });
    known.set(names, places);
  }
  return places;
}

/** Reads the named headers of an answer. A limit of which limit or remainder is missing or no number is left out. */
export function statedLimits(names: readonly string[], headers: Headers, nowMs: number): StatedLimit[] {
  const read: {
    -readonly [K in AccountUnit]?: { limit: number | null; remaining: number | null; reset: number | null };
  } = {};
  for (const { name, unit, part } of placesIn(names)) {
    const value = headers[name];
    if (typeof value !== 'string') continue;
    const parts = (read[unit] ??= { limit: null, remaining: null, reset: null });
    parts[part] = part === 'reset' ? waitOf(value, nowMs) : countOf(value);
  }
  const stated: StatedLimit[] = [];
  for (const unit of ACCOUNT_UNITS) {
    const { limit = null, remaining = null, reset = null } = read[unit] ?? {};
    if (limit !== null && remaining !== null) stated.push({ unit, limit, remaining, resetMs: reset });
  }
  return stated;
}

const countOf = (text: string): number | null => (/^\d{1,15}$/.test(text) ? Number(text) : null);

const SCALE = { h: 3_600_000, m: 60_000, s: 1_000, ms: 1 } as const;
/** A limit of a day is the longest that anybody states. */
const LONGEST_MS = 86_400_000;

/** `6m0s`, `1.5s`, `20ms` (OpenAI), an instant (Anthropic), or seconds. In milliseconds; null: none of these. */
function waitOf(text: string, nowMs: number): number | null {
  if (/^\d+(\.\d+)?$/.test(text)) return bounded(Number(text) * 1_000);
  if (/^\d{4}-\d\d-\d\dT/.test(text)) return bounded(Date.parse(text) - nowMs);
  if (!/^(\d+(\.\d+)?(h|ms|m|s))+$/.test(text)) return null;
  let sum = 0;
  for (let rest = text; rest !== '';) {
    const number = Number.parseFloat(rest);
    const at = rest.search(/[hms]/);
    const unit = rest.startsWith('ms', at) ? 'ms' : (rest[at] as 'h' | 'm' | 's');
    sum += number * SCALE[unit];
    rest = rest.slice(at + unit.length);
  }
  return bounded(sum);
}

const bounded = (ms: number): number | null => (Number.isFinite(ms) ? Math.min(LONGEST_MS, Math.max(0, ms)) : null);

/** A strict reader of Prometheus' text format 0.0.4 (prometheus.io/docs/instrumenting/exposition_formats). */

export interface Sample {
  /** Without the `le` of a bucket. */
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  /** Of a histogram: which of its series, and the bucket's bound. */
  readonly part?: 'bucket' | 'sum' | 'count';
  readonly le?: number;
}

export interface Family {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram' | 'summary' | 'untyped';
  readonly help: string;
  readonly samples: readonly Sample[];
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const LABEL = /^[a-zA-Z_][a-zA-Z0-9_]*$/;
const TYPES = ['counter', 'gauge', 'histogram', 'summary', 'untyped'];
const NUMBER = /^([+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?|[+-]?Inf|NaN)$/;

/** Families in order. Throws on whatever a scraper would refuse or guess at, with the line. */
export function readExposition(text: string): Family[] {
  if (!text.endsWith('\n')) throw new Error('the last line does not end');
  const families = new Map<string, { type: string | null; help: string | null; samples: Sample[] }>();
  let present = '';
  for (const line of text.slice(0, -1).split('\n')) {
    const fail = (why: string): never => {
      throw new Error(`${why}: ${line}`);
    };
    const comment = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line);
    if (line.startsWith('#') && !comment) fail('a comment that is neither HELP nor TYPE');
    const written = comment ? comment[2]! : /^[^{ ]+/.exec(line)?.[0];
    if (!written || !NAME.test(written)) return fail('no metric name');
    const part = comment ? null : partOf(written, families);
    const name = part ? written.slice(0, -part.length - 1) : written;
    if (name !== present && families.has(name)) fail('a family in two groups');
    present = name;
    const family = families.get(name) ?? { type: null, help: null, samples: [] };
    families.set(name, family);
    if (comment?.[1] === 'HELP') family.help = family.help === null ? comment[3]! : fail('HELP twice');
    else if (comment) family.type = typeOnce(family.type ?? comment[3]!, family, fail);
    else family.samples.push(sampleOf(line.slice(written.length), part, family.samples, fail));
  }
  return [...families].map(([name, { type, help, samples }]) => {
    if (type === null || help === null) throw new Error(`${name} lacks TYPE or HELP`);
    if (type === 'histogram') checkHistogram(name, samples);
    return { name, type: type as Family['type'], help, samples };
  });
}

/** Which series of a histogram a name is, where its family is one. */
function partOf(name: string, families: ReadonlyMap<string, { readonly type: string | null }>): Sample['part'] | null {
  const match = /^(.+)_(bucket|sum|count)$/.exec(name);
  return match && families.get(match[1]!)?.type === 'histogram' ? (match[2] as Sample['part']) : null;
}

/** Each set of labels has ascending bounds up to infinity, counts that never fall, one sum and one count. */
function checkHistogram(name: string, samples: readonly Sample[]): void {
  for (const [labels, group] of Map.groupBy(samples, (one) => JSON.stringify(one.labels))) {
    const fail = (why: string): never => {
      throw new Error(`${name}${labels}: ${why}`);
    };
    const buckets = group.filter(({ part }) => part === 'bucket');
    const count = group.filter(({ part }) => part === 'count');
    if (count.length !== 1 || group.filter(({ part }) => part === 'sum').length !== 1) fail('one sum and one count');
    buckets.forEach((bucket, i) => {
      const before = buckets[i - 1];
      if (before && (bucket.le! <= before.le! || bucket.value < before.value)) fail('buckets are cumulative');
    });
    const last = buckets.at(-1);
    if (last?.le !== Infinity || last.value !== count[0]!.value) fail('the last bucket holds all');
  }
}

function typeOnce(type: string, family: { samples: unknown[] }, fail: (why: string) => never): string {
  if (!TYPES.includes(type)) fail('no such type');
  if (family.samples.length > 0) fail('TYPE after a sample');
  return type;
}

function sampleOf(
  rest: string,
  part: Sample['part'] | null,
  earlier: readonly Sample[],
  fail: (why: string) => never,
): Sample {
  const match = /^(?:\{(.*)\})? (\S+)$/.exec(rest);
  if (!match || !NUMBER.test(match[2]!)) return fail('no value');
  const labels = match[1] === undefined ? {} : labelsOf(match[1], fail);
  const value = Number(match[2]!.replace('Inf', 'Infinity'));
  const { le, ...own } = labels;
  if ((le !== undefined) !== (part === 'bucket')) fail('a bound, and no bucket');
  const sample: Sample = {
    labels: le === undefined ? labels : own,
    value,
    ...(part && { part }),
    ...(le !== undefined && { le: Number(le.replace('Inf', 'Infinity')) }),
  };
  if (earlier.some((one) => keyOf(one) === keyOf(sample))) fail('a series twice');
  return sample;
}

const keyOf = ({ labels, part, le }: Sample): string =>
  JSON.stringify([Object.entries(labels).toSorted(), part, String(le)]);

function labelsOf(text: string, fail: (why: string) => never): Record<string, string> {
  const labels: Record<string, string> = {};
  let rest = text;
  while (rest !== '') {
    const match = /^([^=]+)="((?:[^"\\\n]|\\[\\"n])*)"(?:,|$)/.exec(rest);
    if (!match || !LABEL.test(match[1]!)) return fail('labels');
    if (match[1]! in labels) fail('a label twice');
    labels[match[1]!] = match[2]!.replace(/\\(.)/g, (_, char: string) => (char === 'n' ? '\n' : char));
    rest = rest.slice(match[0].length);
  }
  return labels;
}

export interface Scrape {
  /** Throws where there is none. */
  family(name: string): Family;
  /** Of a family without labels. */
  value(name: string): number;
}

/** What a gate says of itself now. */
export async function scrapeOf({ url, adminToken }: { readonly url: string; readonly adminToken: string }) {
  const response = await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${adminToken}` } });
  const families = readExposition(await response.text());
  const family = (name: string): Family => {
    const found = families.find((one) => one.name === name);
    if (!found) throw new Error(`no family ${name}`);
    return found;
  };
  return { family, value: (name: string): number => family(name).samples[0]!.value } satisfies Scrape;
}

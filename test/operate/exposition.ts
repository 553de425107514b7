/** A strict reader of Prometheus' text format 0.0.4 (prometheus.io/docs/instrumenting/exposition_formats). */

export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
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
    const name = comment ? comment[2]! : /^[^{ ]+/.exec(line)?.[0];
    if (!name || !NAME.test(name)) return fail('no metric name');
    if (name !== present && families.has(name)) fail('a family in two groups');
    present = name;
    const family = families.get(name) ?? { type: null, help: null, samples: [] };
    families.set(name, family);
    if (comment?.[1] === 'HELP') family.help = family.help === null ? comment[3]! : fail('HELP twice');
    else if (comment) family.type = typeOnce(family.type ?? comment[3]!, family, fail);
    else family.samples.push(sampleOf(line.slice(name.length), family.samples, fail));
  }
  return [...families].map(([name, { type, help, samples }]) => {
    if (type === null || help === null) throw new Error(`${name} lacks TYPE or HELP`);
    return { name, type: type as Family['type'], help, samples };
  });
}

function typeOnce(type: string, family: { samples: unknown[] }, fail: (why: string) => never): string {
  if (!TYPES.includes(type)) fail('no such type');
  if (family.samples.length > 0) fail('TYPE after a sample');
  return type;
}

function sampleOf(rest: string, earlier: readonly Sample[], fail: (why: string) => never): Sample {
  const match = /^(?:\{(.*)\})? (\S+)$/.exec(rest);
  if (!match || !NUMBER.test(match[2]!)) return fail('no value');
  const labels = match[1] === undefined ? {} : labelsOf(match[1], fail);
  const key = JSON.stringify(Object.entries(labels).toSorted());
  if (earlier.some((one) => JSON.stringify(Object.entries(one.labels).toSorted()) === key)) fail('a series twice');
  return { labels, value: Number(match[2]!.replace('Inf', 'Infinity')) };
}

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

/** What `/admin/streams` and its report answer, and how the page orders and filters it. Pure. */
import type { StreamLine, StreamsReport } from '#capabilities/streams/routes.ts';
import type { LiveStreamView } from '#gateway/operations/streams.ts';
import type { StreamDimension } from '#ports/stream-sums.ts';

export type { Advice, StreamLine, StreamsReport } from '#capabilities/streams/routes.ts';
export type { LiveStreamsView, LiveStreamView } from '#gateway/operations/streams.ts';

/** What people ask first; further ones stand behind them. */
export const DIMENSIONS = [
  'protocol',
  'tenant',
  'client',
  'deployment',
  'feature',
  'model',
  'environment',
] as const satisfies readonly StreamDimension[];

export function dimensionsIn(text: string | undefined): StreamDimension[] {
  const names = (text ?? '').split(',').filter((name) => (DIMENSIONS as readonly string[]).includes(name));
  return names.length === 0 ? ['protocol'] : ([...new Set(names)] as StreamDimension[]);
}

export const filtersIn = (asked: Readonly<Record<string, string>>): Partial<Record<StreamDimension, string>> =>
  Object.fromEntries(DIMENSIONS.flatMap((name) => (asked[name] ? [[name, asked[name]]] : [])));

/** Streams that nobody reads stand first, since their grace runs; then the oldest. */
export const worstFirst = (streams: readonly LiveStreamView[]): readonly LiveStreamView[] =>
  streams.toSorted((a, b) => Number(a.readers > 0) - Number(b.readers > 0) || b.ageMs - a.ageMs);

/** A closer look at one group: only its streams, by the first dimension that it does not name yet. */
export function closer({ by, filters }: StreamsReport, line: StreamLine): Record<string, string> | null {
  const named = by.flatMap((name, i) => (line.by[i] === null || line.by[i] === undefined ? [] : [[name, line.by[i]]]));
  const known = new Set([...Object.keys(filters), ...by]);
  const next = DIMENSIONS.find((name) => !known.has(name));
  return named.length === 0 || next === undefined ? null : { ...Object.fromEntries(named), by: next };
}

/** By these a list of calls is filtered too. */
const OF_CALLS: ReadonlySet<string> = new Set(['environment', 'tenant', 'feature', 'model', 'deployment']);

/** Filters of the calls behind a line; null where the list of calls would show others too. */
export function callsBehind(
  { by, filters }: Pick<StreamsReport, 'by' | 'filters'>,
  line: Pick<StreamLine, 'by'>,
): Record<string, string> | null {
  const named: Record<string, string> = { ...filters };
  for (const [i, name] of by.entries()) {
    const value = line.by[i];
    if (value === null) return null;
    if (value !== undefined) named[name] = value;
  }
  return Object.keys(named).every((name) => OF_CALLS.has(name)) ? named : null;
}

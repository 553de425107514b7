/** Figures and words of the report of streams, for the terminal and the console alike. Pure. */
import { count, ESTIMATED, qualifiedMoney, tokens } from '#kernel/format.ts';
import { parseUsd } from '#kernel/money.ts';
import type { StreamEnding } from '#ports/stream-sums.ts';
import type { StreamFigures, StreamLine } from '#capabilities/streams/routes.ts';

/** Endings in the columns that people read; together they are all streams. */
const COLUMNS = {
  whole: ['ok'],
  redriven: ['redriven'],
  cut: ['truncated'],
  died: ['interrupted'],
  failed: ['failed'],
  clientLeft: ['client_gone'],
  abandoned: ['abandoned'],
  cancelled: ['cancelled', 'operator', 'deadline', 'budget', 'drain'],
} as const satisfies Readonly<Record<string, readonly StreamEnding[]>>;
export type EndColumn = keyof typeof COLUMNS;

/** How many streams ended in the way of each column. */
export const endedAs = (endings: StreamLine['endings']): Readonly<Record<EndColumn, number>> =>
  Object.fromEntries(
    Object.entries(COLUMNS).map(([name, kinds]) => [
      name,
      kinds.reduce((sum, kind) => sum + (endings[kind]?.streams ?? 0), 0),
    ]),
  ) as Record<EndColumn, number>;

export const tokensOf = ({ outputTokens, estimatedOutputTokens }: StreamFigures): string =>
  `${estimatedOutputTokens > 0 ? ESTIMATED : ''}${tokens(outputTokens)}`;

export const moneyOf = ({ costUsd, estimatedUsd, unknownCostStreams }: StreamFigures): string =>
  qualifiedMoney(parseUsd(costUsd)!, { estimated: parseUsd(estimatedUsd)! > 0n, partial: unknownCostStreams > 0 });

export const cameBack = ({ resumes, streams, whole }: StreamLine['resumed']): string =>
  `readers came back ${count(resumes)} ${resumes === 1 ? 'time' : 'times'}, to ${count(streams)} ${streams === 1 ? 'stream' : 'streams'}; ${count(whole)} ended whole`;

/** Null: none was. */
export function goneOnWith({ redriven }: StreamLine['endings']): string | null {
  if (redriven === undefined || redriven.streams === 0) return null;
  return `${count(redriven.streams)} ${redriven.streams === 1 ? 'stream' : 'streams'} of gates that died ${redriven.streams === 1 ? 'was' : 'were'} gone on with to the end, for ${moneyOf(redriven)} beside what had died`;
}

export const IN_VAIN: readonly string[] = [
  'paid in vain: answers that never became whole against their callers’ will; at most: and those that callers ended,',
  'of which nobody knows how much was used',
];
export const UNPRICED = 'streams without a known price are not in these sums (≥)';

/** Nobody reads: its grace runs. */
export const NOBODY = 'nobody';

export const kib = (bytes: number): string => `${count(Math.ceil(bytes / 1024))} KiB`;

/** A re-pricing as typed data, summed over its parts. Pure. */
import { addUsd, ZERO_USD, type NanoUsd } from '#kernel/money.ts';
import { usdOf } from '../connect/json-entry.ts';

/** What the gate answers for one part. */
export interface RepricePart {
  readonly seen: number;
  readonly groups: readonly {
    readonly deployment: string;
    readonly oldVersion: string | null;
    readonly newVersion: string | null;
    readonly calls: number;
    readonly unknownCalls: number;
    readonly oldUsd: string;
    readonly newUsd: string;
  }[];
  readonly kept: Readonly<Record<KeptWhy, number>>;
  readonly applied: number;
  readonly next: string | null;
  readonly before: string;
}

export type KeptWhy = 'same' | 'unbilled' | 'interrupted' | 'no_price';

export interface RepriceLine {
  readonly deployment: string;
  readonly oldVersion: string | null;
  readonly newVersion: string | null;
  calls: number;
  /** Of them, those whose cost was not known: nothing of theirs is in `oldNanoUsd`. */
  unknownCalls: number;
  oldNanoUsd: NanoUsd;
  newNanoUsd: NanoUsd;
}

export interface RepriceReport {
  readonly report: 'reprice';
  readonly window: { readonly from: string; readonly to: string };
  readonly dryRun: boolean;
  seen: number;
  /** Rows that change. */
  calls: number;
  applied: number;
  readonly lines: RepriceLine[];
  readonly kept: Record<KeptWhy, number>;
}

export const emptyReport = (asked: { from: string; to: string; dryRun: boolean }): RepriceReport => ({
  report: 'reprice',
  window: { from: asked.from, to: asked.to },
  dryRun: asked.dryRun,
  seen: 0,
  calls: 0,
  applied: 0,
  lines: [],
  kept: { same: 0, unbilled: 0, interrupted: 0, no_price: 0 },
});

export function addPart(report: RepriceReport, part: RepricePart): void {
  report.seen += part.seen;
  report.applied += part.applied;
  for (const why of Object.keys(report.kept) as KeptWhy[]) report.kept[why] += part.kept[why];
  for (const group of part.groups) {
    const line = lineOf(report, group);
    line.calls += group.calls;
    line.unknownCalls += group.unknownCalls;
    line.oldNanoUsd = addUsd(line.oldNanoUsd, usdOf(group.oldUsd));
    line.newNanoUsd = addUsd(line.newNanoUsd, usdOf(group.newUsd));
    report.calls += group.calls;
  }
}

function lineOf(
  report: RepriceReport,
  { deployment, oldVersion, newVersion }: RepricePart['groups'][number],
): RepriceLine {
  const known = report.lines.find(
    (line) => line.deployment === deployment && line.oldVersion === oldVersion && line.newVersion === newVersion,
  );
  if (known) return known;
  const zero = { calls: 0, unknownCalls: 0, oldNanoUsd: ZERO_USD, newNanoUsd: ZERO_USD };
  const line: RepriceLine = { deployment, oldVersion, newVersion, ...zero };
  report.lines.push(line);
  return line;
}

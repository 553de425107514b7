/** Of which deployment or protocol more streams are lost than usual, and what was paid for them in vain. Pure. */
import { nanoUsd, usdDecimal } from '#kernel/money.ts';
import {
  addStreamSums,
  emptyStreamSums,
  type StreamEnding,
  type StreamsRow,
  type StreamSums,
} from '#ports/stream-sums.ts';
import { LEAST_NOW, LEAST_USUAL, moreThanUsual, PLAINLY_BAD } from './judge.ts';

/** By what streams are grouped, in the order of the ledger's answer. */
export const STREAMS_BY = ['protocol', 'deployment'] as const;

/** `cut`: by their provider. `left`: their reader went, or a hop on its way cut it off. `died`: with a gate. */
export type Loss = 'cut' | 'left' | 'died';

export interface LostStreams {
  readonly how: Loss;
  /** The protocol of those that `left`, the deployment of those that were `cut`; null: of all that `died`. */
  readonly name: string | null;
  readonly streams: number;
  readonly lost: number;
  /** Share in the week before; null: too few to say. */
  readonly usualLost: number | null;
  readonly usualStreams: number;
  /** Decimal dollars, exact. Of those that `left` this is a bound: their readers may have used what came. */
  readonly costUsd: string;
  /** Part of it that rests on estimated tokens. */
  readonly estimatedUsd: string;
  /** Lost streams whose cost is unknown: their money is not in the sum. */
  readonly unknownCostStreams: number;
  /** The chance that the usual would look like this. */
  readonly chance: number;
}

interface Look {
  readonly how: Loss;
  readonly endings: readonly StreamEnding[];
  readonly nameOf: (row: StreamsRow) => string | null;
  /** What is bad without a usual to compare with; null: nothing is, since readers leave for reasons of their own. */
  readonly plainlyBad: number | null;
}

const LOOKS: readonly Look[] = [
  { how: 'died', endings: ['interrupted'], nameOf: () => '', plainlyBad: PLAINLY_BAD },
  { how: 'cut', endings: ['truncated'], nameOf: ({ by }) => by[1] ?? null, plainlyBad: PLAINLY_BAD },
  { how: 'left', endings: ['client_gone', 'abandoned'], nameOf: ({ by }) => by[0] ?? null, plainlyBad: null },
];

/** Shared among all groups: one look in a thousand cries wolf. */
const ALPHA = 0.001;

interface Group {
  streams: number;
  readonly lost: StreamSums;
}

/** Compares each group with its own week before; the dearest first. Rows are by {@link STREAMS_BY}. */
export function lostStreams(now: readonly StreamsRow[], usual: readonly StreamsRow[]): readonly LostStreams[] {
  const judged = LOOKS.flatMap((look) => {
    const before = grouped(usual, look);
    return [...grouped(now, look)]
      .filter(([, { streams }]) => streams >= LEAST_NOW)
      .map(([name, group]) => lossOf(look, name, { group, usual: before.get(name) }));
  });
  const alpha = ALPHA / Math.max(1, judged.length);
  return judged
    .filter(({ chance }) => chance < alpha)
    .sort((a, b) => Number(b.costUsd) - Number(a.costUsd) || b.lost - a.lost);
}

function grouped(rows: readonly StreamsRow[], { endings, nameOf }: Look): Map<string, Group> {
  const groups = new Map<string, Group>();
  for (const row of rows) {
    const name = nameOf(row);
    if (name === null) continue;
    let group = groups.get(name);
    if (!group) groups.set(name, (group = { streams: 0, lost: emptyStreamSums() }));
    group.streams += row.streams;
    if (endings.includes(row.ending)) addStreamSums(group.lost, row);
  }
  return groups;
}

interface Compared {
  readonly group: Group;
  readonly usual: Group | undefined;
}

function lossOf({ how, plainlyBad }: Look, name: string, { group, usual }: Compared): LostStreams {
  const { streams, lost } = group;
  const before = usual && { all: usual.streams, bad: usual.lost.streams };
  return {
    how,
    name: name === '' ? null : name,
    streams,
    lost: lost.streams,
    usualLost: before && before.all >= LEAST_USUAL ? before.bad / before.all : null,
    usualStreams: usual?.streams ?? 0,
    costUsd: usdDecimal(nanoUsd(lost.costNanoUsd)),
    estimatedUsd: usdDecimal(nanoUsd(lost.estimatedNanoUsd)),
    unknownCostStreams: lost.unknownCostStreams,
    chance: moreThanUsual({ all: streams, bad: lost.streams }, before, plainlyBad),
  };
}

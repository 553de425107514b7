/** What is said of streams that are lost more often than usual. Pure. */
import { count, qualifiedMoney, share } from '#kernel/format.ts';
import { parseUsd } from '#kernel/money.ts';
import { shellWord } from '#kernel/shell.ts';
import type { NowFinding } from '../report.ts';
import type { Loss, LostStreams } from './lost-streams.ts';
import { chanceText } from './words.ts';

const BAD: Readonly<Record<Loss, number>> = { cut: 0.1, died: 0.1, left: 0.3 };

const SAYS: Readonly<Record<Loss, string>> = {
  cut: 'were cut by their provider before the end',
  left: 'lost their reader before the end',
  died: 'died with a gate',
};

export function ofLostStreams(lost: LostStreams, since: string): NowFinding {
  const { how, name } = lost;
  const whose = how === 'cut' ? `Deployment ${name}: ` : how === 'left' ? `Streams over ${name}: ` : '';
  return {
    grade: lost.lost / lost.streams >= BAD[how] ? 'bad' : 'warn',
    about: 'streams',
    text: `${whose}${lostText(lost)}.`,
    evidence: [
      `by chance alone: ${chanceText(lost.chance)}`,
      ...(how === 'left'
        ? ['a reader that leaves and a hop that cuts it off look alike: the doctor tells them apart']
        : []),
    ],
    next: nextOf(lost, since),
  };
}

/** Counts, the usual to compare with, and the money. */
export function lostText(lost: LostStreams): string {
  const { how, streams, lost: bad, usualLost, usualStreams } = lost;
  const usual =
    usualLost === null
      ? 'with no usual to compare'
      : `usually ${usualLost === 0 ? 'none' : share(usualLost)} of ${count(usualStreams)}`;
  return `${count(bad)} of ${count(streams)} streams (${share(bad / streams)}) ${SAYS[how]}, ${usual}; ${moneyText(lost)} paid in vain`;
}

function moneyText({ how, costUsd, estimatedUsd, unknownCostStreams, lost }: LostStreams): string {
  if (unknownCostStreams === lost) return 'an unknown sum';
  const marks = { estimated: parseUsd(estimatedUsd)! > 0n, partial: unknownCostStreams > 0 };
  return `${how === 'left' ? 'at most ' : ''}${qualifiedMoney(parseUsd(costUsd), marks)}`;
}

function nextOf({ how, name }: LostStreams, since: string): string[] {
  const report = (by: string, only = ''): string => `headgate streams report --by ${by}${only} --since ${since}`;
  const calls = (outcome: string, only = ''): string =>
    `headgate calls list --outcome ${outcome}${only} --since ${since}`;
  if (how === 'died') return [calls('interrupted'), report('tenant,client')];
  if (how === 'cut') {
    const only = ` --deployment ${shellWord(name!)}`;
    return [calls('truncated', only), report('protocol,tenant', only)];
  }
  return [
    report('client,tenant', ` --protocol ${shellWord(name!)}`),
    'headgate streams doctor <url that these clients use> --open',
  ];
}

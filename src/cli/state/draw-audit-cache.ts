import { duration } from '#kernel/format.ts';
import type { LevelFigures, Verdict } from '#capabilities/tenants/cli.ts';
import { count, share } from '../format.ts';
import { drawTable, type Column } from '../table.ts';
import type { Terminal } from '../terminal.ts';
import { wrap } from '../text.ts';
import type { CacheAudit } from './audit-cache.ts';

const WORDS: Readonly<Record<Verdict, string>> = {
  shared: 'shared',
  suspect: 'suspect',
  nothing_found: 'nothing found',
  cannot_tell: 'cannot tell',
};

export function drawAudit(report: CacheAudit, { paint, width }: Terminal): string {
  const { levels, verdict, plan } = report;
  const tone = { shared: paint.bad, suspect: paint.warn, nothing_found: paint.good, cannot_tell: paint.warn }[verdict];
  const took = `${count(report.calls)} calls in ${duration(report.tookMs)}`;
  return [
    `Prefix cache of ${report.model} · ${report.attacker} probes ${report.victim} · ${report.at} · ${took} · seed ${report.seed}`,
    drawTable(
      { columns: COLUMNS, rows: levels.map((one) => row(one, report)) },
      { width, heading: paint.dim },
    ).lines.join('\n'),
    tone(wrap(conclusion(report), width)),
    ...levels.slice(-1).map((one) => wrap(powerText(one), width)),
    wrap(
      `assumed: a prompt of ${count(plan.letters)} random letters is nobody else’s; a cache that is shared for longer or shorter prompts alone, or seldom, is not seen`,
      width,
    ),
  ].join('\n\n');
}

const COLUMNS: readonly Column[] = [
  { title: 'SENT BEFORE BY' },
  { title: 'VERDICT' },
  { title: 'HITS', align: 'right', leaves: 2 },
  { title: 'MISSES', align: 'right', leaves: 2 },
  { title: 'TTFT HIT', align: 'right' },
  { title: 'MISS', align: 'right' },
  { title: 'P BY TIME', align: 'right' },
  { title: 'CACHED HIT/MISS', align: 'right', leaves: 1 },
  { title: 'P BY USAGE', align: 'right' },
];

const row = (one: LevelFigures, { victim, attacker }: CacheAudit): string[] => [
  one.level === 'same' ? `${attacker} itself` : victim,
  WORDS[one.verdict],
  count(one.hits),
  count(one.misses),
  duration(one.medianMs.hit),
  duration(one.medianMs.miss),
  one.timing.p.toPrecision(2),
  one.cached ? `${one.cached.hits} / ${one.cached.misses}` : 'not told',
  one.cached ? one.cached.p.toPrecision(2) : '',
];

function conclusion({ verdict, levels, victim, attacker }: CacheAudit): string {
  if (verdict === 'shared')
    return `SHARED: ${attacker} can tell what ${victim} has sent. Set \`prefixCache: salt\` where the engine takes it and \`prefixCache: preamble\` where it does not, or give each tenant a key of its own at the provider, and audit again.`;
  if (verdict === 'suspect')
    return `SUSPECT: one in a hundred audits of nothing looks like this. Audit again with more --samples before you rely on it.`;
  if (verdict === 'nothing_found')
    return `NOTHING FOUND: ${attacker} is served from a cache of its own, and not from what ${victim} sent.`;
  const same = levels.find(({ level }) => level === 'same');
  const why =
    same?.verdict === 'nothing_found' || same?.verdict === 'suspect'
      ? `not even ${attacker}’s own prompts are served faster, so there is no cache to see: longer --letters or more --warmups may show one`
      : 'too few probes, or a level was left out';
  return `CANNOT TELL: ${why}.`;
}

function powerText({ wouldSee }: LevelFigures): string {
  const seen = (value: number | null): string => (value === null ? 'none' : `${share(value)} of the probes or more`);
  const by = wouldSee.cached === null ? '' : `; by usage, one that serves ${seen(wouldSee.cached)}`;
  return `would have been suspected in four of five audits: by time, a cache that serves ${seen(wouldSee.timing)}, faster than any miss${by}`;
}

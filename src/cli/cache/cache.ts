import { parseUsd } from '#kernel/money.ts';
import { connect, type StateView } from '../connect/source.ts';
import { show, type CliContext } from '../context.ts';
import { CliFailure, EXIT } from '../failure.ts';
import type { CommonFlags } from '../flags.ts';
import { count, duration, money, share, tokens, UNKNOWN } from '../format.ts';
import { change, given, word } from '../state/change.ts';
import { drawTable } from '../table.ts';

export interface ClearFlags extends CommonFlags {
  readonly tenant?: string;
  readonly feature?: string;
  readonly all: boolean;
}

interface FeatureView {
  readonly feature: string;
  readonly ttlMs: number;
  readonly hits: number;
  readonly misses: number;
  readonly bypasses: number;
  readonly bypassedFor: Readonly<Record<string, number>>;
  readonly savedUsd: string;
  readonly savedTokens: number;
  readonly answers: number;
  readonly bytes: number;
}

interface CacheReport {
  readonly report: 'cache';
  readonly answers: number;
  readonly bytes: number;
  readonly totalBytes: number;
  readonly tenantBytes: number;
  /** Let go before their time, for want of room. */
  readonly evicted: number;
  readonly features: readonly FeatureView[];
  readonly tenants: readonly StateView[];
}

/** Of the running gate alone: it keeps answers in its memory. */
export async function cacheStatus(this: CliContext, flags: CommonFlags): Promise<void> {
  const client = await connect(this, flags);
  const answer = (await client.ask('GET', '/cache')) as Omit<CacheReport, 'report'>;
  const report: CacheReport = { report: 'cache', ...answer };
  show<CacheReport>(this, { json: flags.json, report, draw: (value) => drawCache(this, value) });
}

export function clearCache(this: CliContext, flags: ClearFlags): Promise<void> {
  const { tenant, feature, all } = flags;
  if ((tenant === undefined) === !all)
    throw new CliFailure({
      ...{ code: 'usage', message: 'Say whose answers: --tenant, or --all.', exit: EXIT.usage },
      hint: 'headgate cache status',
    });
  return change(this, flags, {
    ...{ method: 'POST', path: '/cache/clear', body: given({ tenant, feature, all: all || undefined }) },
    done: ({ answers }) => `${count(Number(answers))} ${answers === 1 ? 'answer is' : 'answers are'} gone`,
  });
}

const RIGHT = { align: 'right' } as const;

function drawCache({ terminal }: CliContext, report: CacheReport): string {
  const { features, answers, bytes, totalBytes, tenantBytes, evicted } = report;
  if (features.length === 0)
    return 'No feature has a cache.\n\nhint: features: { search: { cache: { ttl: 1h } } } in headgate.yaml';
  const table = drawTable(
    {
      columns: [
        { title: 'feature', shrinkTo: 8 },
        { title: 'kept for', ...RIGHT, leaves: 3 },
        { title: 'hits', ...RIGHT },
        { title: 'misses', ...RIGHT },
        { title: 'passed by', ...RIGHT, leaves: 4 },
        { title: 'hit share', ...RIGHT },
        { title: 'tokens saved', ...RIGHT, leaves: 2 },
        { title: 'saved', ...RIGHT },
        { title: 'answers', ...RIGHT, leaves: 1 },
        { title: 'size', ...RIGHT, leaves: 1 },
      ],
      rows: features.map(row),
    },
    { width: terminal.width, heading: terminal.paint.dim },
  );
  const notes = [
    `${count(answers)} ${answers === 1 ? 'answer' : 'answers'}, ${size(bytes)} of ${size(totalBytes)}; a tenant may have ${size(tenantBytes)}`,
    ...(evicted > 0 ? [`${count(evicted)} went before their time, for want of room`] : []),
    ...features.flatMap(passedBy),
    'counted since this gate’s start; the ledger has all of it: headgate spend --by feature',
  ];
  return [...table.lines, '', ...notes].join('\n');
}

const row = (view: FeatureView): string[] => [
  word(view.feature),
  duration(view.ttlMs),
  count(view.hits),
  count(view.misses),
  count(view.bypasses),
  view.hits + view.misses === 0 ? UNKNOWN : share(view.hits / (view.hits + view.misses)),
  tokens(view.savedTokens),
  money(parseUsd(view.savedUsd)),
  count(view.answers),
  size(view.bytes),
];

const passedBy = ({ feature, bypassedFor }: FeatureView): string[] => {
  const reasons = Object.entries(bypassedFor).map(([reason, calls]) => `${reason} ${count(calls)}`);
  return reasons.length === 0 ? [] : [`${word(feature)} passed by: ${reasons.join(', ')}`];
};

const size = (bytes: number): string =>
  bytes < 1_048_576 ? `${(bytes / 1_024).toFixed(1)} KiB` : `${(bytes / 1_048_576).toFixed(1)} MiB`;

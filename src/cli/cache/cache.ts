import { parseUsd } from '#kernel/money.ts';
import { connect } from '../connect/source.ts';
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

export interface StatusFlags extends CommonFlags {
  readonly tenant?: string;
  readonly by: 'feature' | 'tenant';
}

interface Share {
  readonly hits: number;
  readonly collapsed: number;
  readonly misses: number;
  readonly bypasses: number;
  readonly bypassedFor: Readonly<Record<string, number>>;
  readonly savedUsd: string;
  readonly savedTokens: number;
  readonly answers: number;
  readonly bytes: number;
}
interface FeatureView extends Share {
  readonly feature: string;
  readonly ttlMs: number;
  readonly singleFlight: boolean;
}
interface TenantView extends Share {
  /** Null: of tenants that are not counted by themselves. */
  readonly tenant: string | null;
  readonly feature: string;
}

interface CacheReport {
  readonly report: 'cache';
  readonly answers: number;
  readonly bytes: number;
  readonly tenantBytes: number;
  readonly features: readonly FeatureView[];
  readonly tenants: readonly TenantView[];
  /** Of all tenants; absent where one was asked for. */
  readonly totalBytes?: number;
  readonly store?: 'memory' | 'valkey';
  readonly up?: boolean;
  /** Lookups that were misses because the store did not answer. */
  readonly unanswered?: number;
  /** Let go before their time, for want of room. */
  readonly evicted?: number;
  /** Answers that are being made, and calls that wait for one. */
  readonly flights?: number;
  readonly waiting?: number;
}

/** Counters are of the running gate alone, since its start. */
export async function cacheStatus(this: CliContext, flags: StatusFlags): Promise<void> {
  const client = await connect(this, flags);
  const query = flags.tenant === undefined ? '' : `?tenant=${encodeURIComponent(flags.tenant)}`;
  const answer = (await client.ask('GET', `/cache${query}`)) as Omit<CacheReport, 'report'>;
  const report: CacheReport = { report: 'cache', ...answer };
  show<CacheReport>(this, { json: flags.json, report, draw: (value) => drawCache(this, value, flags.by) });
}

export function clearCache(this: CliContext, flags: ClearFlags): Promise<void> {
  const { tenant, feature, all } = flags;
  // A tenant's own token says whose they are.
  if (all ? tenant !== undefined : tenant === undefined && feature === undefined)
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
const SHARE_COLUMNS = [
  { title: 'hits', ...RIGHT },
  { title: 'collapsed', ...RIGHT, leaves: 5 },
  { title: 'misses', ...RIGHT },
  { title: 'passed by', ...RIGHT, leaves: 4 },
  { title: 'hit share', ...RIGHT },
  { title: 'tokens saved', ...RIGHT, leaves: 2 },
  { title: 'saved', ...RIGHT },
  { title: 'answers', ...RIGHT, leaves: 1 },
  { title: 'size', ...RIGHT, leaves: 1 },
] as const;

function drawCache({ terminal }: CliContext, report: CacheReport, by: StatusFlags['by']): string {
  const { features, tenants } = report;
  if (features.length === 0)
    return 'No feature has a cache.\n\nhint: features: { search: { cache: { ttl: 1h } } } in headgate.yaml';
  const named =
    by === 'feature'
      ? [
          { title: 'feature', shrinkTo: 8 },
          { title: 'kept for', ...RIGHT, leaves: 3 },
        ]
      : [
          { title: 'tenant', shrinkTo: 8 },
          { title: 'feature', shrinkTo: 8 },
        ];
  const rows =
    by === 'feature'
      ? features.map((view) => [word(view.feature), duration(view.ttlMs), ...cells(view)])
      : tenants.map((view) => [
          view.tenant === null ? 'others' : word(view.tenant),
          word(view.feature),
          ...cells(view),
        ]);
  const table = drawTable(
    { columns: [...named, ...SHARE_COLUMNS], rows },
    { width: terminal.width, heading: terminal.paint.dim },
  );
  return [...table.lines, '', ...notesOf(report)].join('\n');
}

function notesOf({ answers, bytes, totalBytes, tenantBytes, evicted = 0, features, ...more }: CacheReport): string[] {
  const { store, up, unanswered = 0, waiting = 0 } = more;
  const kept = `${count(answers)} ${answers === 1 ? 'answer' : 'answers'}, ${size(bytes)}`;
  return [
    totalBytes === undefined
      ? `${kept} of ${size(tenantBytes)}`
      : `${kept} of ${size(totalBytes)}${store === 'valkey' ? ' in Valkey' : ''}; a tenant may have ${size(tenantBytes)}`,
    ...(up === false ? ['the store of answers does not answer: calls are misses'] : []),
    ...(unanswered > 0 ? [`${count(unanswered)} lookups were misses because it did not answer in time`] : []),
    ...(waiting > 0 ? [`${count(waiting)} calls wait for the answer of another`] : []),
    ...(evicted > 0 ? [`${count(evicted)} went before their time, for want of room`] : []),
    ...features.flatMap(passedBy),
    'counted since this gate’s start; the ledger has all of it: headgate spend --by tenant,feature',
  ];
}

const cells = (view: Share): string[] => {
  const free = view.hits + view.collapsed;
  return [
    count(view.hits),
    count(view.collapsed),
    count(view.misses),
    count(view.bypasses),
    free + view.misses === 0 ? UNKNOWN : share(free / (free + view.misses)),
    tokens(view.savedTokens),
    money(parseUsd(view.savedUsd)),
    count(view.answers),
    size(view.bytes),
  ];
};

const passedBy = ({ feature, bypassedFor }: FeatureView): string[] => {
  const reasons = Object.entries(bypassedFor).map(([reason, calls]) => `${reason} ${count(calls)}`);
  return reasons.length === 0 ? [] : [`${word(feature)} passed by: ${reasons.join(', ')}`];
};

const size = (bytes: number): string =>
  bytes < 1_048_576 ? `${(bytes / 1_024).toFixed(1)} KiB` : `${(bytes / 1_048_576).toFixed(1)} MiB`;

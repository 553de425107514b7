import type { EpochMs } from '#kernel/brand.ts';
import { everyTenant, type Whose } from '#kernel/whose.ts';
import type { AuditEntry } from '#ports/state-store.ts';
import type { StreamsRow } from '#ports/stream-sums.ts';
import type { LedgerFilter, LedgerStore, SpendRow } from '#ports/ledger-store.ts';
import type { LedgerEntry } from '#ports/entry.ts';
import { DdSketch } from '#math/ddsketch.ts';
import type { BudgetNow, LimitNow, QualityLine } from '#capabilities/tenants/index.ts';
import type { Recent } from '../recent.ts';
import type { AlertLine } from './core/alert-findings.ts';
import type { ConfigurationEvidence } from './core/changes.ts';
import { STREAMS_BY } from './core/lost-streams.ts';
import { GROUPED_BY, keyOf, slowSuspects, type Group, type GroupKind, type Usual } from './core/hurt.ts';
import { LEAST_NOW } from './core/judge.ts';
import type { DrainLine, NodeFacts } from './report.ts';

/** Where the report reads. */
export interface NowSources {
  readonly ledger: Pick<LedgerStore, 'spend' | 'calls' | 'streams'>;
  /** What is usual lies in whole days and is the same until midnight: a gate keeps it. */
  readonly kept?: KeptUsual;
  readonly audit: (whose: Whose, limit: number) => Promise<readonly AuditEntry[]>;
  /** Null: no gate is running. */
  readonly node: NodeSources | null;
}

/** What a running gate knows by itself, store or no store. */
export interface NodeSources {
  readonly facts: () => NodeFacts;
  readonly recent: (from: number) => Recent;
  readonly budgets: () => Promise<readonly BudgetNow[]>;
  /** With what they refused in the last so much time. */
  readonly limits: (sinceMs: number) => Promise<readonly LimitNow[]>;
  readonly configuration: () => Promise<ConfigurationEvidence>;
  readonly drains: () => readonly DrainLine[];
  /** Tenants that fell. */
  readonly fallen: () => readonly QualityLine[];
  readonly alerts: () => readonly AlertLine[];
  /** Is there another deployment for what these serve? Names of models that would be refused if the target were drained. */
  readonly strandedBy: (target: {
    readonly level: 'provider' | 'deployment';
    readonly name: string;
  }) => readonly string[];
}

/** The usual of a day, kept from one report to the next: with 10,000 tenants it takes a second to read. */
export interface KeptUsual {
  to: number;
  usual: Promise<UsualCalls> | null;
  /** Sketches of what is usual, by {@link keyOf}, of the groups that were asked about. */
  readonly samples: Map<string, DdSketch>;
}

export const nothingKept = (): KeptUsual => ({ to: 0, usual: null, samples: new Map() });

interface UsualCalls {
  readonly all: Usual;
  readonly groups: ReadonlyMap<string, Usual>;
  readonly streams: readonly StreamsRow[];
}

export interface LedgerEvidence {
  readonly now: readonly Group[];
  /** By `keyOf`. */
  readonly usual: ReadonlyMap<string, Usual>;
  readonly usualOfAll: Usual;
  readonly weeks: ReadonlyMap<string, DdSketch>;
  /** By bucket, deployment and outcome. */
  readonly bits: readonly SpendRow[];
  /** By tenant, team, feature and key. */
  readonly money: readonly SpendRow[];
  /** By {@link STREAMS_BY}. */
  readonly streams: { readonly now: readonly StreamsRow[]; readonly usual: readonly StreamsRow[] };
  readonly calls: readonly LedgerEntry[];
  /** Newest calls that a provider failed; they may be among `calls`. */
  readonly failed: readonly LedgerEntry[];
}

export interface Evidence {
  readonly at: EpochMs;
  readonly from: EpochMs;
  readonly usual: { readonly from: EpochMs; readonly to: EpochMs };
  readonly ledger: LedgerEvidence | null;
  readonly audit: readonly AuditEntry[] | null;
  readonly budgets: readonly BudgetNow[] | null;
  readonly limits: readonly LimitNow[] | null;
  readonly node:
    | (Omit<
        NodeSources,
        'facts' | 'recent' | 'budgets' | 'limits' | 'configuration' | 'drains' | 'fallen' | 'alerts'
      > & {
        readonly facts: NodeFacts;
        readonly recent: Recent;
        readonly configuration: ConfigurationEvidence;
        readonly drains: readonly DrainLine[];
        readonly fallen: readonly QualityLine[];
        readonly alerts: readonly AlertLine[];
      })
    | null;
  /** What could not be read. */
  readonly unknown: readonly string[];
}

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
/** A store that hangs must not keep the report waiting: what it knows is left out, and said to be. */
const PATIENCE_MS = 3_000;
const SAMPLE = 1_000;
const FAILED_SAMPLE = 200;
const MOST_AUDIT = 500;
/** Days whose sketches say where a closer look is worth its time. */
const SAMPLE_DAYS = 2;
const MOST_SUSPECTS = 6;

/** Reads everything; what fails is null, and `unknown` says why. */
export async function gather(sources: NowSources, at: EpochMs, sinceMs: number): Promise<Evidence> {
  const unknown: string[] = [];
  const from = (at - sinceMs) as EpochMs;
  const usual = usualOf(from);
  const read = async <T>(what: string, work: () => Promise<T>): Promise<T | null> => {
    try {
      return await withPatience(work());
    } catch (error) {
      unknown.push(`${what}: ${error instanceof Error ? error.message : String(error)}`);
      return null;
    }
  };
  const ledger = await read('calls, money and who is hurt', () => readLedger(sources, { at, from, usual }));
  const audit = await read('what was changed', () => sources.audit(ALL, MOST_AUDIT));
  const { node } = sources;
  const budgets = node ? await read('budgets', node.budgets) : null;
  const limits = node ? await read('limits', () => node.limits(sinceMs)) : null;
  if (!node) unknown.push('no gate is running: its health, what budgets have spent and what it refused are not known');
  return {
    ...{ at, from, usual, ledger, audit, budgets, limits, unknown },
    node: node && {
      facts: node.facts(),
      recent: node.recent(from),
      configuration: await node.configuration(),
      drains: node.drains(),
      fallen: node.fallen(),
      alerts: node.alerts(),
      strandedBy: node.strandedBy,
    },
  };
}

/** Whole days of UTC: they lie summed in the store, and what went wrong earlier today is not among them. */
function usualOf(from: EpochMs): Evidence['usual'] {
  const to = from - (from % DAY_MS);
  return { from: (to - 7 * DAY_MS) as EpochMs, to: to as EpochMs };
}

interface Window extends Pick<Evidence, 'at' | 'from' | 'usual'> {}

/** The on-call's question. */
const ALL = everyTenant('what is wrong now, whoever it hurts');

type Span = Pick<LedgerFilter, 'from' | 'to'>;

const namesOf = (rows: readonly SpendRow[]): [name: string, row: SpendRow][] =>
  rows.flatMap((row): [string, SpendRow][] => (row.by[0] == null ? [] : [[row.by[0], row]]));

/** Each group of a kind; latency of those that have calls enough to be judged. */
async function groupsOf({ ledger }: NowSources, span: Span, by: GroupKind): Promise<Group[]> {
  const rows = namesOf(await ledger.spend({ ...span, whose: ALL, by: [by], sketches: false }));
  const judgeable = rows.filter(([, { calls }]) => calls >= LEAST_NOW).map(([name]) => name);
  const sketches = await sketchesOf(ledger, span, by, judgeable);
  return rows.map(([name, { calls, errors }]) => ({
    ...{ by, name, calls, failed: errors },
    totalMs: sketches.get(name) ?? null,
  }));
}

async function sketchesOf(
  ledger: NowSources['ledger'],
  span: Span,
  by: GroupKind,
  names: readonly string[],
): Promise<Map<string, DdSketch>> {
  if (names.length === 0) return new Map();
  const rows = await ledger.spend({ ...span, whose: ALL, by: [by], among: { dimension: by, values: names } });
  return new Map(namesOf(rows).map(([name, { totalMsSketch }]) => [name, DdSketch.fromText(totalMsSketch)]));
}

/** What is usual of everybody: counts alone. */
async function readUsual({ ledger }: NowSources, usual: Span): Promise<UsualCalls> {
  const groups = new Map<string, Usual>();
  const [whole] = await ledger.spend({ ...usual, whose: ALL, by: [], sketches: false });
  for (const by of GROUPED_BY)
    for (const [name, { calls, errors }] of namesOf(
      await ledger.spend({ ...usual, whose: ALL, by: [by], sketches: false }),
    ))
      groups.set(keyOf(by, name), { calls, failed: errors });
  const all = { calls: whole?.calls ?? 0, failed: whole?.errors ?? 0 };
  return { all, groups, streams: (await ledger.streams({ ...usual, whose: ALL, by: STREAMS_BY })).rows };
}

/** Kept until midnight; one that fails is read anew. */
function keptUsual(sources: NowSources, usual: Evidence['usual'], kept: KeptUsual): Promise<UsualCalls> {
  if (kept.usual && kept.to === usual.to) return kept.usual;
  kept.samples.clear();
  const reading = readUsual(sources, usual);
  Object.assign(kept, { to: usual.to, usual: reading });
  reading.catch(() => {
    if (kept.usual === reading) kept.usual = null;
  });
  return reading;
}

/** Latency of the last whole days, of the groups that can be judged now. */
async function samplesOf(
  { ledger }: NowSources,
  usual: Evidence['usual'],
  { samples }: KeptUsual,
  now: readonly Group[],
): Promise<ReadonlyMap<string, DdSketch>> {
  const span = { from: (usual.to - SAMPLE_DAYS * DAY_MS) as EpochMs, to: usual.to };
  for (const by of GROUPED_BY) {
    const asked = now.filter((one) => one.by === by && one.totalMs !== null && !samples.has(keyOf(by, one.name)));
    const found = await sketchesOf(
      ledger,
      span,
      by,
      asked.map(({ name }) => name),
    );
    if (samples.size + asked.length > MOST_SAMPLES) samples.clear();
    for (const { name } of asked) samples.set(keyOf(by, name), found.get(name) ?? new DdSketch());
  }
  return samples;
}
/** A sketch is a kilobyte or two. */
const MOST_SAMPLES = 10_000;

async function readLedger(sources: NowSources, { at, from, usual }: Window): Promise<LedgerEvidence> {
  const { ledger, kept = nothingKept() } = sources;
  const span = { from, to: (at + 1) as EpochMs };
  const window = { ...span, whose: ALL };
  const bucket = at - from <= 6 * HOUR_MS ? 'minute' : 'hour';
  const [groups, before, streams, bits, money, calls, failed] = await Promise.all([
    Promise.all(GROUPED_BY.map((by) => groupsOf(sources, span, by))),
    keptUsual(sources, usual, kept),
    ledger.streams({ ...window, by: STREAMS_BY }),
    ledger.spend({ ...window, by: ['deployment', 'outcome'], bucket, sketches: false }),
    ledger.spend({ ...window, by: ['tenant', 'team', 'feature', 'key'], sketches: false }),
    ledger.calls({ ...window, limit: SAMPLE, counted: true }),
    ledger.calls({ ...window, limit: FAILED_SAMPLE, outcome: 'provider_error', counted: true }),
  ]);
  const now = groups.flat();
  const suspects = slowSuspects(now, await samplesOf(sources, usual, kept, now), MOST_SUSPECTS);
  const weeks = new Map<string, DdSketch>();
  for (const { by: kind, name } of suspects) {
    const [row] = await ledger.spend({ ...usual, whose: ALL, by: [], [kind]: name });
    weeks.set(keyOf(kind, name), DdSketch.fromText(row?.totalMsSketch ?? null));
  }
  return {
    ...{ now, usual: before.groups, usualOfAll: before.all, weeks, bits, money, calls, failed },
    streams: { now: streams.rows, usual: before.streams },
  };
}

async function withPatience<T>(work: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`no answer within ${PATIENCE_MS / 1000} s`)), PATIENCE_MS);
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
}

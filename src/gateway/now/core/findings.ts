import { ERRORS, type ErrorCode } from '#kernel/errors.ts';
import { shellWord } from '#kernel/shell.ts';
import { count, duration, share } from '#kernel/format.ts';
import type { ChangeLine, ConfigurationEvidence } from './changes.ts';
import type { Hurt, Judged } from './hurt.ts';
import type { QualityLine } from '#capabilities/tenants/index.ts';
import { ofAlert, type AlertLine } from './alert-findings.ts';
import { ofLeaks, type LeakLine } from './leak-findings.ts';
import type { LostStreams } from './lost-streams.ts';
import { lostText, ofLostStreams } from './stream-findings.ts';
import { chanceText } from './words.ts';
import type {
  BudgetLine,
  DrainLine,
  FailingDeployment,
  LimitUseLine,
  NodeFacts,
  NowFinding,
  RefusalLine,
} from '../report.ts';

export interface FindingInput {
  /** As it was asked for, for the commands: `1h`. */
  readonly since: string;
  readonly at: number;
  readonly ledgerAway: boolean;
  readonly failing: readonly FailingDeployment[];
  readonly leaks: readonly LeakLine[];
  readonly fallen: readonly QualityLine[];
  readonly alerts: readonly AlertLine[];
  readonly hurt: Judged | null;
  readonly streams: readonly LostStreams[];
  readonly refusals: readonly RefusalLine[];
  readonly budgets: readonly BudgetLine[];
  readonly limits: readonly LimitUseLine[];
  readonly node: NodeFacts | null;
  readonly configuration: ConfigurationEvidence | null;
  readonly changes: readonly ChangeLine[];
  readonly drains: readonly DrainLine[];
  readonly strandedBy:
    ((target: { readonly level: 'provider' | 'deployment'; readonly name: string }) => readonly string[]) | null;
}

const LEAST_ATTEMPTS = 20;
const LEAST_FAILED = 3;
const PROVIDER = { warn: 0.1, bad: 0.3 } as const;
const GROUP_BAD = 0.1;
const LEAST_REFUSALS = 5;
const LAG_MS = 60_000;
const SOON_MS = 2 * 3_600_000;
/** Groups that are findings of their own; the table has the rest. */
const MOST_GROUPS = 4;
const MOST_NAMES = 4;

/** What needs somebody, the worst first; each with what it rests on and what to type next. Pure. */
export function findingsOf(input: FindingInput): NowFinding[] {
  const sources = failingSources(input);
  const told = new Set(sources.flatMap(({ parts }) => parts.map(({ deployment }) => deployment)));
  // What a failing provider cuts stands with it.
  const streams = input.streams.filter(({ how, name }) => how !== 'cut' || !told.has(name!));
  const explained = sources.length > 0 || streams.some(({ how }) => how !== 'left');
  const all = [
    ...ofNode(input),
    ...input.alerts.map(ofAlert),
    ...input.leaks.map(ofLeaks),
    ...input.fallen.map(ofFallen),
    ...sources.map((source) => ofSource(source, input)),
    ...streams.map((lost) => ofLostStreams(lost, input.since)),
    ...ofGroups(input, explained),
    ...input.refusals.flatMap((line) => ofRefusal(line)),
    ...input.budgets.map(ofBudget),
    ...ofLimits(input.limits),
    ...ofConfiguration(input.configuration),
    ...input.drains.map((drain) => ofDrain(drain, input.at)),
  ];
  return all.sort((a, b) => Number(a.grade === 'warn') - Number(b.grade === 'warn'));
}

const names = (all: readonly string[]): string =>
  all.slice(0, MOST_NAMES).join(', ') + (all.length > MOST_NAMES ? ` and ${all.length - MOST_NAMES} more` : '');

interface Source {
  readonly level: 'provider' | 'deployment';
  readonly name: string;
  readonly attempts: number;
  readonly failed: number;
  readonly since: FailingDeployment['since'];
  readonly parts: readonly FailingDeployment[];
}

/** A provider as a whole where none of its deployments does much better, else each deployment. */
function sourcesOf(failing: readonly FailingDeployment[]): Source[] {
  return [...Map.groupBy(failing, ({ provider }) => provider)].flatMap(([provider, parts]): Source[] => {
    const sum = (of: (one: FailingDeployment) => number): number => parts.reduce((all, one) => all + of(one), 0);
    const whole = { attempts: sum((one) => one.attempts), failed: sum((one) => one.failed) };
    const rate = whole.failed / whole.attempts;
    if (parts.length > 1 && parts.every((one) => one.attempts < 5 || one.failed / one.attempts >= rate / 2))
      return [{ level: 'provider', name: provider, ...whole, since: sinceOf(parts), parts }];
    return parts.map((one) => ({
      level: 'deployment',
      name: one.deployment,
      attempts: one.attempts,
      failed: one.failed,
      since: one.since,
      parts: [one],
    }));
  });
}

/** Of all parts together, from when the first of them began. */
function sinceOf(parts: readonly FailingDeployment[]): FailingDeployment['since'] {
  const known = parts.flatMap(({ since }) => since ?? []);
  if (known.length === 0) return null;
  return {
    at: known.map(({ at }) => at).toSorted()[0]!,
    attempts: known.reduce((sum, { attempts }) => sum + attempts, 0),
    failed: known.reduce((sum, { failed }) => sum + failed, 0),
  };
}

/** An hour's share hides what began a few minutes ago. */
const rateOf = ({ attempts, failed, since }: Source): number =>
  since === null || since.attempts < LEAST_ATTEMPTS
    ? failed / attempts
    : Math.max(failed / attempts, since.failed / since.attempts);

/** Few attempts say something where most of them fail. */
const isPlain = (attempts: number, failed: number): boolean => attempts >= 5 && failed / attempts >= 0.5;

function failingSources(input: FindingInput): Source[] {
  return sourcesOf(input.failing)
    .filter(
      ({ attempts, failed }) => failed >= LEAST_FAILED && (attempts >= LEAST_ATTEMPTS || isPlain(attempts, failed)),
    )
    .filter((source) => rateOf(source) >= PROVIDER.warn)
    .sort((a, b) => b.failed - a.failed);
}

function ofSource(source: Source, input: FindingInput): NowFinding {
  const { level, name, attempts, failed, parts, since } = source;
  const ways = Map.groupBy(
    parts.flatMap((part) => part.ways),
    wayText,
  );
  const why = [...ways]
    .map(([way, all]) => ({ way, times: all.reduce((sum, one) => sum + one.count, 0) }))
    .sort((one, other) => other.times - one.times)
    .slice(0, 3)
    .map(({ way, times }) => `${count(times)} × ${way}`);
  const hurting = input.hurt?.hurt.filter(({ by }) => by === 'tenant').map((one) => one.name) ?? [];
  const drained = input.drains.some(({ target }) => target === name || target === parts[0]!.provider);
  return {
    grade: rateOf(source) >= PROVIDER.bad ? 'bad' : 'warn',
    about: 'provider',
    text: `${level === 'provider' ? 'Provider' : 'Deployment'} ${name} fails ${share(rateOf(source))} of its attempts${since === null ? '' : ` since about ${since.at}`}.`,
    evidence: [
      `why: ${why.join(' · ')}`,
      `in the whole window: ${count(failed)} of ${count(attempts)} (${share(failed / attempts)})`,
      ...(since === null ? [] : changeBefore(since.at, input.changes)),
      ...input.streams
        .filter(({ how, name: cut }) => how === 'cut' && parts.some(({ deployment }) => deployment === cut))
        .map((lost) => lostText(lost)),
      ...(hurting.length > 0 ? [`hurts: tenants ${names(hurting)}`] : []),
      ...(drained ? ['it is drained already: what is seen here was sent before'] : []),
    ],
    next: nextOf(source, input, drained),
  };
}

function nextOf({ level, name, parts }: Source, { since, strandedBy, node }: FindingInput, drained: boolean): string[] {
  const stranded = strandedBy?.({ level, name }) ?? null;
  const lost =
    stranded === null || stranded.length === 0 ? '' : `   refuses ${names(stranded)}: nothing else serves it`;
  const drain = `headgate drain ${shellWord(name)} --for 30m --reason "…"${lost}`;
  const flag = level === 'provider' ? 'provider' : 'deployment';
  return [
    ...(drained || node === null || (stranded !== null && stranded.length > 0) ? [] : [drain]),
    `headgate calls list --${flag} ${shellWord(name)} --outcome provider_error --since ${since}`,
    // A test is a call, and a drain refuses it.
    ...(drained ? [] : [`headgate providers test ${shellWord(parts[0]!.provider)}`]),
    ...(!drained && node !== null && lost !== '' ? [drain] : []),
  ];
}

const wayText = ({ httpStatus, status, errorCode }: FailingDeployment['ways'][number]): string =>
  [httpStatus === null ? status : String(httpStatus), errorCode ?? ''].filter(Boolean).join(' ');

/** What was changed shortly before something began is the first suspect. */
const SHORTLY_MS = 15 * 60_000;
function changeBefore(since: string, changes: readonly ChangeLine[]): string[] {
  const at = Date.parse(since);
  const found = changes.find(({ at: then }) => Date.parse(then) <= at + 60_000 && at - Date.parse(then) < SHORTLY_MS);
  return found ? [`it began after: ${found.what} (${found.at}, ${found.who})`] : [];
}

/** Groups are findings of their own where no provider and no lost stream explains them, and where they wait rather than fail. */
function ofGroups({ hurt, since }: FindingInput, explained: boolean): NowFinding[] {
  return (hurt?.hurt ?? [])
    .filter(({ why }) => why !== 'failures' || !explained)
    .map((one): Hurt => (explained ? { ...one, why: 'latency' } : one))
    .slice(0, MOST_GROUPS)
    .map((one) => ofGroup(one, since));
}

function ofGroup(one: Hurt, since: string): NowFinding {
  const { by, name, calls, failed, usualFailed, p99Ms, usualP99Ms, why } = one;
  const rate = failed / calls;
  const fails = `${share(rate)} of ${count(calls)} calls failed${usualFailed === null ? ', with no usual to compare' : `, usually ${share(usualFailed)}`}`;
  const slow = `p99 is ${duration(p99Ms)}, usually ${duration(usualP99Ms)}`;
  const kind = `${by.charAt(0).toUpperCase()}${by.slice(1)}`;
  return {
    grade: why !== 'latency' && rate >= GROUP_BAD ? 'bad' : 'warn',
    about: 'calls',
    text: `${kind} ${name}: ${why === 'failures' ? fails : why === 'latency' ? slow : `${fails}; ${slow}`}.`,
    evidence: [`by chance alone: ${chanceText(one.chance)}`],
    next: [
      `headgate spend --${by} ${shellWord(name)} --by outcome,deployment --since ${since}`,
      `headgate calls list --${by} ${shellWord(name)} --since ${since}${why === 'latency' ? '' : ' --outcome provider_error'}`,
    ],
  };
}

const REFUSAL_NEXT: Readonly<Partial<Record<string, (tenant: string | null) => string>>> = {
  budget_exceeded: (tenant) => `headgate budgets list${tenant === null ? '' : ` --tenant ${shellWord(tenant)}`}`,
  budget_window: (tenant) => `headgate budgets list${tenant === null ? '' : ` --tenant ${shellWord(tenant)}`}`,
  price_unknown: () => 'headgate prices check',
  limit_exceeded: (tenant) => `headgate limits list${tenant === null ? '' : ` --tenant ${shellWord(tenant)}`}`,
  drained: () => 'headgate drain list',
  invalid_api_key: () => 'headgate keys list',
  key_expired: (tenant) => `headgate keys list${tenant === null ? '' : ` --tenant ${shellWord(tenant)}`}`,
};
/** Refusals that their callers mend by themselves. */
const CALLERS_OWN: ReadonlySet<string> = new Set([
  'client_closed',
  'endpoint_not_found',
  'method_not_allowed',
  'upgrade_required',
]);

function ofRefusal({ code, tenant, count: times }: RefusalLine): NowFinding[] {
  if (times < LEAST_REFUSALS || CALLERS_OWN.has(code)) return [];
  const row = Object.hasOwn(ERRORS, code) ? ERRORS[code as ErrorCode] : null;
  const money = code.startsWith('budget_') || code === 'price_unknown';
  const ours = row?.actor === 'operator' || row?.actor === 'us';
  return [
    {
      grade: money || ours ? 'bad' : 'warn',
      about: 'refusals',
      text: `${count(times)} calls${tenant === null ? ' of unknown callers' : ` of tenant ${tenant}`} were refused: ${code}.`,
      evidence: row ? [row.message] : [],
      next: [REFUSAL_NEXT[code]?.(tenant) ?? `headgate errors ${code}`],
    },
  ];
}

function ofBudget({ id, whose, limitUsd, used, usdPerHour, emptyInMs }: BudgetLine): NowFinding {
  const full = used >= 0.99;
  const pace =
    usdPerHour === null
      ? []
      : [`pace: $${usdPerHour} an hour${emptyInMs === null ? '' : `, spent in ${duration(emptyInMs)}`}`];
  return {
    grade: full || (emptyInMs !== null && emptyInMs < SOON_MS / 4) ? 'bad' : 'warn',
    about: 'budget',
    text: `The budget of ${whose} has ${share(used)} of $${limitUsd} used${full ? ': calls that do not fit are refused' : ''}.`,
    evidence: pace,
    next: [`headgate budgets raise ${id} --by ${Math.max(1, Math.ceil(Number(limitUsd) / 5))} --for 24h --reason "…"`],
  };
}

/** Limits that are findings of their own; `limits list` has the rest. */
const MOST_LIMITS = 4;

/** What refuses most comes first, then what is fullest. Nobody is refused by the others yet. */
function ofLimits(limits: readonly LimitUseLine[]): NowFinding[] {
  const worst = limits.toSorted((a, b) => b.refused - a.refused || (b.used ?? 0) - (a.used ?? 0));
  const rest = worst.length - MOST_LIMITS;
  const told = worst.slice(0, MOST_LIMITS).map(ofLimit);
  if (rest <= 0) return told;
  return [
    ...told,
    finding('warn', 'limit', [`${count(rest)} more limits are nearly used or refuse calls.`, 'headgate limits list']),
  ];
}

function ofLimit({ id, whose, what, most, used, refused }: LimitUseLine): NowFinding {
  const taken = used === null ? '' : ` ${share(used)} of ${count(most)} ${what} are taken`;
  const calls = `${count(refused)} ${refused === 1 ? 'call' : 'calls'}`;
  const text =
    refused > 0
      ? `The limit of ${whose} (${count(most)} ${what}) refused ${calls}.`
      : `The limit of ${whose} is nearly used:${taken}.`;
  return {
    grade: 'warn',
    about: 'limit',
    text,
    evidence: refused > 0 && taken !== '' ? [`now${taken}`] : [],
    next: [`headgate limits raise ${id} --by ${Math.max(1, Math.ceil(most / 5))} --for 1h --reason "…"`],
  };
}

const finding = (
  grade: NowFinding['grade'],
  about: NowFinding['about'],
  [text, ...next]: readonly [string, ...string[]],
): NowFinding => ({ grade, about, text, evidence: [], next });

function ofNode({ node, ledgerAway }: FindingInput): NowFinding[] {
  const away = 'The store is away: calls go on and wait in the spool; what is known here is of this node alone.';
  const all: (NowFinding | false)[] = [
    ledgerAway && finding('bad', 'gate', [away, 'headgate errors store_unavailable']),
  ];
  if (node)
    all.push(
      node.diskFull && finding('bad', 'gate', ['The ledger’s spool cannot be written: its disk is full.', 'df -h']),
      node.lostRecords > 0 && finding('bad', 'gate', [`${count(node.lostRecords)} records of the ledger were lost.`]),
      !node.ready && !node.draining && finding('bad', 'gate', ['This node is not ready: it needs a restart.']),
      node.draining && finding('warn', 'gate', ['This node is going down and takes no new calls.']),
      !ledgerAway &&
        (node.oldestUnshippedMs ?? 0) > LAG_MS &&
        finding('warn', 'gate', [
          `${count(node.unshippedCalls)} calls wait for the store, the oldest for ${duration(node.oldestUnshippedMs)}: figures here lack them.`,
        ]),
      node.stateFrom === 'snapshot' &&
        finding('warn', 'gate', ['The store was away at the start: keys and budgets are the last known ones.']),
      node.lateChanges > 0 &&
        finding('warn', 'gate', [`${count(node.lateChanges)} changes hold on this node and wait for the store.`]),
    );
  if (node) all.push(...ofCaptures(node.captures));
  return all.filter((one) => one !== false);
}

function ofCaptures({ running, notKept, isFull, trouble }: NodeFacts['captures']): NowFinding[] {
  if (running === 0) return [];
  const list = 'headgate capture list';
  if (isFull)
    return [
      finding('warn', 'gate', ['The folder of captured text is full: no call is kept until something expires.', list]),
    ];
  if (trouble !== null)
    return [
      finding('warn', 'gate', [
        `Captured text cannot be written (${trouble}): ${count(notKept)} calls were not kept.`,
        list,
      ]),
    ];
  return [
    finding('warn', 'gate', [
      `The text of calls is being kept by ${count(running)} ${running === 1 ? 'capture' : 'captures'}.`,
      list,
    ]),
  ];
}

const ofConfiguration = (configuration: ConfigurationEvidence | null): NowFinding[] =>
  configuration?.refused
    ? [
        {
          ...finding('warn', 'configuration', [
            'A changed headgate.yaml was refused; the earlier one is in force.',
            'headgate check',
          ]),
          evidence: [configuration.refused.why.split('\n')[0]!],
        },
      ]
    : [];

const ofFallen = ({ tenant, feature, score, past, now, evidence, basis }: QualityLine): NowFinding => ({
  grade: 'bad',
  about: 'quality',
  text: `Answers to ${tenant} became worse: ${score}${feature === null ? '' : ` of ${feature}`} is ${share(now!.mean)}, it was ${share(past!.mean)}.`,
  evidence: [
    `${count(now!.n)} scores since, ${count(past!.n)} before; evidence ${count(Math.round(evidence))}, of which the chance is one in as many`,
    `made by ${basis}`,
  ],
  next: [`headgate quality --tenant ${shellWord(tenant)}`],
});

const ofDrain = ({ id, level, target, until, actor, reason }: DrainLine, at: number): NowFinding => ({
  grade: 'warn',
  about: 'drain',
  text: `The ${level} ${target} is drained for ${duration(Math.max(0, Date.parse(until) - at))} more.`,
  evidence: [`${actor}: “${reason}”`],
  next: [`headgate drain stop ${id}`],
});

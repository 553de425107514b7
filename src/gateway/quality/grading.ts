import { createHash } from 'node:crypto';
import {
  basisOf,
  callsFinding,
  FollowUps,
  formatFinding,
  isTextRule,
  measuredBy,
  toolOutcomes,
  type Attribution,
  type Caller,
  type Finding,
  type NotScored,
  type SaidAnswer,
  type SaidChoice,
  type TextRule,
} from '#capabilities/tenants/index.ts';
import type { FeatureQuality } from '#capabilities/tenants/config.ts';
import type { LedgerEntry } from '#ports/entry.ts';
import type { Score } from '#ports/scores.ts';
import type { GenerateCall } from '#wire/canonical.ts';
import type { Dialect, PathFacts } from '#wire/dialect.ts';
import type { StrictJson } from '#wire/json/strict.ts';
import type { Call } from '../call.ts';
import type { Gate } from '../gate.ts';

/** Answers that wait to be looked at, and the bytes of their calls; more are dropped and counted. */
const MOST_WAITING = 2_000;
const MOST_WAITING_BYTES = 64 * 1024 * 1024;
/** A larger call is not decoded: that would hold the loop for more than some milliseconds. */
const LARGEST_CALL_BYTES = 256 * 1024;
/** By then the answer that is looked at has nearly always gone out. */
const AFTER_MS = 2;

/** What a provider keeps under such an id may hold tools that nobody here can read. */
const HIDES: ReadonlySet<string> = new Set(['prompt', 'cached_content']);

/** A settled call whose text somebody wants. */
export interface Graded {
  readonly entry: LedgerEntry;
  readonly quality: FeatureQuality;
  readonly answer: SaidAnswer;
  readonly judges: readonly string[];
  readonly caller: Caller;
  readonly attribution: Attribution;
  /** The call, decoded; null: it is too large, or could not be read. Worked out once. */
  readonly asked: () => GenerateCall | null;
  readonly hides: boolean;
}

interface Waiting {
  readonly call: Call;
  readonly entry: LedgerEntry;
}

/** Scores from the text of answers, after they went out: one answer a turn of the loop, and nothing of it is kept. */
export class Grading {
  readonly #gate: () => Gate;
  readonly #followUps = new FollowUps((score) => this.#gate().quality.note(score));
  readonly #waiting: Waiting[] = [];
  #bytes = 0;
  #timer: NodeJS.Timeout | null = null;
  /** Answers without a score, by rule and why, of this process. */
  readonly notScored = new Map<string, number>();

  constructor(gate: () => Gate) {
    this.#gate = gate;
  }

  /** Takes a settled call whose text was read. */
  settled(call: Call, entry: LedgerEntry): void {
    const bytes = bytesOf(call);
    if (this.#waiting.length >= MOST_WAITING || this.#bytes + bytes > MOST_WAITING_BYTES) return this.#drop(call);
    this.#waiting.push({ call, entry });
    this.#bytes += bytes;
    this.#timer ??= setTimeout(() => this.#next(), AFTER_MS);
  }

  /** Looks at what is left, and waits for no tool any more. */
  end(): void {
    if (this.#timer) clearTimeout(this.#timer);
    while (this.#waiting.length > 0) this.#one();
    this.#timer = null;
    this.#followUps.end();
  }

  /** Tools that nothing was heard of for long. */
  expire(now: number): void {
    this.#followUps.expire(now);
  }

  #next(): void {
    this.#one();
    this.#timer = this.#waiting.length > 0 ? setTimeout(() => this.#next(), 0) : null;
  }

  #one(): void {
    const { call, entry } = this.#waiting.shift()!;
    this.#bytes -= bytesOf(call);
    const gate = this.#gate();
    try {
      this.#look(gate, gradedOf(call, entry));
    } catch (error) {
      gate.log.warn({ err: error, call: entry.id }, 'an answer could not be looked at');
    }
  }

  #look(gate: Gate, graded: Graded): void {
    const { quality, entry, judges } = graded;
    if (quality.rules.includes('toolFailure')) this.#hear(graded);
    // What a cache gave was looked at when it was made; what failed has no text.
    if (entry.status !== 'ok' || entry.cacheHit !== null) return;
    for (const rule of quality.rules) if (isTextRule(rule)) this.#rule(gate, rule, graded);
    for (const judge of judges) gate.judges.offer(judge, graded);
  }

  #hear({ entry: { tenant, session }, asked }: Graded): void {
    const call = asked();
    if (call !== null) this.#followUps.heard({ tenant, session }, toolOutcomes(call));
  }

  #rule(gate: Gate, rule: TextRule, graded: Graded): void {
    const { entry, quality, answer } = graded;
    const found = findingOf(rule, graded);
    if (found === null) return;
    if (typeof found === 'string') return this.#notScored(rule, found);
    const { id: call, tenant, feature, session } = entry;
    const basis = basisOf(entry, quality.basis);
    const score: Score = {
      ...{ tenant, call, name: rule, value: found, feature, comment: null, source: 'rule', at: gate.clock.now() },
      basis: rule === 'format' ? measuredBy(basis, formatName(quality)) : basis,
    };
    const calls = rule === 'toolFailure' && found === 1 && 'choices' in answer ? callsOf(answer.choices) : [];
    if (calls.length > 0) this.#followUps.wait(score, { tenant, session }, calls);
    else gate.quality.note(score);
  }

  #notScored(rule: TextRule, why: NotScored, times = 1): void {
    const name = `${rule} ${why}`;
    this.notScored.set(name, (this.notScored.get(name) ?? 0) + times);
  }

  #drop({ reading, facts }: Call): void {
    for (const rule of reading!.quality.rules) if (isTextRule(rule)) this.#notScored(rule, 'dropped');
    const { tenant } = facts.caller;
    for (const judge of reading!.judges)
      this.#gate().judges.skipped({ feature: facts.attribution.feature!, judge, tenant: tenant.id }, 'dropped');
  }
}

const bytesOf = ({ facts }: Call): number => facts.body.bytes.length;
const callsOf = (choices: readonly SaidChoice[]) => choices.flatMap(({ calls }) => calls);

function findingOf(rule: TextRule, { answer, quality, asked, hides }: Graded): Finding {
  if ('not' in answer) return answer.not;
  const { choices } = answer;
  const { format } = quality;
  if (rule === 'format' && format.kind !== 'request') return formatFinding(format, null, choices);
  // Nothing that an answer says is wrong by a call that nobody looks into.
  if (rule === 'toolFailure' && callsOf(choices).length === 0) return null;
  const call = asked();
  if (call === null) return 'unread';
  if (rule === 'format') return formatFinding(format, call.format, choices);
  return hides ? 'hidden' : callsFinding(call.tools, choices);
}

/** Another schema is another measure. */
function formatName({ format }: FeatureQuality): string {
  if (format.kind === 'request' || format.kind === 'json') return `format ${format.kind}`;
  const text = JSON.stringify(format.kind === 'schema' ? format.schema : format.regex);
  return `format ${format.kind} ${createHash('sha256').update(text).digest('hex').slice(0, 8)}`;
}

function gradedOf({ facts, exchange, reading }: Call, entry: LedgerEntry): Graded {
  const { dialect, body, view, caller, attribution } = facts;
  const { quality, answer, judges } = reading!;
  let asked: GenerateCall | null | undefined;
  return {
    ...{ entry, quality, answer: answer.said(), judges, caller, attribution },
    asked: () => (asked === undefined ? (asked = decoded(dialect, body, exchange.route.named)) : asked),
    hides: view.keptIds.some(({ kind }) => HIDES.has(kind)),
  };
}

function decoded(dialect: Dialect, body: StrictJson, named: PathFacts | undefined): GenerateCall | null {
  if (body.bytes.length > LARGEST_CALL_BYTES) return null;
  const call = dialect.decodeCall(body, named);
  return call.ok && call.value.kind === 'generate' ? call.value : null;
}

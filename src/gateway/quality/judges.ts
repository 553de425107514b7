import { randomBytes } from 'node:crypto';
import {
  basisOf,
  exhibitOf,
  judgeBody,
  judgeName,
  measuredBy,
  readVerdict,
  type Attribution,
  type Exhibit,
  type JudgeJournal,
  type JudgementEnd,
  type JudgeOf,
  type JudgeSkip,
} from '#capabilities/tenants/index.ts';
import type { JudgeConfig } from '#capabilities/tenants/config.ts';
import type { LedgerEntry } from '#ports/entry.ts';
import type { CanonicalAnswer } from '#wire/canonical.ts';
import { exchangeOf } from '../call.ts';
import { carry } from '../carry.ts';
import { deploymentPrice } from '../deployment-price.ts';
import { DIALECTS } from '../dialects.ts';
import type { Gate } from '../gate.ts';
import { CALL_ROUTES } from '../routes.ts';
import { carriedRequest, CarriedResponse, type CarriedAnswer } from '../streams/carried.ts';
import type { Graded } from './grading.ts';

/** Judgements under way at once: a judge takes no more of its provider than a few users would. */
const AT_ONCE = 4;
/** Drawn calls that wait, and bytes of their texts; more are dropped and counted. */
const MOST_WAITING = 500;
const MOST_WAITING_BYTES = 16 * 1024 * 1024;
/** Beyond its own time a judgement that hangs is broken off. */
const SPARE_MS = 2_000;

/** Purpose of the calls of a judge, in the ledger. */
export const purposeOf = (judge: string): string => `judge:${judge}`;

/** An answer that waits for its judge. */
interface Case {
  readonly of: JudgeOf;
  readonly config: JudgeConfig;
  readonly exhibit: Exhibit;
  readonly graded: Pick<Graded, 'entry' | 'caller' | 'attribution' | 'quality'>;
}

/** What came of one call of a judge. */
interface Heard {
  readonly answer: CarriedAnswer | null;
  /** Null: it was not admitted. */
  readonly entry: LedgerEntry | null;
}

/**
 * Judges answers after they went out, a sample of them, by calls of the gate's own. A judgement is a score or it is
 * counted: nothing else is ever made of a judge that fails.
 */
export class Judges {
  readonly #gate: () => Gate;
  readonly journal: JudgeJournal;
  readonly #waiting: Case[] = [];
  readonly #running = new Map<CarriedResponse, Case>();
  #bytes = 0;
  #stopped = false;

  constructor(gate: () => Gate, journal: JudgeJournal) {
    this.#gate = gate;
    this.journal = journal;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Takes an answer that a judge drew, or counts why not. */
  offer(judge: string, graded: Graded): void {
    const { entry, quality } = graded;
    const of = { feature: entry.feature!, judge, tenant: entry.tenant };
    const config = quality.judges[judge]!;
    const found = this.#caseOf(of, config, graded);
    if (typeof found === 'string') return this.skipped(of, found);
    this.journal.note({ ...of, do: 'ask', call: entry.id, at: this.#gate().clock.now() });
    this.#waiting.push(found);
    this.#bytes += bytesOf(found);
    this.#next();
  }

  skipped(of: JudgeOf, why: JudgeSkip): void {
    this.journal.note({ ...of, do: 'skip', why, at: this.#gate().clock.now() });
  }

  #caseOf(of: JudgeOf, config: JudgeConfig, graded: Graded): Case | JudgeSkip {
    const { answer, asked } = graded;
    if ('not' in answer) return answer.not;
    if (this.#stopped) return 'dropped';
    const exhibit = exhibitOf(config, answer.choices, asked);
    if (exhibit === null) return 'no_text';
    if (exhibit === 'unread') return 'unread';
    if ((exhibit.question?.length ?? 0) > graded.quality.textBytes) return 'too_long';
    const gate = this.#gate();
    const full = this.journal.tally.room(of, config, gate.clock.now());
    if (full !== null) return full;
    if (!isPriced(gate, config.model)) return 'unpriced';
    const { entry, caller, attribution, quality } = graded;
    const found: Case = { of, config, exhibit, graded: { entry, caller, attribution, quality } };
    const hasRoom = this.#waiting.length < MOST_WAITING && this.#bytes + bytesOf(found) <= MOST_WAITING_BYTES;
    return hasRoom ? found : 'dropped';
  }

  /** Nothing more is asked: what waits is lost, what is under way is broken off, and both are counted. */
  stop(): void {
    this.#stopped = true;
    for (const one of this.#waiting.splice(0)) this.#ended(one, 'lost', 0n);
    this.#bytes = 0;
    for (const response of this.#running.keys()) response.destroy();
  }

  #next(): void {
    while (this.#running.size < AT_ONCE && this.#waiting.length > 0) {
      const one = this.#waiting.shift()!;
      this.#bytes -= bytesOf(one);
      void this.#judge(one)
        .catch((error: unknown) => {
          this.#gate().log.warn({ err: error, call: one.graded.entry.id }, 'a judgement failed by a mistake of ours');
          this.#ended(one, 'failed', null);
        })
        .finally(() => this.#next());
    }
  }

  async #judge(one: Case): Promise<void> {
    const { config, exhibit } = one;
    const nonce = randomBytes(8).toString('hex');
    const { answer, entry } = await this.#ask(one, Buffer.from(JSON.stringify(judgeBody(config, exhibit, nonce))));
    const cost = entry === null ? 0n : (entry.cost?.total ?? null);
    const found = verdictOf({ answer, entry }, config, nonce);
    if (typeof found === 'number') this.#score(one, found, entry!);
    this.#ended(one, typeof found === 'number' ? 'scored' : this.#stopped ? 'lost' : found, cost);
  }

  /** By the gate's own pipeline; resolves when the call is over, whatever became of it. */
  async #ask(one: Case, body: Buffer): Promise<Heard> {
    const gate = this.#gate();
    const { config, graded, of } = one;
    let [answer, entry]: [CarriedAnswer | null, LedgerEntry | null] = [null, null];
    const response = new CarriedResponse((whole) => (answer = whole));
    this.#running.set(response, one);
    const headers = { 'content-type': 'application/json', 'x-headgate-deadline-ms': String(config.timeout) };
    const exchange = exchangeOf(gate, {
      ...{ route: CALL_ROUTES.get('/v1/chat/completions')!, query: '', response },
      request: carriedRequest(headers, body),
      own: {
        ...{ kind: 'eval', caller: graded.caller },
        attribution: attributionOf(graded.attribution, of.judge),
        settled: (settled) => (entry = settled),
      },
    });
    const timer = setTimeout(() => response.destroy(), config.timeout + SPARE_MS);
    const over = new Promise<void>((resolve) => response.once('close', resolve));
    await carry(gate, exchange);
    // The answer goes out once its entry is in the spool.
    await over;
    clearTimeout(timer);
    this.#running.delete(response);
    return { answer, entry };
  }

  #score({ of, config, graded }: Case, value: number, judged: LedgerEntry): void {
    const { entry, quality } = graded;
    const gate = this.#gate();
    gate.quality.note({
      ...{ tenant: entry.tenant, call: entry.id, name: of.judge, value, feature: entry.feature, source: 'judge' },
      at: gate.clock.now(),
      basis: measuredBy(basisOf(entry, quality.basis), judgeName(config)),
      comment: `judged by ${judged.id}`,
    });
  }

  #ended({ of, graded }: Case, end: JudgementEnd, costNanoUsd: bigint | null): void {
    const at = this.#gate().clock.now();
    this.journal.note({ ...of, do: 'end', call: graded.entry.id, end, costNanoUsd, at });
  }
}

const bytesOf = ({ exhibit: { question, answer } }: Case): number => 2 * ((question?.length ?? 0) + answer.length);

/** A budget that nobody can hold is none: a judge without a price is not asked. */
function isPriced(gate: Gate, model: string): boolean {
  const deployments = gate.config.models.find(model)?.deployments ?? [];
  return deployments.every((one) => deploymentPrice(gate, one, model, gate.clock.now()) !== null);
}

/** The tenant's and the feature's, and nobody's session: no user asked for it. */
const attributionOf = ({ feature, labels }: Attribution, judge: string): Attribution => ({
  ...{ feature, labels, purpose: purposeOf(judge), client: 'headgate-judge', clientVersion: null, clientRetry: 0 },
  ...{ endUser: null, session: null, agent: null, parentAgent: null, retryOf: null, traceId: null, asOther: null },
});

/** Refusals of the gate that are the tenant's own: its regions, its keys. */
const FORBIDS: ReadonlySet<unknown> = new Set(['policy_refused', 'model_not_found', 'no_provider']);

function verdictOf(
  { answer, entry }: Heard,
  config: JudgeConfig,
  nonce: string,
): number | Exclude<JudgementEnd, 'scored'> {
  if (entry === null) return FORBIDS.has(codeOf(answer)) ? 'forbidden' : 'refused';
  if (entry.status === 'timeout') return 'timeout';
  if (entry.status !== 'ok' || answer === null) return entry.errorCode === 'deadline' ? 'timeout' : 'failed';
  if (entry.finish === 'refusal' || entry.finish === 'content_filter') return 'refusal';
  const parts = partsOf(answer);
  if (parts.some(({ type }) => type === 'refusal')) return 'refusal';
  const text = parts.map((part) => (part.type === 'text' ? part.text : '')).join('');
  return readVerdict(text, config, nonce) ?? 'unparsable';
}

function partsOf(answer: CarriedAnswer): CanonicalAnswer['choices'][number]['parts'] {
  const value = valueOf(answer);
  const read = value === null ? null : DIALECTS['openai-chat'].decodeAnswer(value);
  return read?.kind === 'generate' ? (read.choices[0]?.parts ?? []) : [];
}

const codeOf = (answer: CarriedAnswer | null): unknown =>
  (valueOf(answer) as { readonly error?: { readonly code?: unknown } } | null)?.error?.code;

function valueOf(answer: CarriedAnswer | null): unknown {
  try {
    return JSON.parse(answer?.body.toString('utf8') ?? 'null');
  } catch {
    return null;
  }
}

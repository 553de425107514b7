import { NO_USAGE } from '#wire/usage.ts';
import type { Usage } from '#wire/usage.ts';
import { ZERO_USD, addUsd, costOf, minUsd, subUsd, sumUsd } from '#kernel/money.ts';
import type { NanoUsd } from '#kernel/money.ts';
import type { Attempt, Cost, LedgerEntry } from '#ports/entry.ts';
import type { Admission, AttemptStart, OpenCall, PriceSnapshot, ProgressMark } from './admission.ts';

/** English text runs at about four bytes a token in the public tokenizers; used where a mark has no token count. */
const BYTES_PER_TOKEN = 4;
/** Pace of a stream that died before its first mark: the upper end of what hosted general models stream. */
const ASSUMED_TOKENS_PER_S = 200;
const MS_PER_S = 1000;

const tokensOf = (mark: ProgressMark): number => mark.outputTokens ?? Math.ceil(mark.textBytes / BYTES_PER_TOKEN);

const paceBetween = (tokens: number, ms: number): number => (ms > 0 ? (tokens / ms) * MS_PER_S : 0);

/** Tokens a second: the larger of the whole stream's pace and that between its last two marks. */
function paceOf(marks: readonly ProgressMark[], startedMs: number): number {
  const last = marks.at(-1);
  if (!last) return ASSUMED_TOKENS_PER_S;
  const whole = paceBetween(tokensOf(last), last.atMs - startedMs);
  const before = marks.at(-2);
  if (!before) return whole;
  return Math.max(whole, paceBetween(tokensOf(last) - tokensOf(before), last.atMs - before.atMs));
}

/** What the stream had sent by its last mark and could have sent until the next. */
function streamedTokens(admission: Admission, marks: readonly ProgressMark[], startedMs: number): number {
  const last = marks.at(-1);
  const sent = (last ? tokensOf(last) : 0) + Math.ceil(paceOf(marks, startedMs));
  return Math.min(sent, admission.maxOutputTokens ?? Number.MAX_SAFE_INTEGER);
}

const sumCost = (costs: readonly Cost[]): Cost => ({
  input: sumUsd(costs.map((cost) => cost.input)),
  cachedRead: sumUsd(costs.map((cost) => cost.cachedRead)),
  cacheWrite: sumUsd(costs.map((cost) => cost.cacheWrite)),
  output: sumUsd(costs.map((cost) => cost.output)),
  other: sumUsd(costs.map((cost) => cost.other)),
  total: sumUsd(costs.map((cost) => cost.total)),
});

const splitCost = (input: NanoUsd, output: NanoUsd): Cost => ({
  input,
  cachedRead: ZERO_USD,
  cacheWrite: ZERO_USD,
  output,
  other: ZERO_USD,
  total: addUsd(input, output),
});

/** A unary call may have been answered in full: the whole reservation, its input part first. */
function reservationAsCost(reserved: NanoUsd, inputTokens: number, price: PriceSnapshot): Cost {
  const input = minUsd(reserved, costOf(inputTokens, price.input));
  return splitCost(input, subUsd(reserved, input));
}

interface Charge {
  readonly usage: Usage;
  readonly cost: Cost | null;
}

function chargeStream(call: OpenCall, last: AttemptStart, price: PriceSnapshot | null): Charge {
  const inputTokens = call.admission.estimatedInputTokens ?? 0;
  const outputTokens = streamedTokens(call.admission, call.marks, last.startedMs);
  const cost = price && splitCost(costOf(inputTokens, price.input), costOf(outputTokens, price.output));
  return { usage: { ...NO_USAGE, inputTokens, outputTokens }, cost };
}

function chargeUnary(call: OpenCall, reserved: NanoUsd, price: PriceSnapshot | null): Charge {
  const inputTokens = call.admission.estimatedInputTokens ?? 0;
  return {
    usage: { ...NO_USAGE, inputTokens, outputTokens: call.admission.reservedOutputTokens },
    cost: price && reservationAsCost(reserved, inputTokens, price),
  };
}

/** Two marks give a pace; before them a provider may have sent whatever it could in a second, or all at once. */
const MARKS_OF_A_PACE = 2;

/**
 * What the last attempt may have cost. A stream whose pace is known is charged by its marks. Everything else is charged
 * what was reserved, and so is whatever a `strict` budget paid its worst case for: charged less, each death would give
 * money back that the provider has billed, and a kill loop would spend the budget again and again.
 */
function chargeLast(call: OpenCall, last: AttemptStart, left: NanoUsd): Charge {
  const { admission, marks } = call;
  const price = last.price ?? admission.price;
  const reserved = chargeUnary(call, left, price);
  if (!admission.stream) return reserved;
  const streamed = chargeStream(call, last, price);
  if (marks.length >= MARKS_OF_A_PACE && !isWorstReserved(call)) return streamed;
  const more = (streamed.cost?.total ?? ZERO_USD) > (reserved.cost?.total ?? ZERO_USD);
  return more ? streamed : reserved;
}

const isWorstReserved = ({ admission, attempts }: OpenCall): boolean => {
  const worst = attempts.at(-1)?.worstCostNanoUsd ?? admission.worstCostNanoUsd;
  return worst !== null && newestReservation({ admission, attempts }) >= worst;
};

const NOT_TIMED = { connectedMs: null, headersMs: null, firstTokenMs: null, lastTokenMs: null, doneMs: null };

const interruptedAttempt = (start: AttemptStart, charge: Charge): Attempt => ({
  n: start.n,
  deployment: start.deployment,
  provider: start.provider,
  dialect: start.dialect,
  startedMs: start.startedMs,
  timing: NOT_TIMED,
  status: 'interrupted',
  httpStatus: null,
  errorCode: null,
  usage: charge.usage,
  usageSource: 'estimated',
  cost: charge.cost,
  upstreamRequestId: null,
});

const newestReservation = (call: Pick<OpenCall, 'admission' | 'attempts'>): NanoUsd =>
  call.attempts.reduce((money, start) => start.reservedNanoUsd ?? money, call.admission.reservedNanoUsd);

/** Attempts whose end was recorded as they ended; the rest as interrupted, each with what it may have cost. */
function attemptsOf(call: OpenCall, reserved: NanoUsd): readonly Attempt[] {
  const ended = new Map(call.attempts.flatMap((start) => start.finished).map((attempt) => [attempt.n, attempt]));
  const last = call.attempts.at(-1);
  const spent = sumUsd([...ended.values()].map((attempt) => attempt.cost?.total ?? ZERO_USD));
  const left = reserved > spent ? subUsd(reserved, spent) : ZERO_USD;
  return call.attempts.map((start) => {
    const known = ended.get(start.n);
    if (known) return known;
    // An earlier attempt without a recorded end may have read its input; what it answered, nobody waited for.
    if (start !== last)
      return interruptedAttempt(start, chargeInputOnly(call.admission, start.price ?? call.admission.price));
    return interruptedAttempt(start, chargeLast(call, start, left));
  });
}

function chargeInputOnly(admission: Admission, price: PriceSnapshot | null): Charge {
  const inputTokens = admission.estimatedInputTokens ?? 0;
  return {
    usage: { ...NO_USAGE, inputTokens, outputTokens: 0 },
    cost: price && splitCost(costOf(inputTokens, price.input), ZERO_USD),
  };
}

const addCounts = (a: number | null, b: number | null): number | null => (a === null ? b : b === null ? a : a + b);

function sumUsage(attempts: readonly Attempt[]): Usage {
  return attempts.reduce<Usage>((sum, { usage }) => {
    if (!usage) return sum;
    const inputTokens = addCounts(sum.inputTokens, usage.inputTokens);
    return { ...sum, ...usage, inputTokens, outputTokens: addCounts(sum.outputTokens, usage.outputTokens) };
  }, NO_USAGE);
}

function costOfCall(attempts: readonly Attempt[]): Cost | null {
  // An attempt without usage was not billed: its missing cost hides nothing.
  const billed = attempts.filter((attempt) => attempt.usage !== null || attempt.cost !== null);
  return billed.some((attempt) => attempt.cost === null) ? null : sumCost(billed.map((attempt) => attempt.cost!));
}

/**
 * The entry of a call whose process died before settlement, charged as estimated: a stream with two marks its input
 * plus the last mark plus a second at its pace; a younger one, a unary call and whatever a strict budget paid for the
 * whole reservation; a call that sent nothing, nothing. Deterministic: any number of recoveries give the same entry.
 */
export function interruptedEntry(call: OpenCall): LedgerEntry {
  const { estimatedInputTokens, reservedOutputTokens, maxOutputTokens, worstCostNanoUsd, price, ...fields } =
    call.admission;
  const reservedNanoUsd = newestReservation(call);
  const attempts = attemptsOf(call, reservedNanoUsd);
  const cost = costOfCall(attempts);
  const last = call.attempts.at(-1);
  return {
    ...fields,
    modelReturned: null,
    deployment: last?.deployment ?? null,
    provider: last?.provider ?? null,
    fingerprint: null,
    usage: sumUsage(attempts),
    usageSource: last ? 'estimated' : 'none',
    cost,
    priceVersion: cost && ((last?.price ?? price)?.version ?? null),
    savedCostNanoUsd: null,
    reservedNanoUsd,
    timing: { queuedMs: null, ...NOT_REACHED },
    interToken: null,
    status: 'interrupted',
    httpStatus: null,
    errorCode: null,
    finish: null,
    truncated: call.marks.length > 0,
    cancelledBy: null,
    degraded: false,
    shed: false,
    dropped: [],
    attempts,
    resumes: 0,
    bytesOut: call.marks.at(-1)?.textBytes ?? 0,
    corrects: null,
    movedFrom: null,
    moveCostNanoUsd: null,
    cacheHit: null,
  };
}

const NOT_REACHED = { connectedMs: null, headersMs: null, firstTokenMs: null, lastTokenMs: null, totalMs: null };

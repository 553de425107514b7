import { addUsd, usdDecimal, ZERO_USD } from '#kernel/money.ts';
import { andThen, type MaybePromise } from '#ports/shared-state.ts';
import { spliceUsageCost } from '#wire/cost-splice.ts';
import type { CacheHit } from '#ports/entry.ts';
import type { CanonicalEvent } from '#wire/canonical.ts';
import { framesOf } from '#wire/aws-event-stream/index.ts';
import { sseSplitter } from '#wire/sse/splitter.ts';
import { admissionOf } from '../admission.ts';
import { afterWritten } from '../after-written.ts';
import { answerHead } from '../answer-head.ts';
import type { Call } from '../call.ts';
import { streamHead } from '../client-stream.ts';
import { exposesCost } from '../cost-in-answer.ts';
import type { Gate } from '../gate.ts';
import { isWithheld, watchOf } from '../leaks.ts';
import { settle } from '../settle.ts';
import { readWhole } from '../streams/readers.ts';
import type { FoundReply } from './reply.ts';
import { cacheOf, countsOf, lookUp } from './turn.ts';

/**
 * Answers a call from the cache, if the cache has its answer. The call is admitted, recorded and settled like any
 * other: its limits and budgets have room, and its entry costs nothing and says what was saved.
 */
export function answeredFromCache(gate: Gate, call: Call): MaybePromise<boolean> {
  const settings = cacheOf(call);
  return settings !== null && andThen(lookUp(gate, call, settings), (found) => answeredBy(gate, call, found));
}

function answeredBy(gate: Gate, call: Call, found: FoundReply | null): boolean {
  if (call.cache!.result === 'bypass') return false;
  if (found === null || leaksNow(gate, call, found)) return false;
  give(gate, call, found);
  countSaved(gate, call, 'hits', found.hit);
  return true;
}

/** An answer was given that nobody had to be asked for. */
export function countSaved(gate: Gate, call: Call, how: 'hits' | 'collapsed', { usage, cost }: CacheHit): void {
  const counts = countsOf(gate, call);
  counts[how] += 1;
  counts.savedNanoUsd = addUsd(counts.savedNanoUsd, cost?.total ?? ZERO_USD);
  counts.savedTokens += (usage.inputTokens ?? 0) + (usage.outputTokens ?? 0);
}

/** Texts that other tenants protect may be newer than the answer: such a one is made anew, and watched like any other. */
function leaksNow(gate: Gate, call: Call, { body }: FoundReply): boolean {
  const watch = watchOf(gate, call);
  if (watch === null) return false;
  const { dialect, view } = call.facts;
  if (!view.stream) return isWithheld(watch, () => dialect.decodeAnswer(JSON.parse(body.toString()))) || watch.leaked;
  const decoder = dialect.streamDecoder();
  for (const event of sseSplitter().push(body)) for (const step of decoder.push(event)) watch.push(textOf(step));
  watch.end();
  return watch.leaked;
}

/** Words of two parts are no run. */
const textOf = (step: CanonicalEvent): string =>
  step.type === 'delta' ? step.text : step.type === 'block_stop' ? '\n' : '';

function give(gate: Gate, call: Call, found: FoundReply): void {
  gate.spool.admit(admissionOf(call), null);
  call.recorded = true;
  call.hit = found;
  call.dropped = found.facts.dropped;
  const body = withoutCost(call, found);
  call.bytesOut = body.length;
  settle(gate, call, { status: 'ok', httpStatus: 200, errorCode: null, cancelledBy: null });
  const age = ['age', String(Math.floor(found.hit.ageMs / 1_000))];
  const head = headOf(gate, call, 'hit', age);
  afterWritten(gate, call, () => (call.facts.view.stream ? stream(call, head, body) : whole(call, head, body)));
}

/** A whole answer or an event with what a tenant that sees costs is shown: this call's, which is none. */
export const freeOfCost = (call: Call, bytes: Buffer): Buffer =>
  exposesCost(call) ? (spliceUsageCost(bytes, call.facts.dialect.name, usdDecimal(ZERO_USD)) ?? bytes) : bytes;

function withoutCost(call: Call, { body, facts }: FoundReply): Buffer {
  if (!exposesCost(call)) return body;
  if (!call.facts.view.stream) return freeOfCost(call, body);
  const starts = [0, ...facts.usageAt.flatMap((at) => [at, at + eventLength(body, at)]), body.length];
  return Buffer.concat(
    starts.slice(0, -1).map((start, i) => {
      const piece = body.subarray(start, starts[i + 1]);
      return facts.usageAt.includes(start) ? freeOfCost(call, piece) : piece;
    }),
  );
}

const eventLength = (body: Buffer, at: number): number =>
  sseSplitter().push(body.subarray(at))[0]?.raw.length ?? body.length - at;

type Head = (own: readonly string[]) => string[];

/** Makes the head of an answer that came from no provider; `more` stands behind what is the answer's own. */
export function headOf(gate: Gate, call: Call, result: 'hit' | 'collapsed', more: readonly string[] = []): Head {
  call.cache = { ...call.cache!, result };
  return (own) => answerHead({ gate, call }, [...own, ...more]) as string[];
}

export function whole({ exchange: { response } }: Call, head: Head, body: Buffer): void {
  response.writeHead(200, head(['content-type', 'application/json', 'content-length', String(body.length)]));
  response.end(body);
}

/** All events at once; where the stream has a log, through that, so that it is read again like any other. */
function stream(call: Call, head: Head, body: Buffer): void {
  const { exchange, stream: log } = call;
  const { response, route } = exchange;
  if (log === null) {
    response.writeHead(200, head(streamHead(call)));
    response.end(route.framing === undefined ? body : framesOf(route.framing, body));
    return;
  }
  // Whoever repeats an idempotency key waits for the head, also when the first client has left.
  if (!response.destroyed || call.facts.once !== null) response.writeHead(200, head(streamHead(call)));
  if (response.destroyed) log.unread();
  else readWhole(call, log);
  for (const event of sseSplitter().push(body)) log.append(event.raw);
  log.finish('ok');
}

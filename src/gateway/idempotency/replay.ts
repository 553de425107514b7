import type { CallId } from '#kernel/brand.ts';
import { HeadgateError } from '#kernel/errors.ts';
import type { OutcomeStatus } from '#ports/entry.ts';
import type { SharedKeys, WholeAnswer } from '#ports/idempotency.ts';
import type { LiveStream } from '#capabilities/streams/index.ts';
import type { Caller } from '#capabilities/tenants/index.ts';
import { admissionOf } from '../admission.ts';
import { UI_STREAM_HEADERS } from '../client-stream.ts';
import type { Call, Exchange } from '../call.ts';
import type { Gate } from '../gate.ts';
import { settle } from '../settle.ts';
import { readWhole } from '../streams/readers.ts';
import { STREAM_HEAD } from '../streams/stream-head.ts';
import { lookElsewhere, type Original } from './elsewhere.ts';
import type { KeptAnswer } from './kept-answer.ts';

/** Where the answer of an earlier call is. */
export type Source =
  /** In one piece. */
  | { readonly answer: KeptAnswer; readonly stream: null }
  /** In one piece, of another gate. */
  | { readonly whole: WholeAnswer }
  /** In a log, with the head that it had. */
  | { readonly answer: Pick<KeptAnswer, 'statusCode' | 'headers'>; readonly stream: LiveStream };

interface Repeating {
  readonly caller: Caller;
  readonly exchange: Pick<Exchange, 'response'>;
  readonly original: Original;
}

/** A repeat is there: as long as its client is, the earlier call is not given up. Returns what ends that. */
export function awaitAnswer(gate: Gate, { response }: Pick<Exchange, 'response'>, original: CallId): () => void {
  const leave = gate.idempotency.answers.find(original)?.await();
  if (leave === undefined) return () => undefined;
  response.once('close', leave);
  if (response.destroyed) leave();
  return () => {
    response.off('close', leave);
    leave();
  };
}

/** Waits until the earlier call has an answer. Throws 410 or 409 where it has none any more; null: its key is free again. */
export async function sourceOf(gate: Gate, repeating: Repeating): Promise<Source | null> {
  const { answers, shared } = gate.idempotency;
  const { caller, original } = repeating;
  const answer = answers.find(original.call);
  if (!answer && shared !== null) return sourceElsewhere(gate, shared, repeating);
  return sourceHere(gate, caller, original.call);
}

async function sourceElsewhere(gate: Gate, shared: SharedKeys, repeating: Repeating): Promise<Source | null> {
  const { caller, exchange, original } = repeating;
  const owner = { tenant: caller.tenant.id, key: caller.key.id };
  const seek = () => gate.streams.seek(original.call, owner);
  const found = await lookElsewhere({ shared, exchange, seek }, original);
  if (found === 'released') return null;
  if (found !== 'lost' && 'whole' in found) return found;
  if (found !== 'lost' && 'stream' in found) return { answer: headOf(found.stream), stream: found.stream };
  const own = await gate.tenants.ownCall(caller, original.call);
  // Whether the call goes on is not known: nothing is sent again.
  if (found === 'lost' && own === null) throw new HeadgateError('store_unavailable');
  const status = (found === 'lost' ? null : found.gone) ?? own?.status ?? 'interrupted';
  throw goneError(original.call, status);
}

async function sourceHere(gate: Gate, caller: Caller, original: CallId): Promise<Source | null> {
  const answer = gate.idempotency.answers.find(original);
  const begun = await answer?.begun;
  if (begun === 'released') return null;
  if (answer && begun === 'answer' && !answer.overflowed) return { answer, stream: null };
  const stream = await gate.streams.seek(original, { tenant: caller.tenant.id, key: caller.key.id });
  // Whether its answer is there is not known: nothing is sent again.
  if (stream === 'away') throw new HeadgateError('store_unavailable');
  if (stream !== null && stream !== 'full' && !stream.overflowed) {
    if (answer && begun === 'stream') return { answer, stream };
    // Its gate died, or this one did and came back: the shared log has what was sent.
    if (!answer) return { answer: headOf(stream), stream };
  }
  const status = answer?.status ?? (await gate.tenants.ownCall(caller, original))?.status ?? 'interrupted';
  throw goneError(original, status);
}

const headOf = ({ id, dialect }: LiveStream): Pick<KeptAnswer, 'statusCode' | 'headers'> => ({
  statusCode: 200,
  headers: { ...STREAM_HEAD, ...(dialect === 'ai-sdk-ui' && UI_STREAM_HEADERS), 'x-headgate-call-id': id },
});

function goneError(original: CallId, status: OutcomeStatus): HeadgateError {
  const facts = { call: original, status };
  if (status === 'interrupted')
    return new HeadgateError('call_interrupted', {
      facts,
      message: `The call ${original} with this idempotency key was interrupted when its gate ended. What it cost is in its entry; nothing was sent again.`,
    });
  return new HeadgateError('answer_gone', {
    facts,
    message: `The call ${original} with this idempotency key ended as \`${status}\`, and its answer is kept no longer. The entry has its usage and cost.`,
  });
}

/** Gives an earlier call's answer once more. Its entry costs nothing and names the original. */
export async function replay(gate: Gate, call: Call, source: Source): Promise<void> {
  const { statusCode, headers } =
    'whole' in source ? { ...source.whole, statusCode: source.whole.status } : source.answer;
  try {
    gate.spool.admit(admissionOf(call), null);
  } catch (thrown) {
    gate.tenants.release(call.facts.reservation);
    throw thrown;
  }
  call.recorded = true;
  settle(gate, call, { status: 'ok', httpStatus: statusCode, errorCode: null, cancelledBy: null });
  await gate.spool.written();
  const { exchange } = call;
  const more = { 'idempotent-replayed': 'true', 'x-headgate-replay': call.id };
  if (!('whole' in source) && source.stream === null) return source.answer.attach(exchange.response, more);
  exchange.response.writeHead(statusCode, { ...headers, ...more });
  if ('whole' in source) return void exchange.response.end(source.whole.body);
  exchange.response.flushHeaders();
  const { stream } = source;
  stream.resumed();
  readWhole(call, stream);
}

import { HeadgateError } from '#kernel/errors.ts';
import { usageMessage } from '#wire/grpc/index.ts';
import type { ResumeRequest } from '#wire/grpc/headgate-messages.ts';
import {
  positionOf,
  startOf,
  type LiveStream,
  type Position,
  type SnapshotState,
} from '#capabilities/streams/index.ts';
import { callerOf, streamOf, tooLargeText } from '../streams/own-stream.ts';
import { snapshotOf } from '../streams/snapshot.ts';
import type { CallId } from '#kernel/brand.ts';
import type { Caller } from '#capabilities/tenants/index.ts';
import { redeemTicket, wrongTicket } from '../streams/tickets.ts';
import { plainFailure } from './failure.ts';
import { MessageReader } from './message-reader.ts';
import { deadlineMs } from './metadata.ts';
import { callIdOf, type Served } from './serve.ts';

/** A stream from a position on, or its state and what comes after it. */
export async function resume(served: Served, asked: ResumeRequest, { caller, only }: Reader): Promise<void> {
  const { gate, protocol, answer } = served;
  if (only !== null && only !== asked.id) throw wrongTicket();
  endAtDeadline(served);
  const stream = await streamOf(gate, caller, callIdOf(asked.id));
  const start = startOf(stream, positionAsked(asked.position));
  if (!start.ok) throw start.error;
  if (stream.overflowed) throw gone(stream);
  const from = asked.snapshot && asked.position === '' ? stream.events : start.value;
  const state = asked.snapshot ? await snapshotOf(stream, Math.min(from, stream.events)) : null;
  if (asked.snapshot && state === null) throw gone(stream);
  // Its time was over while the log was asked.
  if (answer.ended) return;
  stream.resumed();
  answer.begin({ 'x-headgate-call-id': stream.id });
  const reader = new MessageReader({
    ...{ answer, stream, from, json: protocol.json, slow: gate.config.file.stream.slowReader },
    gone: () => undefined,
  });
  reader.send('', [{ kind: { case: 'started', value: { id: stream.id, resumable: stream.resumable } } }]);
  if (state) reader.send(from === 0 ? '' : stream.positionAt(from - 1), [snapshotStep(state)]);
  if (answer.response.destroyed) return;
  stream.attach(reader, 0);
}

/** 2^31 − 1: Node takes more for 1. */
const LONGEST_TIMER_MS = 2_147_483_647;

/** The client's timeout is that of its reading: the stream goes on, and may be resumed again. */
function endAtDeadline({ request, answer }: Served): void {
  const ms = deadlineMs(request.headers);
  // A timer that is longer would end at once, and none of our streams is there for so long.
  if (ms === null || ms > LONGEST_TIMER_MS) return;
  const late = plainFailure('DEADLINE_EXCEEDED', 'The time for reading is over; the stream goes on.');
  const timer = setTimeout(() => answer.end(late), ms).unref();
  answer.response.once('close', () => clearTimeout(timer));
}

export interface Reader {
  readonly caller: Caller;
  /** Came by a ticket: it may read this stream, and nothing else. */
  readonly only: CallId | null;
}

/** Who resumes: by a ticket where the metadata have one, and by nothing else then. */
export async function readerOf({ gate, request: { headers } }: Served): Promise<Reader> {
  const ticket = headers['x-headgate-ticket'];
  if (ticket === undefined) return { caller: callerOf(gate, headers), only: null };
  const { caller, stream } = await redeemTicket(gate, String(ticket));
  return { caller, only: stream };
}

const gone = (stream: LiveStream): HeadgateError => new HeadgateError('stream_gone', { message: tooLargeText(stream) });

function positionAsked(text: string): Position | null {
  if (text === '') return null;
  const position = positionOf(text);
  if (position) return position;
  throw new HeadgateError('invalid_request', {
    field: 'position',
    message: 'A position is that of the last event that came.',
  });
}

const snapshotStep = ({ model, choices, usage }: SnapshotState) => ({
  kind: {
    case: 'snapshot' as const,
    value: {
      model: model ?? '',
      choices: choices.map(({ tools, finish, ...choice }) => ({
        ...choice,
        finish: finish ?? '',
        toolCalls: tools.map(({ id, name, arguments: args }) => ({ id, name, arguments: args })),
      })),
      ...(usage && { usage: usageMessage(usage) }),
    },
  },
});

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
import { MessageReader } from './message-reader.ts';
import { callIdOf, type Served } from './serve.ts';

/** A stream from a position on, or its state and what comes after it. */
export async function resume({ gate, request, protocol, answer }: Served, asked: ResumeRequest): Promise<void> {
  const stream = await streamOf(gate, callerOf(gate, request.headers), callIdOf(asked.id));
  const start = startOf(stream, positionAsked(asked.position));
  if (!start.ok) throw start.error;
  if (stream.overflowed) throw gone(stream);
  const from = asked.snapshot && asked.position === '' ? stream.events : start.value;
  const state = asked.snapshot ? await snapshotOf(stream, Math.min(from, stream.events)) : null;
  if (asked.snapshot && state === null) throw gone(stream);
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

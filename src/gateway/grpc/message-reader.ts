import { create, toBinary, toJsonString } from '@bufbuild/protobuf';
import type { CanonicalEvent } from '#wire/canonical.ts';
import { MessageSteps, usageMessage, type StepInit } from '#wire/grpc/index.ts';
import { StreamEventSchema } from '#wire/grpc/headgate-messages.ts';
import type { LiveStream, StreamEnd, StreamReader } from '#capabilities/streams/index.ts';
import { Outflow, type SlowBounds } from '../streams/outflow.ts';
import { plainFailure, type Failure } from './failure.ts';
import type { Answer } from './protocol.ts';

export interface MessageReaderParts {
  readonly answer: Answer;
  readonly json: boolean;
  readonly stream: LiveStream;
  /** First event to send; those before it are read alone. */
  readonly from: number;
  readonly slow: SlowBounds;
  readonly gone: () => void;
  /** Has the client's deadline passed? Absent: it set none. */
  readonly late?: () => boolean;
}

export const eventBytes = (json: boolean, position: string, steps: StepInit[]): Uint8Array => {
  const message = create(StreamEventSchema, { position, steps });
  return json ? Buffer.from(toJsonString(StreamEventSchema, message)) : toBinary(StreamEventSchema, message);
};
export const HEARTBEAT: StepInit[] = [{ kind: { case: 'heartbeat', value: {} } }];

/** A stream that is read as messages, one an event of the log. Whoever takes nothing is let go, and may resume. */
export class MessageReader implements StreamReader {
  readonly decodes = true;
  readonly #parts: MessageReaderParts;
  readonly #steps = new MessageSteps();
  readonly #outflow: Outflow;

  constructor(parts: MessageReaderParts) {
    this.#parts = parts;
    const { response } = parts.answer;
    this.#outflow = new Outflow(
      response,
      () => parts.slow,
      () => {
        parts.stream.letGo();
        response.destroy();
      },
    );
    response.once('close', () => {
      parts.stream.detach(this);
      if (!parts.answer.ended) parts.gone();
    });
  }

  event(_event: Buffer, seq: number, events: readonly CanonicalEvent[]): boolean {
    const { stream, from, answer } = this.#parts;
    const steps = this.#steps.of(events);
    if (seq < from || steps.length === 0) return true;
    if (answer.response.destroyed) return false;
    this.send(stream.positionAt(seq), steps);
    return true;
  }

  hasRoom(ready: () => void): boolean {
    return this.#outflow.hasRoom(ready);
  }

  get full(): boolean {
    return this.#outflow.full;
  }

  ping(): void {
    const { response } = this.#parts.answer;
    if (!response.destroyed && !response.writableNeedDrain) this.send('', HEARTBEAT);
  }

  send(position: string, steps: StepInit[]): void {
    const { answer, json } = this.#parts;
    this.#outflow.wrote(answer.message(eventBytes(json, position, steps)));
  }

  end(end: StreamEnd): void {
    const { answer } = this.#parts;
    if (answer.response.destroyed) return;
    this.send('', [endStep(end)]);
    answer.end(failureOfEnd(end, this.#parts.late?.() ?? false));
  }

  lost(): void {
    this.#parts.answer.end(
      plainFailure('NOT_FOUND', 'The log of this stream does not have what comes next; the call goes on.'),
    );
  }
}

const endStep = ({ status, events, finish, usage, textSha256, reason, redrivenBy }: StreamEnd): StepInit => ({
  kind: {
    case: 'end',
    value: {
      ...{ status, finish: finish ?? '', textSha256, lastSeq: BigInt(events - 1) },
      ...{ reason: reason ?? '', redrivenBy: [...(redrivenBy ?? [])] },
      ...(usage && { usage: usageMessage(usage) }),
    },
  },
});

function failureOfEnd({ status }: StreamEnd, late: boolean): Failure | null {
  if (status === 'ok') return null;
  const message = `The stream ended as \`${status}\`.`;
  if (status === 'cancelled') return plainFailure('CANCELLED', message);
  return plainFailure(late || status === 'timeout' ? 'DEADLINE_EXCEEDED' : 'UNAVAILABLE', message);
}

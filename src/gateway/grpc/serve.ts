import {
  create,
  fromBinary,
  fromJsonString,
  toBinary,
  toJsonString,
  type DescMessage,
  type MessageShape,
} from '@bufbuild/protobuf';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { HeadgateError } from '#kernel/errors.ts';
import { CancelResponseSchema, Headgate, type CancelRequest } from '#wire/grpc/headgate-messages.ts';
import type { CallId } from '#kernel/brand.ts';
import { readBody } from '../body.ts';
import type { Gate } from '../gate.ts';
import { asHeadgateError } from '../refuse.ts';
import { callerOf, streamOf } from '../streams/own-stream.ts';
import { GrpcCall } from './call.ts';
import { itemsInJson, itemsInMessage, MOST_ITEMS } from './items.ts';
import { failureOf, plainFailure } from './failure.ts';
import { Answer, CompressedRequest, messageOf, protocolOf, type Protocol } from './protocol.ts';
import { readerOf, resume } from './resume.ts';

/** One call of a method. */
export interface Served {
  readonly gate: Gate;
  readonly request: IncomingMessage;
  readonly protocol: Protocol;
  readonly answer: Answer;
}

/** Takes a request of a known protocol from its head to its status. */
export async function serveMethod(
  gate: Gate,
  request: IncomingMessage,
  response: ServerResponse,
  name: string,
): Promise<void> {
  const protocol = request.method === 'POST' ? protocolOf(request) : null;
  if (!protocol) {
    response.writeHead(415, {
      'accept-post':
        'application/grpc, application/grpc-web, application/connect+proto, application/proto, application/json',
    });
    return void response.end();
  }
  const answer = new Answer(protocol, response);
  try {
    await method({ gate, request, protocol, answer }, name);
  } catch (thrown) {
    if (thrown instanceof CompressedRequest) return answer.end(plainFailure('UNIMPLEMENTED', thrown.message));
    const error = asHeadgateError(thrown);
    if (error.code === 'internal') gate.log.error({ err: thrown }, 'a call over gRPC failed by a mistake of ours');
    answer.end(failureOf(error));
  }
}

async function method(served: Served, name: string): Promise<void> {
  const { gate, protocol, answer } = served;
  const known = Headgate.methods.find((each) => each.name === name);
  if (!known)
    return answer.end(plainFailure('UNIMPLEMENTED', `headgate.v1.Headgate has no method ${name.slice(0, 100)}.`));
  if (protocol.bare && known.methodKind !== 'unary')
    return answer.end(
      plainFailure('INVALID_ARGUMENT', 'A stream needs the content type application/connect+proto or +json.'),
    );
  // Whoever has no key, or for Resume no ticket, is refused before its message is read.
  const reader = known.name === 'Resume' ? await readerOf(served) : null;
  if (reader === null) callerOf(gate, served.request.headers);
  const { bodyBytes, bodyTimeout } = gate.config.file.limits;
  const body = await readBody(served.request, { bodyBytes, bodyTimeout });
  const bytes = messageOf(protocol, served.request, body);
  const said = decoded(known.input, protocol, bytes);
  switch (known.name) {
    case 'Generate':
    case 'GenerateStream':
    case 'Embed':
      return new GrpcCall(served, known.name, said as never).run();
    case 'Resume':
      return resume(served, said as never, reader!);
    default:
      return cancel(served, said as CancelRequest);
  }
}

function decoded<T extends DescMessage>(schema: T, { json }: Protocol, bytes: Buffer): MessageShape<T> {
  try {
    if ((json ? itemsInJson(bytes) : itemsInMessage(schema, bytes)) > MOST_ITEMS) throw tooMany();
    return json ? fromJsonString(schema, bytes.toString() || '{}') : fromBinary(schema, bytes);
  } catch (thrown) {
    if (thrown instanceof HeadgateError) throw thrown;
    const why = json && thrown instanceof Error ? ` ${thrown.message.slice(0, 300)}` : '';
    throw new HeadgateError('invalid_request', { message: `The message is no ${schema.typeName}.${why}` });
  }
}

const tooMany = (): HeadgateError =>
  new HeadgateError('invalid_request', {
    message: `The message has more than ${MOST_ITEMS} fields and values. Larger ones are taken by the API over HTTP.`,
  });

async function cancel({ gate, request, protocol, answer }: Served, { id }: CancelRequest): Promise<void> {
  const stream = await streamOf(gate, callerOf(gate, request.headers), callIdOf(id));
  stream.cancel();
  const said = create(CancelResponseSchema, {
    ...{ id, status: stream.ended?.status ?? 'cancelling', events: BigInt(stream.events) },
  });
  answer.whole(encoded(CancelResponseSchema, protocol, said), {});
}

export const encoded = <T extends DescMessage>(schema: T, { json }: Protocol, message: MessageShape<T>): Uint8Array =>
  json ? Buffer.from(toJsonString(schema, message)) : toBinary(schema, message);

/** What is no id at all is in no way different from an id of nobody's. */
export function callIdOf(id: string): CallId {
  if (/^call_[0-9A-Z]{26}$/.test(id)) return id as CallId;
  throw new HeadgateError('not_found', { message: 'This key has no such stream.' });
}

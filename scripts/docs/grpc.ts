import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { GRPC_CODES, grpcCodeOf, RETRYABLE_GRPC_CODES, type GrpcCode } from '#kernel/error-grpc.ts';
import { ERRORS, HeadgateError, type ErrorCode } from '#kernel/errors.ts';
import { code, head, madeFrom, row, type Page } from './page.ts';
import { readProto, type ProtoField, type ProtoMessage } from './proto.ts';

export const PROTO = 'proto/headgate/v1/headgate.proto';

const INTRO = `The service \`headgate.v1.Headgate\` of [headgate.proto](../../${PROTO}), as gRPC over HTTP/2, gRPC-Web and Connect on the gate's own port. [The guide](../guides/grpc.md) has a first call, streams, resume and limits.`;

/** The service, its messages, and which error becomes which status. */
export function grpcPage(): Page {
  const { methods, messages } = readProto(readFileSync(join(import.meta.dirname, '../..', PROTO), 'utf8'));
  const names = new Set(messages.map(({ name }) => name));
  const linked = (type: string): string => (names.has(type) ? `[${type}](#${type.toLowerCase()})` : code(type));
  const typeOf = ({ type, label }: ProtoField): string => `${label ? `${label} ` : ''}${linked(type)}`;
  const about = ({ oneof, comment }: ProtoField): string =>
    [oneof === null ? '' : `One of ${code(oneof)}.`, comment].filter(Boolean).join(' ');
  const section = ({ name, comment, fields }: ProtoMessage): string =>
    [
      `### ${name}`,
      ...(comment === '' ? [] : [comment]),
      fields.length === 0
        ? 'Has no fields.'
        : [
            head(['field', 'number', 'type', 'meaning']),
            ...fields.map((one) => row([code(one.name), String(one.number), typeOf(one), about(one)])),
          ].join('\n'),
    ].join('\n\n');
  const text = [
    '# gRPC',
    madeFrom(PROTO).trimEnd(),
    INTRO,
    '## Methods',
    [
      head(['method', 'request', 'answer', 'meaning']),
      ...methods.map(({ name, input, output, streams, comment }) =>
        row([code(name), linked(input), `${streams ? 'stream of ' : ''}${linked(output)}`, comment]),
      ),
    ].join('\n'),
    '## Statuses',
    'The code of [the error](errors.md) is the `reason` of `google.rpc.ErrorInfo` in `grpc-status-details-bin`. A status that may be retried says when in `grpc-retry-pushback-ms`.',
    [head(['status', 'number', 'retry', 'errors']), ...statusRows()].join('\n'),
    '## Messages',
    ...messages.map(section),
  ];
  return { path: 'docs/reference/grpc.md', text: `${text.join('\n\n')}\n` };
}

function statusRows(): string[] {
  const by = Map.groupBy(Object.keys(ERRORS) as ErrorCode[], (name) => grpcCodeOf(new HeadgateError(name)));
  return (Object.keys(GRPC_CODES) as GrpcCode[])
    .filter((status) => by.has(status))
    .map((status) => {
      const links = by.get(status)!.map((name) => `[${name}](errors.md#${name})`);
      const retry = RETRYABLE_GRPC_CODES.has(status) ? 'may succeed later' : 'no';
      return row([code(status), String(GRPC_CODES[status]), retry, links.join(', ')]);
    });
}

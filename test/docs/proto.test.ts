import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ScalarType } from '@bufbuild/protobuf';
import { file_headgate_v1_headgate as generated } from '#wire/grpc/headgate-messages.ts';
import { PROTO } from '../../scripts/docs/grpc.ts';
import { readProto } from '../../scripts/docs/proto.ts';

const read = readProto(readFileSync(join(import.meta.dirname, '../..', PROTO), 'utf8'));

test('the code that speaks it was made from this very .proto: each method, message, field, number and type', () => {
  const [service] = generated.services;
  assert.deepEqual(
    read.methods.map(({ name, input, output, streams }) => ({ name, input, output, streams })),
    service!.methods.map(({ name, input, output, methodKind }) => ({
      ...{ name, input: input.name, output: output.name },
      streams: methodKind === 'server_streaming',
    })),
  );
  assert.deepEqual(
    read.messages.map(({ name, fields }) => ({ name, fields: fields.map(({ comment: _, ...field }) => field) })),
    generated.messages.map(({ name, fields }) => ({
      name,
      fields: fields.map((field) => ({
        name: field.name,
        number: field.number,
        type:
          field.message !== undefined
            ? field.message.typeName.replace('headgate.v1.', '')
            : ScalarType[field.scalar!]!.toLowerCase(),
        oneof: field.oneof?.name ?? null,
        label: field.fieldKind === 'list' ? 'repeated' : field.proto.proto3Optional ? 'optional' : null,
      })),
    })),
  );
});

test('a line that it does not know is named, and not passed over', () => {
  assert.throws(() => readProto('message A {\n  map<string, string> a = 1;\n}\n'), /line 2 of the .proto: map/);
});

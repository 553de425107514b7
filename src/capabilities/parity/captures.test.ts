import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Draft, type Room } from './captures.ts';

const facts = (sent: Uint8Array) =>
  ({ call: 'call_1', tenant: 'acme', at: 1, rule: 'cap_1', dialect: 'openai-chat', sent }) as const;

test('however the bytes come, the record cuts into the parts again', () => {
  const piece = fc.uint8Array({ maxLength: 50 });
  fc.assert(
    fc.property(
      piece,
      fc.array(fc.tuple(piece, fc.array(piece, { maxLength: 5 })), { maxLength: 3 }),
      (sent, attempts) => {
        const room: Room = { bytes: 0 };
        const draft = new Draft(facts(sent), room);
        attempts.forEach(([request, chunks], i) => {
          draft.attempt(i + 1, 'p/m', 'openai-chat', request);
          draft.head(i + 1, 200, i % 2 ? 'text/event-stream; charset=utf-8' : 'application/json');
          for (const chunk of chunks) draft.data(i + 1, chunk);
        });
        draft.release();
        assert.equal(room.bytes, 0);
        const { bytes, client, attempts: kept } = draft.finished();
        const of = ({ from, to }: { from: number; to: number }) => [...bytes.subarray(from, to)];
        assert.deepEqual(of(client), [...sent]);
        kept.forEach(({ request, answer, stream }, i) => {
          assert.deepEqual(of(request), [...attempts[i]![0]]);
          assert.deepEqual(
            of(answer),
            attempts[i]![1].flatMap((chunk) => [...chunk]),
          );
          assert.equal(stream, i % 2 === 1);
        });
        assert.equal(bytes.buffer.byteLength, bytes.length, 'memory of its own: it changes threads');
      },
    ),
  );
});

test('a part beyond its bound is cut and says so; beyond the room of all calls the call is given up', () => {
  const megabyte = new Uint8Array(1024 * 1024);
  const room: Room = { bytes: 0 };
  const draft = new Draft(facts(new Uint8Array(1)), room);
  draft.attempt(1, 'p/m', 'openai-chat', new Uint8Array(2));
  for (let i = 0; i < 9; i++) draft.data(1, megabyte);
  const { answer } = draft.finished().attempts[0]!;
  assert.deepEqual([answer.to - answer.from, answer.cut], [4 * 1024 * 1024, true]);
  assert.equal(room.bytes, 4 * 1024 * 1024);
  room.bytes = 128 * 1024 * 1024;
  const late = new Draft(facts(new Uint8Array(1)), room);
  late.attempt(1, 'p/m', 'openai-chat', new Uint8Array(2));
  late.data(1, megabyte);
  assert.equal(late.givenUp, true);
});

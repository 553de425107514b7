import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { HeadgateError } from '#kernel/errors.ts';
import { linesOf } from './jsonl.ts';
import { MultipartReader } from './multipart-reader.ts';
import { RequestsReader } from './requests-reader.ts';

/** A body in pieces of any sizes. */
function* cut(bytes: Buffer, sizes: readonly number[]): Generator<Buffer> {
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = sizes.length === 0 ? bytes.length : Math.max(1, sizes[i % sizes.length]!);
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 5 });
const json = fc.object({
  maxDepth: 3,
  key: fc.string(),
  values: [fc.string({ unit: 'grapheme' }), fc.integer(), fc.boolean(), fc.constant(null)],
});

describe('bodies that are read piece by piece', () => {
  test('a form: the same parts however it is cut', () => {
    const part = fc.record({ name: fc.stringMatching(/^[a-z]{1,8}$/), bytes: fc.uint8Array({ maxLength: 200 }) });
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 4 }), sizes, (parts, pieces) => {
        const near = Buffer.from('\r\n--bound\r\n--');
        const contents = parts.map(({ bytes }) => Buffer.concat([bytes, near]));
        const body = Buffer.concat([
          ...parts.flatMap(({ name }, i) => [
            Buffer.from(`--boundary\r\nContent-Disposition: form-data; name="${name}"; filename="f"\r\n\r\n`),
            contents[i]!,
            Buffer.from('\r\n'),
          ]),
          Buffer.from('--boundary--\r\nepilogue'),
        ]);
        const reader = new MultipartReader('multipart/form-data; boundary=boundary');
        const read: { name: string; bytes: Buffer }[] = [];
        for (const piece of cut(body, pieces))
          for (const event of reader.push(piece)) {
            if (event.is === 'head') read.push({ name: event.head.name, bytes: Buffer.alloc(0) });
            else read.at(-1)!.bytes = Buffer.concat([read.at(-1)!.bytes, event.bytes]);
          }
        assert.ok(reader.complete);
        assert.deepEqual(
          read,
          parts.map(({ name }, i) => ({ name, bytes: contents[i] })),
        );
      }),
    );
  });

  test('a list of requests: each as it was, however it is cut', () => {
    fc.assert(
      fc.property(fc.array(json, { minLength: 1, maxLength: 5 }), sizes, fc.boolean(), (requests, pieces, spaced) => {
        const body = Buffer.from(JSON.stringify({ requests }, null, spaced ? 2 : undefined));
        const reader = new RequestsReader(100_000);
        const read = [...cut(body, pieces)].flatMap((piece) => reader.push(piece));
        assert.ok(reader.complete);
        assert.deepEqual(
          read.map((item) => JSON.parse(item.toString()) as unknown),
          JSON.parse(JSON.stringify(requests)),
        );
      }),
    );
  });

  test('what is no list of requests is refused, and an end that is missing is seen', () => {
    const push = (text: string) => {
      const reader = new RequestsReader(100);
      reader.push(Buffer.from(text));
      return reader.complete;
    };
    for (const wrong of [
      '[]',
      '{"request":[]}',
      '{"requests":{}}',
      '{"requests":[]}',
      '{"requests":[1]}',
      '{"requests":[{}],"x":1}',
      '{"requests":[{}]}x',
    ])
      assert.throws(() => push(wrong), HeadgateError, wrong);
    assert.throws(() => push(`{"requests":[{"a":"${'x'.repeat(200)}`), HeadgateError);
    for (const short of ['{"requests":[{"a":1}', '{"requests":[{"a":"}"']) assert.equal(push(short), false);
  });

  test('lines: the same however the body is cut, blank ones left out, numbers kept', async () => {
    const line = fc.string({ unit: 'grapheme', maxLength: 30 }).filter((text) => !/[\r\n]/.test(text));
    await fc.assert(
      fc.asyncProperty(
        fc.array(line, { maxLength: 8 }),
        sizes,
        fc.constantFrom('\n', '\r\n'),
        async (lines, pieces, end) => {
          const body = Buffer.from(lines.join(end));
          const read: [number, string][] = [];
          const source = (async function* () {
            yield* cut(body, pieces);
          })();
          for await (const { n, bytes } of linesOf(source, 10_000)) read.push([n, bytes.toString()]);
          // Every byte up to a space is blank.
          const wanted = lines.flatMap((text, i): [number, string][] =>
            Buffer.from(text).every((byte) => byte <= 0x20) ? [] : [[i + 1, text]],
          );
          assert.deepEqual(read, wanted);
        },
      ),
    );
  });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { withoutImages } from './without-images.ts';

const base64 = fc.uint8Array({ minLength: 0, maxLength: 9_000 }).map((bytes) => Buffer.from(bytes).toString('base64'));
const image = fc.record({ b64_json: fc.oneof(base64, fc.constant(null)), revised_prompt: fc.string() });

test('all that a list of images says but its pictures is the same', () => {
  fc.assert(
    fc.property(fc.array(image), fc.string(), fc.boolean(), (data, more, spaced) => {
      const answer = { created: 1, more: `"b64_json":"${more}`, data, usage: { input_tokens: 7 } };
      const text = JSON.stringify(answer, null, spaced ? 1 : 0);
      const read = JSON.parse(withoutImages(Buffer.from(text)).toString()) as typeof answer;
      const bare = (one: typeof answer) => ({
        ...one,
        data: one.data.map((it) => ({ ...it, b64_json: typeof it.b64_json === 'string' ? '' : it.b64_json })),
      });
      assert.deepEqual(bare(read), bare(answer));
      for (const [i, { b64_json }] of read.data.entries())
        assert.ok(b64_json === data[i]!.b64_json || data[i]!.b64_json!.length > 4096);
    }),
    { seed: 20261125, numRuns: 200 },
  );
});

test('a text without images is left as it is, and a cut one is not cut further', () => {
  const plain = Buffer.from('{"a":"b64_json"}');
  assert.equal(withoutImages(plain), plain);
  const cut = Buffer.from(`{"data":[{"b64_json":"${'A'.repeat(9_000)}`);
  assert.equal(withoutImages(cut), cut);
});

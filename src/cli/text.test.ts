import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { displayWidth, fit, padStart, plain, wrap } from './text.ts';

const SEED = Number(process.env['SEED'] ?? 20261124);

test('what others named cannot move the cursor, colour the screen or turn the text', () => {
  assert.equal(plain('a\u001b[31mred\u001b[0m'), 'ared');
  assert.equal(plain('\u001b]0;title\u0007x\u001b]8;;http://a\u001b\\link'), 'xlink');
  assert.equal(plain('\u009b2Jx\u001bcy'), 'xy');
  assert.equal(plain('a\nb\r\tc\u0000\u202egnp.exe'), 'a b cgnp.exe');
  assert.equal(plain('ü – 漢字 👩‍🚀'.normalize()), 'ü – 漢字 👩🚀');
});

test('no control character survives, whatever comes', () => {
  const nasty = fc.string({
    unit: fc.oneof(
      fc.constantFrom('\u001b', '[', ']', ';', '\u0007', '\u009b', '\u009c', '\u202e', 'm', '1'),
      fc.string({ unit: 'binary', maxLength: 1, minLength: 1 }),
    ),
  });
  fc.assert(
    fc.property(nasty, (text) => assert.doesNotMatch(plain(text), /[\p{Cc}\u202a-\u202e\u2066-\u2069]/u)),
    { seed: SEED, numRuns: 1000 },
  );
});

test('cut and padded texts are as wide as asked', () => {
  assert.equal(fit('abcdef', 4), 'abc…');
  assert.equal(displayWidth('漢字'), 4);
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.nat({ max: 30 }), (text, width) => {
      const clean = plain(text);
      assert.ok(displayWidth(fit(clean, width)) <= width);
      assert.ok(displayWidth(padStart(clean, width)) >= width);
    }),
    { seed: SEED },
  );
});

test('wrapped words stay whole and in order', () => {
  const text = 'one two three four five';
  assert.equal(wrap(text, 9, '  '), 'one two\n  three\n  four\n  five');
  assert.equal(wrap(text, 80), text);
});

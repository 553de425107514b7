import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { ConfigError, type Diagnostic } from './diagnostics.ts';
import { duration, parseDuration, parseReference, parseSize, secret, size } from './primitives.ts';
import { placesIn, readConfig } from './read.ts';

const schema = z.strictObject({
  features: z.record(z.string(), z.strictObject({ fallback: z.array(z.string()).optional() })).default({}),
  timeout: duration({ min: '1s', max: '1h' }).default(10_000),
  body: size({ min: '1KB', max: '1GiB' }).optional(),
  apiKey: secret().optional(),
});

function problems(text: string): readonly Diagnostic[] {
  try {
    readConfig(text, 'headgate.yaml', schema);
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.diagnostics;
  }
  return [];
}

test('a good file', () => {
  const read = readConfig(
    'timeout: 90s\nbody: 32MB\nfeatures: { search: { fallback: [a] } }\napiKey: ${env:K}',
    'f',
    schema,
  );
  assert.deepEqual(read, {
    timeout: 90_000,
    body: 32_000_000,
    features: { search: { fallback: ['a'] } },
    apiKey: { from: 'env', name: 'K' },
  });
  assert.equal(readConfig('', 'f', schema).timeout, 10_000);
});

test('an unknown key says where it stands and what was meant', () => {
  const [first] = problems('features:\n  search:\n    fallbak: [x]\n');
  assert.equal(first!.code, 'config_unknown_key');
  assert.equal(first!.line, 3);
  assert.equal(first!.path, 'features.search.fallbak');
  assert.match(first!.hint!, /`fallback`/);
});

test('all problems are told together', () => {
  const found = problems('timeout: 5 parsecs\nbody: huge\nfeaturs: {}\n');
  assert.deepEqual(found.map(({ line }) => line).sort(), [1, 2, 3]);
});

test('a secret in the clear is refused and not repeated', () => {
  const [first] = problems('apiKey: sk-very-secret');
  assert.ok(first);
  assert.ok(!JSON.stringify(first).includes('very-secret'));
});

test('the line shown beside a problem holds no secret, whatever it stands under', () => {
  const canary = 'hg_canary0123456789';
  for (const text of [
    `features: { a: { raw: ${canary} } }`,
    `features: { a: { rwa: ${canary} } }`,
    `features: { a: { apiKey: plain-canary0123456789, fallbak: [] } }`,
    `features:\n  a: { sha256: plain-canary0123456789, fallbak: [] }`,
    `sk-canary0123456789: 1`,
    `timeout: hga_canary0123456789`,
  ]) {
    const shown = problems(text).map(({ excerpt }) => excerpt);
    assert.ok(shown.length > 0, text);
    assert.ok(!JSON.stringify(shown).includes('canary'), `${text}: ${shown}`);
  }
  assert.match(problems('features: { a: { fallbak: [] } }')[0]!.excerpt!, /fallbak/);
  const reference = 'features: { a: { token: "${env:K}", fallbak: [] } }';
  assert.equal(problems(reference).find(({ path }) => path.endsWith('fallbak'))!.excerpt, reference);
});

test('places: a path that leads nowhere has the place of its last step that is there', () => {
  const placeOf = placesIn('features:\n  search:\n    fallback: [a, b]\n');
  assert.equal(placeOf(['features', 'search', 'fallback', 1]).line, 3);
  assert.equal(placeOf(['features', 'search', 'nothing', 'below']).line, 2);
  assert.deepEqual(placeOf(['nowhere']), { line: null, excerpt: null });
});

test('broken YAML, a key twice and an alias bomb are diagnostics', () => {
  assert.equal(problems('a: [1, 2').at(0)!.code, 'config_syntax');
  assert.equal(problems('timeout: 1s\ntimeout: 2s').at(0)!.code, 'config_syntax');
  const bomb = `a: &a [x,x,x,x,x,x,x,x,x,x]\n${'bcdefghi'
    .split('')
    .map((name, i) => `${name}: &${name} [${Array(10).fill(`*${'abcdefghi'[i]}`).join(',')}]`)
    .join('\n')}`;
  assert.equal(problems(bomb).at(0)!.code, 'config_syntax');
});

test('durations, sizes and references', () => {
  assert.deepEqual(['250ms', '1.5s', '2m', '24h', '30d', '10', 's', '-1s'].map(parseDuration), [
    250,
    1500,
    120_000,
    86_400_000,
    2_592_000_000,
    null,
    null,
    null,
  ]);
  assert.deepEqual(['1KB', '32 MB', '1GiB', '17', 'x'].map(parseSize), [1000, 32_000_000, 1_073_741_824, 17, null]);
  assert.deepEqual(parseReference('${file:/run/secrets/key}'), { from: 'file', path: '/run/secrets/key' });
  assert.equal(parseReference('sk-live-1'), null);
});

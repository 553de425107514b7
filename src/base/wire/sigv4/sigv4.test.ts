import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import fc from 'fast-check';
import { bodyHash, sigV4Signer } from './index.ts';

const folder = new URL('../../../../test/platforms/package.json', import.meta.url);
const skip = existsSync(new URL('node_modules/@smithy/signature-v4', folder))
  ? false
  : 'the cloud platforms’ libraries are not installed (npm run test:platforms:install)';

/** Keys, date and scope of AWS's signature test suite (aws-sig-v4-test-suite). */
const SUITE = {
  keys: {
    accessKeyId: 'AKIDEXAMPLE',
    secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
    sessionToken: null,
  },
  scope: { region: 'us-east-1', service: 'service' },
  nowMs: Date.UTC(2015, 7, 30, 12, 36, 0),
};
const EMPTY = bodyHash(Buffer.alloc(0));

/** Name, method, path, further headers, body, and the published signature. */
const VECTORS: readonly (readonly [string, string, string, Record<string, string>, string, string])[] = [
  ['get-vanilla', 'GET', '/', {}, '', '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31'],
  [
    'get-vanilla-query-order-key-case',
    'GET',
    '/?Param2=value2&Param1=value1',
    {},
    '',
    'b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500',
  ],
  ['post-vanilla', 'POST', '/', {}, '', '5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b'],
  [
    'post-x-www-form-urlencoded',
    'POST',
    '/',
    { 'content-type': 'application/x-www-form-urlencoded' },
    'Param1=value1',
    'ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a',
  ],
];

for (const [name, method, path, headers, body, signature] of VECTORS) {
  test(`AWS’s test suite: ${name}`, () => {
    const hash = body === '' ? EMPTY : bodyHash(Buffer.from(body));
    const signed = sigV4Signer(
      SUITE.keys,
      SUITE.scope,
    )({ method, host: 'example.amazonaws.com', path, headers, bodyHash: hash, nowMs: SUITE.nowMs });
    assert.match(signed['authorization']!, new RegExp(`Signature=${signature}$`));
    assert.equal(signed['x-amz-date'], '20150830T123600Z');
  });
}

test('AWS’s own signer signs the same, over any path, query, header, body, day and session', { skip }, async () => {
  const need = createRequire(folder);
  const { SignatureV4 } = need('@smithy/signature-v4') as { SignatureV4: new (options: object) => any };
  const { Sha256 } = need('@aws-crypto/sha256-js') as { Sha256: unknown };
  const segment = fc.string({ minLength: 1, maxLength: 30, unit: 'grapheme' }).filter((text) => !/^\.+$/.test(text));
  const query = fc.dictionary(fc.stringMatching(/^[a-zA-Z][\w.-]{0,8}$/), fc.string({ maxLength: 12 }), { maxKeys: 3 });
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        ...{ model: segment, query, body: fc.uint8Array() },
        session: fc.option(fc.stringMatching(/^[A-Za-z0-9+/=]{4,40}$/), { nil: null }),
        nowMs: fc.integer({ min: Date.UTC(2020, 0), max: Date.UTC(2040, 0) }),
        note: fc.stringMatching(/^[\x20-\x7e]{0,20}$/),
      }),
      async ({ model, query: fields, body, session, nowMs, note }) => {
        const keys = { ...SUITE.keys, sessionToken: session };
        const scope = { region: 'eu-central-1', service: 'bedrock' };
        const path = `/model/${encodeURIComponent(model)}/invoke`;
        const sent = new URLSearchParams(fields).toString().replaceAll('+', '%20');
        const signer = new SignatureV4({
          ...{ ...scope, sha256: Sha256, applyChecksum: false },
          credentials: { ...keys, sessionToken: session ?? undefined },
        });
        const host = 'bedrock-runtime.eu-central-1.amazonaws.com';
        const wanted = await signer.sign(
          {
            ...{ method: 'POST', protocol: 'https:', hostname: host, path, query: fields, body },
            headers: { host, 'content-type': 'application/json', note },
          },
          { signingDate: new Date(nowMs) },
        );
        const signed = sigV4Signer(
          keys,
          scope,
        )({
          ...{ method: 'POST', host, path: sent === '' ? path : `${path}?${sent}`, nowMs, bodyHash: bodyHash(body) },
          headers: { 'content-type': 'application/json', note },
        });
        assert.equal(signed['authorization'], wanted.headers['authorization']);
      },
    ),
    { numRuns: 300 },
  );
});

test('a signer goes on over midnight', () => {
  const sign = sigV4Signer(SUITE.keys, SUITE.scope);
  const request = { method: 'GET', host: 'example.amazonaws.com', path: '/', headers: {}, bodyHash: EMPTY };
  const first = sign({ ...request, nowMs: SUITE.nowMs });
  sign({ ...request, nowMs: SUITE.nowMs + 86_400_000 });
  assert.deepEqual(sign({ ...request, nowMs: SUITE.nowMs }), first);
});

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import { rawExchange, requestBytes } from './raw-http.ts';
import { accepted, inWorld, PATHS, refused, VALID } from './world.ts';

const chat = (extra = ''): string => `{"model":"m","messages":[{"role":"user","content":"hi"}]${extra}}`;
const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);

describe('bodies that are no strict JSON', () => {
  const world = inWorld();

  for (const path of PATHS) {
    const good = JSON.stringify(VALID[path]);
    const bad: [string, string | Uint8Array][] = [
      ['empty', ''],
      ['of blanks', ' \n\t '],
      ['cut', good.slice(0, -3)],
      ['followed by another', `${good}${good}`],
      ['followed by a letter', `${good}x`],
      ['behind a byte order mark', Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from(good)])],
      ['with NaN', good.replace('}', ',"temperature":NaN}')],
      ['with a trailing comma', good.replace(/}$/, ',}')],
      ['with single quotes', good.replaceAll('"', "'")],
      ['in Latin-1', Buffer.from(good.replace('hi', 'h\xe9'), 'latin1')],
      ['with an overlong slash', Buffer.concat([Buffer.from(good.slice(0, -1)), Buffer.from([0xc0, 0xaf])])],
      ['with half a surrogate in UTF-8', Buffer.concat([Buffer.from(`${good} `), Buffer.from([0xed, 0xa0, 0x80])])],
      ['in UTF-16', Buffer.from(good, 'utf16le')],
      ['with a zero byte', good.replace('hi', 'h\0i')],
      ['10,000 deep', good.replace(/}$/, `,"x":${nested(10_000)}}`)],
      ['of 10,000 open brackets', '['.repeat(10_000)],
      ['of 100,000 open objects', '{"a":'.repeat(100_000)],
    ];
    for (const [name, body] of bad) {
      test(`${path}: ${name}`, async () => {
        await refused(world, body, { status: 400, code: 'invalid_json' }, { path });
      });
    }
    for (const body of ['[]', '[1]', 'null', '3', '"text"', `[${good}]`]) {
      test(`${path}: ${body.slice(0, 8)} instead of an object`, async () => {
        await refused(world, body, { status: 400, code: 'invalid_request', says: /object/ }, { path });
      });
    }
    test(`${path}: a key twice, at the top, escaped, nested and in an array`, async () => {
      const top = good.replace('{', '{"model":"other",');
      await refused(world, top, { status: 400, code: 'duplicate_field', field: 'model' }, { path });
      const escaped = good.replace('{', '{"mo\\u0064el":"other",');
      await refused(world, escaped, { status: 400, code: 'duplicate_field', field: 'model' }, { path });
      const within = good.replace(/}$/, ',"metadata":{"a":1,"b":{"c":1,"c":2}}}');
      await refused(world, within, { status: 400, code: 'duplicate_field', field: 'metadata.b.c' }, { path });
      const inArray = good.replace(/}$/, ',"list":[0,{"k":1,"\\u006b":2}]}');
      await refused(world, inArray, { status: 400, code: 'duplicate_field', field: 'list[1].k' }, { path });
    });
  }

  test('the largest depth passes, one more does not', async () => {
    await accepted(world, chat(`,"x":${nested(127)}`));
    await refused(world, chat(`,"x":${nested(128)}`), { status: 400, code: 'invalid_json', says: /128/ });
  });

  test('max_tokens of 2^53 + 1 is refused in every dialect that has it', async () => {
    const big = '9007199254740993';
    await refused(world, chat(`,"max_tokens":${big}`), { status: 400, field: 'max_tokens' });
    await refused(world, chat(`,"max_completion_tokens":${big}`), { status: 400, field: 'max_completion_tokens' });
    await refused(
      world,
      `{"model":"m","input":"hi","max_output_tokens":${big}}`,
      { status: 400, field: 'max_output_tokens' },
      { path: '/v1/responses' },
    );
    await refused(
      world,
      `{"model":"m","max_tokens":${big},"messages":[{"role":"user","content":"hi"}]}`,
      { status: 400, field: 'max_tokens' },
      { path: '/v1/messages' },
    );
    await refused(world, chat(',"seed":1e400'), { status: 400, field: 'seed' });
  });

  test('a long integer in an unknown field passes byte for byte, and is refused where the dialect changes', async () => {
    const body = '{"model":"lab-small","messages":[{"role":"user","content":"hi"}],"x_ray":12345678901234567890123}';
    await accepted(world, body.replace('lab-small', 'm'));
    const seen = world.provider.log.at(-1)!;
    assert.equal(seen.bodySha256, createHash('sha256').update(body).digest('hex'));
    await refused(world, body.replace('lab-small', 'cross'), { status: 400 });
  });

  test('large and dense bodies, which another thread decodes, get the same refusals', async () => {
    for (const ballast of ['"' + 'a'.repeat(300_000) + '"', `[${'1,'.repeat(30_000)}1]`]) {
      const good = chat(`,"x":${ballast}`);
      await accepted(world, good);
      await refused(world, good.slice(0, -1), { status: 400, code: 'invalid_json' });
      await refused(world, `${good}x`, { status: 400, code: 'invalid_json' });
      const twice = good.replace(/}$/, ',"model":"n"}');
      await refused(world, twice, { status: 400, code: 'duplicate_field', field: 'model' });
      await refused(world, good.replace(/}$/, ',"n":9}'), { status: 400, field: 'n' });
      await refused(world, good.replace(/}$/, ',"stream":1}'), { status: 400, field: 'stream' });
      await refused(world, Buffer.concat([Buffer.from(good), Buffer.from([0xff])]), {
        status: 400,
        code: 'invalid_json',
      });
      await refused(world, `[${good}]`, { status: 400, code: 'invalid_request' });
      await refused(world, good.replace('"m"', '"cross"').replace(/}$/, ',"seed":12345678901234567}'), { status: 400 });
      const path = '/v1/messages';
      const message = JSON.stringify({ ...VALID[path], max_tokens: '5' }).replace(/}$/, `,"x":${ballast}}`);
      await refused(world, message, { status: 400, field: 'max_tokens' }, { path });
    }
  });

  test('a body after a refusal is no second request', async () => {
    const seen = world.provider.stats().seen;
    const inner = requestBytes(chat(), { key: world.gate.key });
    const outer = requestBytes(inner, { key: 'hg_wrong' });
    const answer = await rawExchange(world.gate.url, [outer]);
    assert.equal(answer.status, 401);
    assert.equal(world.provider.stats().seen, seen);
    assert.equal(answer.raw.toString('latin1').split('HTTP/1.1').length, 2, 'one answer');
  });
});

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { entryOf, inLayersWorld, keyFor, post } from './layers-world.ts';

const HI = [{ role: 'user', parts: [{ text: 'hi' }] }];
const ASK = { system: 'A', messages: [{ role: 'user', content: 'hi' }] };
const FIRST_LINE = /^[\w-]{24} is a cache id: ignore it\./;

/** What a model would read, in a body of either API. */
const readIn = (sent: string): any => {
  const whole = JSON.parse(sent);
  const { systemInstruction, system, contents, messages, tools } = whole.generateContentRequest ?? whole;
  return { instructions: systemInstruction ?? system, contents: contents ?? messages, tools };
};

describe('a count of tokens counts what a call would send', () => {
  const world = inLayersWorld();
  const layer = (body: object): Promise<any> => world.gate.admin('POST', '/layers', body);
  const gemini = (model: string, what: string): string => `/v1beta/models/${model}:${what}`;

  for (const place of ['after', 'before'] as const)
    test(`of Anthropic’s and Gemini’s API, ${place} the caller’s own instructions, with an alias and a variable`, async () => {
      const tenant = `counts-${place}`;
      const key = await keyFor(world, tenant);
      const variables = { who: { from: 'call', default: 'all' } };
      const template = { text: 'Serve {{who}}.', place, variables };
      await layer({ level: 'tenant', tenant, template, aliases: { fast: 'm' } });
      const headers = { 'x-headgate-variables': 'who=J%C3%BCrgen' };
      const sentTo = async (path: string, body: object): Promise<string> => {
        const { status, sent, body: answer } = await post(world, path, body, key, headers);
        assert.equal(status, 200, JSON.stringify(answer));
        return sent;
      };
      const called = readIn(await sentTo('/v1/messages', { model: 'fast', max_tokens: 9, ...ASK }));
      assert.match(JSON.stringify(called.instructions), /Serve Jürgen\./);
      assert.deepEqual(readIn(await sentTo('/v1/messages/count_tokens', { model: 'fast', ...ASK })), called);

      const own = { contents: HI, systemInstruction: { parts: [{ text: 'A' }] } };
      for (const call of [{ contents: HI }, own]) {
        const read = readIn(await sentTo(gemini('fast', 'generateContent'), call));
        assert.match(JSON.stringify(read.instructions), /Serve Jürgen\./);
        const counts = [
          call,
          { generateContentRequest: call },
          { generateContentRequest: { ...call, model: 'models/fast' } },
        ];
        for (const count of counts) {
          const sent = await sentTo(gemini('fast', 'countTokens'), count);
          assert.deepEqual(readIn(sent), read);
          const { model } = JSON.parse(sent).generateContentRequest;
          assert.equal(
            model,
            JSON.stringify(count) === JSON.stringify({ generateContentRequest: call }) ? undefined : 'models/m',
          );
        }
      }
    });

  test('an alias without a template is the model that the counted call names', async () => {
    const key = await keyFor(world, 'counts-alias');
    await layer({ level: 'tenant', tenant: 'counts-alias', aliases: { fast: 'm' } });
    const own = `{"generateContentRequest": {"contents":${JSON.stringify(HI)} , "model":"models/fast"}}`;
    const { status, sent, seen } = await post(world, gemini('fast', 'countTokens'), own, key);
    assert.equal(status, 200);
    assert.match(seen!.path, /\/models\/m:countTokens$/);
    assert.equal(sent, own.replace('models/fast', 'models/m'));
  });

  test('a line of the tenant’s own before prompts is counted as well', async () => {
    const key = await keyFor(world, 'counts-line');
    await layer({ level: 'tenant', tenant: 'counts-line', isolation: { preamble: true } });
    const tools = [{ functionDeclarations: [{ name: 'look', description: 'Looks.' }] }];
    const call = { contents: HI, tools };
    const { sent } = await post(world, gemini('shared', 'generateContent'), call, key);
    const read = readIn(sent);
    assert.match(read.instructions.parts[0].text, FIRST_LINE);
    assert.match(read.tools[0].functionDeclarations[0].description, FIRST_LINE);
    for (const count of [call, { generateContentRequest: { model: 'models/shared', ...call } }])
      assert.deepEqual(readIn((await post(world, gemini('shared', 'countTokens'), count, key)).sent), read);
  });

  test('a large count is patched off the loop, and the entry says what was sent', async () => {
    const key = await keyFor(world, 'counts-large');
    await layer({ level: 'tenant', tenant: 'counts-large', template: { text: 'T' }, aliases: { fast: 'm' } });
    const contents = [{ role: 'user', parts: [{ text: 'words and words, '.repeat(40_000) }] }];
    for (const count of [{ contents }, { generateContentRequest: { model: 'models/fast', contents } }]) {
      const { status, sent, callId } = await post(world, gemini('fast', 'countTokens'), count, key);
      assert.equal(status, 200);
      const { model, systemInstruction } = JSON.parse(sent).generateContentRequest;
      assert.deepEqual([model, systemInstruction], ['models/m', { parts: [{ text: 'T' }] }]);
      const entry = await entryOf(world, callId);
      assert.deepEqual([entry.kind, entry.alias, entry.layers], ['count', 'fast', ['tenant:counts-large@1']]);
    }
  });

  test('what a call would be refused for, a count is refused for: cached content, and a text that is not there', async () => {
    const key = await keyFor(world, 'counts-refused');
    const variables = { who: { from: 'call' } };
    await layer({ level: 'tenant', tenant: 'counts-refused', template: { text: 'Serve {{who}}.', variables } });
    const cached = { contents: HI, cachedContent: 'cachedContents/x' };
    for (const body of [{ contents: HI }, cached, { generateContentRequest: cached }]) {
      const { status, seen } = await post(world, gemini('m', 'countTokens'), body, key);
      assert.ok(status === 400 || status === 404, String(status));
      assert.equal(seen, null);
    }
  });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { googleGenerate } from '../google-generate/index.ts';
import { splicePieces, type SpliceChanges } from '../json/splice.ts';
import { parseStrict, type StrictJson } from '../json/strict.ts';
import { inFront, type Prompt } from '../seams.ts';
import { googleCount } from './index.ts';

const PATH = { model: 'm', stream: false };

const strict = (text: string | Buffer): StrictJson => {
  const parsed = parseStrict(Buffer.from(text));
  assert.ok(parsed.ok, String(text));
  return parsed.value;
};
const changed = ({ bytes, spans }: StrictJson, changes: SpliceChanges): StrictJson =>
  strict(Buffer.concat(splicePieces(bytes, spans, changes)));

const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 });
const optional = fc.option(text, { nil: '' });
const prompts = fc.record({ before: optional, after: optional }).filter(({ before, after }) => before + after !== '');
const systems = fc.oneof(
  fc.constant({}),
  fc.constantFrom('systemInstruction', 'system_instruction').chain((name) =>
    fc
      .oneof(
        fc.constant(null),
        fc.constant({}),
        text.map((one) => ({ parts: { text: one } })),
        fc.array(text, { maxLength: 3 }).map((own) => ({ parts: own.map((one) => ({ text: one })) })),
      )
      .map((value) => ({ [name]: value })),
  ),
);
const tools = fc.constantFrom({}, { tools: [{ functionDeclarations: [{ name: 'look', description: 'Looks.' }] }] });
const calls = fc.tuple(systems, tools, fc.boolean(), text).map(([system, tool, named, own]) => ({
  ...(named && { model: 'models/m' }),
  ...tool,
  contents: [{ role: 'user', parts: [{ text: own }] }],
  ...system,
}));
/** How a client wraps the call; null: it sends what it has of it, as it is. */
const wrappings = fc.constantFrom(null, 'generateContentRequest', 'generate_content_request');
const bodies = fc
  .tuple(calls, wrappings, fc.constantFrom(0, 1, '\t'), fc.constantFrom('', '\n '))
  .map(([call, wrap, space, around]) => ({
    call,
    wrap,
    sent: around + JSON.stringify(wrap === null ? call : { [wrap]: call }, null, space) + around,
  }));

const innerOf = (value: any): any => value.generateContentRequest ?? value.generate_content_request;
const instructedCall = (call: object, prompt: Prompt): any => {
  const request = strict(JSON.stringify(call));
  const changes = googleGenerate.seams!.instruct!(request, prompt);
  assert.ok(changes.ok);
  return changed(request, changes.value).value;
};

test('a count has the instructions of its call, whether it wraps it or not and however it is written', () => {
  fc.assert(
    fc.property(bodies, prompts, ({ call, wrap, sent }, prompt) => {
      const request = strict(sent);
      const changes = googleCount.seams!.instruct!(request, prompt, PATH.model);
      assert.ok(changes.ok);
      const found = changed(request, changes.value);
      assert.deepEqual(innerOf(found.value), {
        ...instructedCall(call, prompt),
        ...(wrap === null && { model: 'models/m' }),
      });
      assert.ok(googleCount.policy(found, PATH).ok);
    }),
  );
});

test('a line goes in front of the instructions and of the first tool, as in the call', () => {
  fc.assert(
    fc.property(bodies, ({ call, wrap, sent }) => {
      const [count, whole] = [strict(sent), strict(JSON.stringify(call))];
      const [there, here] = [
        inFront(googleCount.seams, count, 'line', PATH.model),
        inFront(googleGenerate.seams, whole, 'line'),
      ];
      assert.ok(there.ok && here.ok);
      const wanted = { ...changed(whole, here.value).value, ...(wrap === null && { model: 'models/m' }) };
      assert.deepEqual(innerOf(changed(count, there.value).value), wanted);
    }),
  );
});

test('an alias is resolved where the counted call names its model, and nowhere else', () => {
  const named = (body: object): string => {
    const request = strict(JSON.stringify(body));
    const insertions = googleCount.seams!.nameModel!(request, 'up');
    return Buffer.concat(splicePieces(request.bytes, request.spans, { edits: new Map(), insertions })).toString();
  };
  const contents = [{ parts: [{ text: 'models/m' }] }];
  const whole = { generateContentRequest: { contents, model: 'models/m' } };
  assert.equal(named(whole), JSON.stringify(whole).replace('"model":"models/m"', '"model":"models/up"'));
  for (const body of [
    { contents },
    { generateContentRequest: { contents } },
    { contents, generateContentRequest: null },
  ])
    assert.equal(named(body), JSON.stringify(body));
});

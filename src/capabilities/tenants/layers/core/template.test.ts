import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { LayerTemplate } from '#ports/layer.ts';
import { bindTemplate, renderPrompt } from './bind.ts';
import { readCallValues } from './call-values.ts';
import type { BoundTemplate } from './effective.ts';
import { MOST_PROMPT_BYTES, MOST_TEMPLATE_BYTES, parseTemplate, templateFault, valueFault } from './template.ts';

const SETTINGS = {
  ...{ template: null, values: {}, aliases: {}, tools: null, parameters: {}, regions: null, ownKeys: [], locks: [] },
} as const;
const templateOf = (text: string, from: 'layers' | 'call' = 'call', maxBytes = 4096): LayerTemplate => ({
  text,
  variables: { name: { from, default: null, maxBytes } },
  place: 'after',
});
function bound(template: LayerTemplate, values: Readonly<Record<string, string>> = {}): BoundTemplate {
  const layer = { by: 'tenant:acme@1', path: '', settings: { ...SETTINGS, template, values } };
  const { bound: found, broken } = bindTemplate(layer, [layer]);
  assert.equal(broken, null);
  return found!;
}
const rendered = (template: BoundTemplate, name: string): string => {
  const prompt = renderPrompt([template], new Map([['name', name]]));
  assert.ok('after' in prompt);
  return prompt.after;
};

test('a value is data: whatever it holds, it stands in the prompt as it came and is never read again', () => {
  const hostile = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('{{name}}', '{{secret}}', '\\{{', '}}{{name}}', '$&', '$1', '{{{{name}}}}', '__proto__'),
  );
  fc.assert(
    fc.property(hostile, fc.array(hostile, { maxLength: 3 }), (value, others) => {
      assert.equal(rendered(bound(templateOf('<{{ name }}> and {{name}}')), value), `<${value}> and ${value}`);
      // The same of a layer's own value, beside values that nobody declares.
      const more = Object.fromEntries(others.map((other, i) => [`other${i}`, other]));
      const safe = valueFault(value, { maxBytes: 4096, from: 'layers' }) === null;
      if (safe)
        assert.equal(rendered(bound(templateOf('<{{name}}>', 'layers'), { name: value, ...more }), ''), `<${value}>`);
    }),
  );
});

test('a template says what it says: only declared names are variables, and a brace is escaped', () => {
  assert.deepEqual(parseTemplate('a {{x}} \\{{x}} {y}'), {
    ok: true,
    value: [{ text: 'a ' }, { name: 'x' }, { text: ' {{x}} {y}' }],
  });
  for (const text of ['{{', '{{}}', '{{X}}', '{{a.b}}', '{{a|b}}', '{{__proto__}}', '{{{x}}}', '{{#if x}}'])
    assert.equal(parseTemplate(text).ok, false, text);
  assert.match(templateFault(templateOf('{{other}}'))!.message, /`other`, which `variables` does not declare/);
  assert.match(templateFault(templateOf('{{constructor}}'))!.message, /does not declare/);
  assert.equal(templateFault(templateOf('Say {{name}}.\n\tThen stop.\r\n')), null);
  assert.match(templateFault(templateOf('x'.repeat(MOST_TEMPLATE_BYTES + 1)))!.message, /32769 bytes/);
});

test('characters that nobody sees are refused, in templates and in values; those of the world’s scripts are not', () => {
  const unseen = ['\u0000', '\u001b[2J', '\u007f', '\u202e', '\u2066', '\ufeff', '\u{e0041}', '\ud800', '\u200f'];
  for (const one of unseen) {
    assert.notEqual(valueFault(`a${one}b`, { maxBytes: 64, from: 'call' }), null, JSON.stringify(one));
    assert.notEqual(valueFault(`a${one}b`, { maxBytes: 64, from: 'layers' }), null, JSON.stringify(one));
    assert.notEqual(templateFault(templateOf(`a${one}b`)), null, JSON.stringify(one));
  }
  for (const one of ['Grüße', '東京', 'می\u200cخواهم', '👩\u200d🚀', 'שלום', "O'Brien & Söhne <x>"])
    assert.equal(valueFault(one, { maxBytes: 64, from: 'call' }), null, one);
  for (const line of ['a\nb', 'a\rb', 'a\u2028b', 'a\tb', 'a\u0085b'])
    assert.notEqual(valueFault(line, { maxBytes: 64, from: 'call' }), null, JSON.stringify(line));
  assert.equal(valueFault('a\nb', { maxBytes: 64, from: 'layers' }), null);
});

test('sizes are bounded in bytes: of a value, of a call’s header, and of all that a template grows to', () => {
  assert.equal(valueFault('é'.repeat(32), { maxBytes: 64, from: 'call' }), null);
  assert.match(valueFault('é'.repeat(33), { maxBytes: 64, from: 'call' })!, /longer than 64 bytes/);
  const many = bound(templateOf('{{name}}'.repeat(1_000)));
  assert.deepEqual(renderPrompt([many], new Map([['name', 'x'.repeat(4_096)]])), { tooLong: true });
  assert.deepEqual(renderPrompt([many, many], new Map([['name', 'é'.repeat(60)]])), { tooLong: true });
  assert.ok(rendered(many, 'x'.repeat(100)).length < MOST_PROMPT_BYTES);
  const layer = {
    by: 'tenant:acme@1',
    path: '',
    settings: {
      ...SETTINGS,
      template: templateOf('{{name}}'.repeat(1_000), 'layers'),
      values: { name: 'x'.repeat(4_000) },
    },
  };
  assert.match(bindTemplate(layer, [layer]).broken!, /too long/);
  assert.deepEqual(renderPrompt([bound(templateOf('{{name}}'))], new Map()), { lacks: 'name' });
});

test('a caller names what a template opens to it, and nothing else', () => {
  const templates = [bound(templateOf('{{name}}', 'call', 16))];
  const read = (header: string) => readCallValues(header, templates);
  const good = read('name=%7B%7Bname%7D%7D%2C%20b');
  assert.ok(good.ok);
  assert.deepEqual([...good.value], [['name', '{{name}}, b']]);
  const refused: readonly (readonly [string, RegExp])[] = [
    ['other=x', /no caller may set/],
    ['constructor=x', /no caller may set/],
    ['name=a,name=b', /twice/],
    ['name=%0Aevil', /a text that has a line break/],
    ['name=%ZZ', /percent-encoded/],
    ['name', /list of/],
    ['=x', /list of/],
    [`name=${'x'.repeat(17)}`, /longer than 16 bytes/],
    [Array.from({ length: 17 }, (_, i) => `v${i}=x`).join(','), /more than 16/],
  ];
  for (const [header, says] of refused) {
    const found = read(header);
    assert.ok(!found.ok, header);
    assert.match(found.error, says);
    assert.ok(!found.error.includes('evil'), 'no value is said again');
  }
  // What its layers set for good is no variable of the call.
  const closed = readCallValues('name=x', [bound(templateOf('{{name}}', 'layers'), { name: 'set' })]);
  assert.ok(!closed.ok);
});

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import type { Part, Turn } from '#wire/canonical.ts';
import { parseStrict } from '#wire/json/strict.ts';
import { loadSdks, sdksSkip } from '../../../../test/harness/sdks.ts';
import { decodeCall } from './decode-call.ts';

/** What the SDK's own server would send to a model for the same messages is the judge of what we decode. */
let convert: (messages: readonly object[]) => Promise<any[]>;
before(async () => {
  if (!sdksSkip) convert = (await loadSdks()).ai.convertToModelMessages;
});

const tool = (state: string, more: object = {}) => ({
  type: 'tool-find',
  toolCallId: `t-${state}`,
  state,
  input: { q: state },
  ...more,
});
const png = 'data:image/png;base64,iVBORw0KGgo=';
const assistant = (...parts: object[]) => ({ id: 'a', role: 'assistant', parts });
const user = (...parts: object[]) => ({ id: 'u', role: 'user', parts });
const text = (value: string) => ({ type: 'text', text: value });

const CASES: Record<string, readonly object[]> = {
  'texts of each role': [
    { id: 's', role: 'system', parts: [text('be '), text('brief')] },
    user(text('hi'), text('there')),
    assistant({ type: 'step-start' }, text('hello')),
    user(text('and?')),
  ],
  files: [
    user(
      { type: 'file', mediaType: 'image/png', url: png },
      { type: 'file', mediaType: 'application/pdf', url: 'https://example.com/a.pdf', filename: 'a.pdf' },
      { type: 'data-own', data: 1 },
    ),
  ],
  'two steps, reasoning and sources': [
    user(text('hi')),
    assistant(
      { type: 'step-start' },
      { type: 'reasoning', text: 'hm' },
      tool('output-available', { output: { a: [1] } }),
      tool('output-error', { errorText: 'no such file' }),
      { type: 'step-start' },
      text('done'),
      { type: 'source-url', sourceId: 's', url: 'https://example.com' },
    ),
  ],
  'an output that is text, and none': [
    user(text('hi')),
    assistant(
      tool('output-available', { output: 'plain' }),
      tool('output-available', { toolCallId: 'empty', output: null }),
      { ...tool('output-available', { toolCallId: 'dyn', output: 1 }), type: 'dynamic-tool', toolName: 'other' },
    ),
  ],
  'a call on its way, one that waits, one without its output': [
    user(text('hi')),
    assistant(tool('input-streaming'), tool('input-available')),
    assistant(tool('approval-requested', { approval: { id: 'x' } })),
  ],
  'a request for approval that the user passed by, and one that was denied': [
    user(text('hi')),
    assistant(text('may I?'), tool('approval-requested', { approval: { id: 'x' } })),
    user(text('something else')),
    assistant(tool('output-denied', { approval: { id: 'y', approved: false, reason: 'not now' } })),
    assistant(tool('output-denied', { toolCallId: 'z', approval: { id: 'z', approved: false } })),
  ],
};

/** Both as flat lists of what each turn says; results of tools stand in a turn of their own in both. */
const ours = ({ role, parts }: Turn): unknown[] => [
  parts.some(({ type }) => type === 'tool_result') ? 'tool' : role,
  ...parts.map(ourPart),
];
function ourPart(part: Part): unknown {
  switch (part.type) {
    case 'tool_call':
      return ['call', part.id, part.name, JSON.parse(part.args)];
    case 'tool_result':
      return ['result', part.id, (part.content[0] as { text: string }).text, part.isError];
    case 'image':
    case 'document':
      return ['file', part.media.at === 'data' ? `data:${part.media.mediaType};base64,${part.media.data}` : part.media];
    case 'text':
    case 'reasoning':
      return [part.type, part.text];
    default:
      return part;
  }
}
function theirs({ role, content }: any): unknown[] {
  if (typeof content === 'string') return [role, ['text', content]];
  return [role, ...content.filter(({ type }: any) => !type.startsWith('tool-approval')).map(theirPart)];
}
function theirPart(part: any): unknown {
  switch (part.type) {
    case 'tool-call':
      return ['call', part.toolCallId, part.toolName, part.input];
    case 'tool-result': {
      const { type, value } = part.output;
      return [
        'result',
        part.toolCallId,
        type.endsWith('text') ? value : JSON.stringify(value),
        type.startsWith('error'),
      ];
    }
    case 'file': {
      const url = String(part.data.url ?? part.data);
      return ['file', url.startsWith('data:') ? url : { at: 'url', url }];
    }
    default:
      return [part.type, part.text];
  }
}

describe('UI messages mean to a model what the SDK makes of them', { skip: sdksSkip }, () => {
  for (const [name, messages] of Object.entries(CASES))
    test(name, async () => {
      const parsed = parseStrict(Buffer.from(JSON.stringify({ id: 'c', model: 'm', messages })));
      assert.ok(parsed.ok);
      const call = decodeCall(parsed.value);
      assert.ok(call.ok, JSON.stringify(call));
      const judged = (await convert(messages)).map(theirs).filter((turn) => turn.length > 1);
      assert.deepEqual(call.value.turns.map(ours), judged);
    });
});

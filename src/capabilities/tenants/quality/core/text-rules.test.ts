import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { GenerateCall, Part, ToolDefinition } from '#wire/canonical.ts';
import { AnswerReading, type SaidCall, type SaidChoice } from './answer-reading.ts';
import { callsFinding, formatFinding, toolOutcomes } from './text-rules.ts';

const says = (text: string, more: Partial<SaidChoice> = {}): SaidChoice => ({ text, refusal: '', calls: [], ...more });
const calls = (name: string, args: string, custom = false): SaidCall => ({ id: 'i', name, args, custom });
const SCHEMA = { type: 'object', required: ['a'], properties: { a: { type: 'integer' } } };

describe('scores that the text of an answer gives', () => {
  test('format: of all choices with text, by the file or by the call', () => {
    const json = { kind: 'json' } as const;
    const request = { kind: 'request' } as const;
    const asked = { type: 'json_schema', name: 'x', schema: SCHEMA } as const;
    for (const [found, wanted] of [
      [formatFinding(json, null, [says('{"a":1}'), says('[2]')]), 1],
      [formatFinding(json, null, [says('{"a":1}'), says('no')]), 0],
      [formatFinding(json, null, [says('', { refusal: 'I will not.' })]), null],
      [formatFinding(json, null, []), null],
      [formatFinding(request, null, [says('no')]), null],
      [formatFinding(request, { type: 'text' }, [says('no')]), null],
      [formatFinding(request, { type: 'json' }, [says('no')]), 0],
      [formatFinding(request, asked, [says('{"a":1}')]), 1],
      [formatFinding(request, asked, [says('{"a":1.5}')]), 0],
      [formatFinding(request, asked, [says('```json\n{"a":1}\n```')]), 0],
      [formatFinding(request, { ...asked, schema: { $ref: 'http://x' } }, [says('{}')]), 'schema'],
      [formatFinding(request, { ...asked, schema: { $ref: '#' } }, [says('{}')]), 'too_complex'],
      [formatFinding({ kind: 'regex', regex: '^\\d+$' }, null, [says('12')]), 1],
      [formatFinding({ kind: 'regex', regex: '^\\d+$' }, null, [says('12a')]), 0],
      [formatFinding({ kind: 'schema', schema: SCHEMA }, { type: 'text' }, [says('{}')]), 0],
    ] as const)
      assert.equal(found, wanted);
  });

  test('tools: by name, JSON and schema; what cannot be checked is not guessed', () => {
    const tools: readonly ToolDefinition[] = [
      { type: 'function', name: 'look', schema: SCHEMA },
      { type: 'function', name: 'wait', schema: undefined },
      { type: 'function', name: 'odd', schema: { unevaluatedProperties: false } },
      { type: 'custom', name: 'run' },
    ];
    const found = (...all: SaidCall[]) => callsFinding(tools, [says('', { calls: all })]);
    assert.equal(callsFinding(tools, [says('no tool')]), null);
    assert.equal(found(calls('look', '{"a":1}'), calls('wait', ''), calls('run', 'no json', true)), 1);
    assert.equal(found(calls('look', '{"a":1}'), calls('look', '{}')), 0);
    assert.equal(found(calls('look', '{"a":')), 0);
    assert.equal(found(calls('nobody', '{}')), 0);
    assert.equal(found(calls('odd', '{}')), 'schema');
    assert.equal(found(calls('odd', '{}'), calls('nobody', '{}')), 0, 'what is bad is bad, whatever else is');
  });

  test('results of tools are those behind the model’s last words, failed by their mark or as MCP says it', () => {
    const result = (id: string, text: string, isError = false): Part => ({
      ...{ type: 'tool_result', id, isError, custom: false, content: [{ type: 'text', text }] },
    });
    const call = (id: string, name: string): Part => ({ type: 'tool_call', id, name, args: '{}', custom: false });
    const turns: GenerateCall['turns'] = [
      { role: 'assistant', parts: [call('old', 'look')] },
      { role: 'user', parts: [result('old', 'no', true)] },
      { role: 'assistant', parts: [call('a', 'look'), call('b', 'find'), call('c', 'look')] },
      { role: 'user', parts: [result('a', 'fine'), result('b', 'no', true)] },
      { role: 'user', parts: [result('c', '{"content": [], "isError": true}'), result('d', '"isError": true')] },
    ];
    assert.deepEqual(toolOutcomes({ turns } as GenerateCall), [
      { id: 'a', name: 'look', failed: false },
      { id: 'b', name: 'find', failed: true },
      { id: 'c', name: 'look', failed: true },
      { id: 'd', name: null, failed: false },
    ]);
  });

  test('an answer in pieces is the same as in one, and beyond its bound it is none', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ maxLength: 20 }), { maxLength: 12 }), fc.nat(100), (pieces, most) => {
        const text = pieces.join('');
        const streamed = new AnswerReading(most);
        streamed.begin();
        streamed.push({ type: 'block_start', choice: 0, block: 0, kind: 'reasoning' });
        streamed.push({ type: 'delta', choice: 0, block: 0, text: 'x'.repeat(200) });
        streamed.push({ type: 'block_start', choice: 0, block: 1, kind: 'text' });
        for (const piece of pieces) streamed.push({ type: 'delta', choice: 0, block: 1, text: piece });
        const whole = new AnswerReading(most);
        const parts = [{ type: 'text', text }] as const;
        const rest = { id: 'i', model: 'm', createdS: null, usage: null, serviceTier: null, fingerprint: null };
        const choice = { parts, finish: 'stop', stopSequence: null } as const;
        whole.take({ kind: 'generate', ...rest, choices: [choice] });
        assert.deepEqual(streamed.said(), whole.said());
        const expected = Buffer.byteLength(text) > most ? { not: 'too_long' } : { choices: [says(text)] };
        assert.deepEqual(whole.said(), expected);
      }),
    );
    assert.deepEqual(new AnswerReading(9).said(), { not: 'unread' });
  });
});

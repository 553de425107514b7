import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { encodeFault, readFault, streamFault } from './faults.ts';
import { readFinish, chatFinish } from './finish.ts';
import { decimalText, readUsage } from './usage.ts';
import { readAnswer } from './answer-view.ts';

describe('chat faults', () => {
  const bodies: [number, unknown, string, string][] = [
    [
      400,
      { error: { message: 'bad', type: 'invalid_request_error', param: 'n', code: null } },
      'invalid_request',
      'bad',
    ],
    [401, { error: 'no key' }, 'authentication', 'no key'],
    [402, { message: 'pay' }, 'billing', 'pay'],
    [403, { detail: 'not you' }, 'permission', 'not you'],
    [404, { detail: [{ loc: ['body'], msg: 'x' }] }, 'not_found', '[{"loc":["body"],"msg":"x"}]'],
    [413, 'too big', 'too_large', 'too big'],
    [422, { detail: 'x' }, 'invalid_request', 'x'],
    [429, { error: { message: 'slow', code: 'rate_limit_exceeded' } }, 'rate_limit', 'slow'],
    [429, { error: { message: 'spent', code: 'insufficient_quota' } }, 'billing', 'spent'],
    [500, null, 'server', 'The provider answered 500.'],
    [
      502,
      '<html><head><style>x{}</style><title>502 Bad Gateway</title></head><body>nginx</body></html>',
      'server',
      '502 Bad Gateway nginx',
    ],
    [503, [{ error: { code: 503, message: 'busy', status: 'UNAVAILABLE' } }], 'overloaded', 'busy'],
    [504, '', 'timeout', 'The provider answered 504.'],
    [529, { type: 'error', error: { type: 'overloaded_error', message: 'full' } }, 'overloaded', 'full'],
  ];
  for (const [status, body, type, message] of bodies) {
    it(`reads ${status} ${JSON.stringify(body).slice(0, 60)}`, () => {
      const fault = readFault(status, body);
      assert.deepEqual([fault.type, fault.message, fault.status], [type, message, status]);
    });
  }
  it('writes the form of OpenAI, and reads it back', () => {
    const fault = { type: 'rate_limit', status: 429, message: 'slow', code: 'x', field: 'n' } as const;
    const { status, body } = encodeFault(fault);
    assert.deepEqual(body, { error: { message: 'slow', type: 'requests', param: 'n', code: 'x' } });
    assert.deepEqual(readFault(status, body), fault);
    assert.equal(encodeFault({ ...fault, type: 'overloaded', status: 529 }).status, 503);
    assert.equal(encodeFault({ ...fault, type: 'server', status: null }).status, 500);
    assert.match(streamFault(fault), /^data: \{"error":\{.*\}\}\n\n$/);
  });
  it('finds an error inside a 200, and what is no completion', () => {
    assert.equal(readAnswer({ error: { message: 'x', code: 429 } }).fault?.type, 'rate_limit');
    for (const odd of [null, 'x', 3, [], {}, { detail: 'x' }]) assert.equal(readAnswer(odd).fault?.type, 'server');
  });
});

describe('chat usage', () => {
  const read = (usage: object) => readUsage({ usage });
  it('knows the names that providers use for cached tokens', () => {
    for (const usage of [
      { prompt_tokens_details: { cached_tokens: 5 } },
      { prompt_cache_hit_tokens: 5, prompt_cache_miss_tokens: 1 },
      { cached_tokens: 5 },
      { cache_read_input_tokens: 5 },
    ]) {
      assert.equal(read(usage)?.cachedReadTokens, 5);
    }
  });
  it('adds reasoning where the stated total says that it stands outside', () => {
    const details = { completion_tokens_details: { reasoning_tokens: 50 } };
    assert.equal(read({ prompt_tokens: 10, completion_tokens: 5, total_tokens: 65, ...details })?.outputTokens, 55);
    assert.equal(read({ prompt_tokens: 10, completion_tokens: 60, total_tokens: 70, ...details })?.outputTokens, 60);
  });
  it('takes nothing that is no count', () => {
    const usage = read({ prompt_tokens: -1, completion_tokens: 1.5, prompt_tokens_details: 'x', cost: '1' });
    assert.deepEqual(
      [usage?.inputTokens, usage?.outputTokens, usage?.cachedReadTokens, usage?.statedCostUsd],
      [null, null, null, null],
    );
    assert.equal(readUsage({ usage: null }), null);
  });
  it('keeps the stated cost in plain decimals, and paid tool uses', () => {
    const usage = read({ cost: 1.5e-7, server_tool_use: { web_search_requests: 2 }, num_search_queries: 1 });
    assert.equal(usage?.statedCostUsd, '0.00000015');
    assert.deepEqual(usage?.toolUses, { web_search_requests: 2, num_search_queries: 1 });
    for (const [value, text] of [
      [0, '0'],
      [0.25, '0.25'],
      [1e21, '1000000000000000000000'],
      [1.25e-9, '0.00000000125'],
    ] as const) {
      assert.equal(decimalText(value), text);
    }
  });
  it('reads finish words of other servers', () => {
    assert.deepEqual(['eos', 'model_length', 'strange', null, ''].map(readFinish), [
      'stop',
      'context_exceeded',
      'other',
      null,
      null,
    ]);
    assert.equal(chatFinish('refusal'), 'content_filter');
  });
});

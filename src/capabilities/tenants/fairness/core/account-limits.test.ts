import assert from 'node:assert/strict';
import { test } from 'node:test';
import { anthropic } from '#providers/data/anthropic.ts';
import { openai } from '#providers/data/openai.ts';
import { statedLimits } from './account-limits.ts';

const NOW = Date.parse('2026-11-26T12:00:00Z');

test('OpenAI’s headers, with its durations', () => {
  const headers = {
    'x-ratelimit-limit-requests': '10000',
    'x-ratelimit-remaining-requests': '9999',
    'x-ratelimit-reset-requests': '6ms',
    'x-ratelimit-limit-tokens': '2000000',
    'x-ratelimit-remaining-tokens': '1500000',
    'x-ratelimit-reset-tokens': '1m15.5s',
  };
  assert.deepEqual(statedLimits(openai.rateLimitHeaders, headers, NOW), [
    { unit: 'requests', limit: 10_000, remaining: 9_999, resetMs: 6 },
    { unit: 'tokens', limit: 2_000_000, remaining: 1_500_000, resetMs: 75_500 },
  ]);
});

test('Anthropic’s headers, with its instants, input and output apart', () => {
  const headers = {
    'anthropic-ratelimit-requests-limit': '50',
    'anthropic-ratelimit-requests-remaining': '0',
    'anthropic-ratelimit-requests-reset': '2026-11-26T12:00:01Z',
    'anthropic-ratelimit-input-tokens-limit': '40000',
    'anthropic-ratelimit-input-tokens-remaining': '39000',
    'anthropic-ratelimit-input-tokens-reset': '2026-11-26T11:59:00Z',
    'anthropic-ratelimit-output-tokens-limit': '8000',
    'anthropic-ratelimit-output-tokens-remaining': '7000',
  };
  assert.deepEqual(statedLimits(anthropic.rateLimitHeaders, headers, NOW), [
    { unit: 'requests', limit: 50, remaining: 0, resetMs: 1_000 },
    { unit: 'input', limit: 40_000, remaining: 39_000, resetMs: 0 },
    { unit: 'output', limit: 8_000, remaining: 7_000, resetMs: null },
  ]);
});

test('what cannot be read says nothing: no number, a list, half of a limit, a name of another form', () => {
  const names = [...openai.rateLimitHeaders, 'x-ratelimitbysize-limit-minute'];
  for (const headers of [
    {},
    { 'x-ratelimit-limit-tokens': '100' },
    { 'x-ratelimit-limit-tokens': '100', 'x-ratelimit-remaining-tokens': 'many' },
    { 'x-ratelimit-limit-tokens': '-5', 'x-ratelimit-remaining-tokens': '5' },
    { 'x-ratelimit-limit-tokens': '9'.repeat(40), 'x-ratelimit-remaining-tokens': '5' },
    { 'x-ratelimit-limit-tokens': ['100', '200'], 'x-ratelimit-remaining-tokens': '5' },
    { 'x-ratelimitbysize-limit-minute': '5', 'x-ratelimitbysize-remaining-minute': '5' },
  ])
    assert.deepEqual(statedLimits(names, headers, NOW), [], JSON.stringify(headers));
  const odd = {
    'x-ratelimit-limit-tokens': '9',
    'x-ratelimit-remaining-tokens': '5',
    'x-ratelimit-reset-tokens': 'soon',
  };
  assert.deepEqual(statedLimits(names, odd, NOW), [{ unit: 'tokens', limit: 9, remaining: 5, resetMs: null }]);
});

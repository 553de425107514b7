import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PROVIDERS, USUAL_MODELS, usableProviders } from './index.ts';

const names = (env: Readonly<Record<string, string>>): string[] =>
  usableProviders(PROVIDERS, env)
    .map(({ name }) => name)
    .sort();

test('a key in the environment makes one provider, by the kind that has usual models', () => {
  assert.deepEqual(names({}), []);
  assert.deepEqual(names({ OPENAI_API_KEY: 'k', ANTHROPIC_API_KEY: 'k' }), ['anthropic', 'openai']);
  // Google's own API and its OpenAI-compatible endpoint read one variable.
  assert.deepEqual(names({ GEMINI_API_KEY: 'k' }), ['gemini']);
  assert.deepEqual(USUAL_MODELS['gemini'], ['gemini-*']);
});

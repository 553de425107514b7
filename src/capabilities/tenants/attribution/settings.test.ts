import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { attributionKeys } from './config.ts';
import { attributionFaults } from './settings.ts';

const section = z.strictObject(attributionKeys);
const at = { name: 'one', provider: 'openai', from: '2026-01' };
const price = { ...at, kind: 'token_price', tokens: [{ perMillion: '1' }] };
const faults = (...costs: readonly object[]): string[] =>
  attributionFaults(section.parse({ costs }), ['openai']).map(({ path }) => path.join('.'));

test('contracts that can be read have no fault', () => {
  const steps = [{ over: '0', percent: 5 }];
  assert.deepEqual(
    faults(
      { ...at, kind: 'discount', percent: 5, from: '2026-11-15' },
      { ...at, kind: 'volume', steps },
      { ...at, kind: 'credit', perMonth: '5', measuredBy: 'bill' },
      { ...price, to: '2026-05' },
      { ...price, from: '2026-06-01' },
      { ...price, provider: 'openai@acme' },
    ),
    [],
  );
});

test('what has no meaning is a fault at its key', () => {
  const step = { over: '0', percent: 5 };
  for (const [cost, path] of [
    [{ ...at, kind: 'volume' }, 'costs.0.steps'],
    [{ ...at, kind: 'volume', steps: [step, step] }, 'costs.0.steps'],
    [{ ...at, kind: 'gpu', perMonth: '1', steps: [step] }, 'costs.0.steps'],
    [{ ...at, kind: 'token_price' }, 'costs.0.tokens'],
    [{ ...at, kind: 'discount', percent: 5, tokens: price.tokens }, 'costs.0.tokens'],
    [{ ...price, perMonth: '1' }, 'costs.0.perMonth'],
    [{ ...price, measuredBy: 'bill' }, 'costs.0.measuredBy'],
    [{ ...at, kind: 'gpu', perMonth: '1', from: '2026-01-15' }, 'costs.0.from'],
    [{ ...price, from: '2026-11-15', to: '2026-10' }, 'costs.0.to'],
    [{ ...price, currency: 'EUR' }, 'costs.0.currency'],
    [{ ...price, provider: 'nobody' }, 'costs.0.provider'],
  ] as const)
    assert.deepEqual(faults(cost), [path], JSON.stringify(cost));
});

test('two contracts that set one account’s whole bill in one month are refused', () => {
  const gpu = { ...at, kind: 'gpu', perMonth: '10' };
  assert.deepEqual(faults(price, gpu), ['costs.0.kind']);
  assert.deepEqual(faults({ ...price, to: '2026-05' }, { ...price, from: '2026-05-31' }), [
    'costs.0.kind',
    'costs.1.kind',
  ]);
});

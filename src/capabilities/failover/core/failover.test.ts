import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { seededRng } from '#kernel/rng.ts';
import type { Provider } from '#providers/interpreter.ts';
import { attemptOrder } from './choose.ts';
import { modelTable, type Deployment } from './models.ts';
import { nextStep } from './retry.ts';

const deployment = (name: string, weight: number, order: number): Deployment => ({
  provider: { name } as Provider,
  model: null,
  weight,
  order,
});

test('each deployment is tried once, lower orders first', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: 1, max: 9 }), fc.nat(3)), { minLength: 1, maxLength: 8 }),
      fc.nat(),
      (shape, seed) => {
        const deployments = shape.map(([weight, order], i) => deployment(`p${i}`, weight, order));
        const order = attemptOrder({ name: 'm', deployments }, seededRng(seed));
        assert.deepEqual(new Set(order), new Set(deployments));
        assert.deepEqual(
          order.map((one) => one.order),
          order.map((one) => one.order).sort(),
        );
      },
    ),
  );
});

test('first places follow the weights', () => {
  const group = { name: 'm', deployments: [deployment('a', 3, 0), deployment('b', 1, 0), deployment('spare', 100, 1)] };
  const rng = seededRng(11);
  let a = 0;
  for (let i = 0; i < 4_000; i++) if (attemptOrder(group, rng)[0]!.provider.name === 'a') a++;
  assert.ok(Math.abs(a / 4_000 - 0.75) < 0.03, `${a}`);
});

test('retries are bounded, and a lone deployment’s 429 goes to the client', () => {
  const rng = seededRng(3);
  const policy = { attempts: 3, backoffMs: 100 };
  const failure = { status: 500, retryable: true, retryAfterMs: null };
  assert.deepEqual(nextStep({ policy, deployments: 2, made: 1, index: 0 }, failure, rng), {
    do: 'try',
    index: 1,
    waitMs: 0,
  });
  assert.equal(nextStep({ policy, deployments: 1, made: 3, index: 0 }, failure, rng).do, 'give_up');
  assert.equal(nextStep({ policy, deployments: 1, made: 1, index: 0 }, { ...failure, status: 429 }, rng).do, 'give_up');
  assert.equal(
    nextStep({ policy, deployments: 3, made: 1, index: 0 }, { ...failure, retryable: false }, rng).do,
    'give_up',
  );
  const again = nextStep({ policy, deployments: 1, made: 1, index: 0 }, failure, rng);
  assert.ok(again.do === 'try' && again.index === 0 && again.waitMs >= 50 && again.waitMs <= 150);
});

test('an exact name beats a prefix, a longer prefix a shorter one', () => {
  const group = (name: string) => ({ name, deployments: [deployment('p', 1, 0)] });
  const table = modelTable([group('gpt-*'), group('gpt-5-*'), group('gpt-5-mini')]);
  assert.deepEqual(
    ['gpt-5-mini', 'gpt-5-nano', 'gpt-4', 'claude'].map((name) => table.find(name)?.name ?? null),
    ['gpt-5-mini', 'gpt-5-*', 'gpt-*', null],
  );
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  attribute,
  billedOf,
  SHARE_RULES,
  type AttributedCharge,
  type AttributionLine,
  type FixedCost,
  type SharedBucket,
} from './attribute.ts';
import { evenWeights, splitByWeights } from './split.ts';

const SEED = Number(process.env['SEED'] ?? 20_261_127);
const RUNS = { seed: SEED, numRuns: 300 };

const amount = fc.bigInt({ min: -(10n ** 15n), max: 10n ** 15n });
const oneOf = <T>(...values: readonly T[]) => fc.constantFrom(...values);
const sum = (values: readonly bigint[]): bigint => values.reduce((a, b) => a + b, 0n);
const total = (lines: readonly AttributionLine[]): bigint => sum(lines.map(({ amountNanoUsd }) => amountNanoUsd));

const charge: fc.Arbitrary<AttributedCharge> = fc.record({
  provider: oneOf('openai', 'anthropic', 'gpu', null),
  tenant: oneOf('acme', 'globex', 'initech', 'ops'),
  feature: oneOf('search', 'chat', null),
  kind: oneOf('generate', 'embed', 'probe', 'shadow', 'eval', 'guardrail'),
  use: oneOf('answer', 'cut', 'failed', 'retry', 'hedge'),
  attempts: fc.nat(1_000),
  tokens: fc.integer({ min: 1_000_000, max: 2_000_000 }),
  outputTokens: fc.nat(1_000_000),
  costNanoUsd: fc.bigInt({ min: 0n, max: 10n ** 13n }),
  cacheWriteNanoUsd: fc.bigInt({ min: 0n, max: 10n ** 6n }),
});
const rule = oneOf(...SHARE_RULES);
const shared: fc.Arbitrary<SharedBucket> = fc.record(
  {
    name: oneOf('probes', 'lab', 'waste'),
    rule,
    kinds: oneOf(undefined, ['probe'], ['shadow', 'eval']),
    uses: oneOf(undefined, ['retry', 'hedge']),
    tenants: oneOf(undefined, ['ops']),
    features: oneOf<readonly (string | null)[] | undefined>(undefined, [null], ['search']),
    providers: oneOf(undefined, ['openai']),
  },
  { requiredKeys: ['name', 'rule'] },
);
const fixed: fc.Arbitrary<FixedCost> = fc.oneof(
  fc.record({
    name: oneOf('rent', 'contract'),
    provider: oneOf('openai', 'gpu', 'unused'),
    rule,
    kind: oneOf<'commitment' | 'gpu' | 'credit'>('commitment', 'gpu', 'credit'),
    amountNanoUsd: fc.bigInt({ min: 0n, max: 10n ** 14n }),
  }),
  fc.record({
    name: oneOf('rebate'),
    provider: oneOf('openai', 'anthropic'),
    rule,
    kind: fc.constant('discount' as const),
    partsPerMillion: fc.nat(1_000_000),
  }),
  fc.record({
    name: oneOf('volume'),
    provider: oneOf('openai', 'anthropic'),
    rule,
    kind: fc.constant('volume' as const),
    steps: fc.uniqueArray(fc.record({ over: fc.bigInt(0n, 10n ** 14n), rate: fc.bigInt(0n, 1_000_000n) }), {
      selector: ({ over }) => over,
      minLength: 1,
      maxLength: 4,
    }),
  }),
);
const month = fc.record({
  charges: fc.array(charge, { maxLength: 60 }),
  adjustments: fc.array(
    charge.map((one) => ({ ...one, costNanoUsd: one.costNanoUsd - 10n ** 12n })),
    { maxLength: 5 },
  ),
  // Names are the keys of the section: two buckets of one name cannot be.
  shared: fc.uniqueArray(shared, { selector: ({ name }) => name, maxLength: 3 }),
  fixed: fc.array(fixed, { maxLength: 4 }),
});

test('shares sum to what is split, and none is a unit from its exact part', () => {
  const weights = fc.array(fc.bigInt({ min: 0n, max: 10n ** 12n }), { minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(amount, weights, (money, by) => {
      const shares = splitByWeights(money, by);
      assert.equal(sum(shares), money);
      const whole = sum(by);
      if (whole === 0n) return;
      shares.forEach((share, i) => {
        const off = share * whole - money * by[i]!;
        assert.ok(off < whole && -off < whole, `share ${share} of ${money} by ${by[i]} of ${whole}`);
      });
    }),
    RUNS,
  );
});

test('even is by tenant, and within one by feature', () => {
  const weights = evenWeights(['acme', 'acme', 'globex', 'acme', 'initech', 'initech']);
  const shares = splitByWeights(1_800n, weights);
  assert.deepEqual(shares, [200n, 200n, 600n, 200n, 300n, 300n]);
});

/** Said from the other end: from the dearest step down, each takes what is beyond it and not beyond the next. */
function offOf(used: bigint, steps: readonly { readonly over: bigint; readonly rate: bigint }[]): bigint {
  let [left, millionths] = [used, 0n];
  for (const { over, rate } of steps.toSorted((a, b) => (a.over > b.over ? -1 : 1))) {
    if (left <= over) continue;
    millionths += (left - over) * rate;
    left = over;
  }
  return millionths / 1_000_000n;
}

test('lines of any month sum to what is billed, by provider too', () => {
  fc.assert(
    fc.property(month, (input) => {
      const lines = attribute(input);
      assert.equal(total(lines), billedOf(input));
      // Said a second time: charges and adjustments of each provider, and what its contracts add to them.
      for (const provider of ['openai', 'anthropic', 'gpu', 'unused', null]) {
        const of = (charges: readonly AttributedCharge[]): bigint =>
          sum(charges.filter((one) => one.provider === provider).map(({ costNanoUsd }) => costNanoUsd));
        const used = of(input.charges);
        const contracts = input.fixed.filter((one) => one.provider === provider);
        const added = contracts.map((one): bigint => {
          if (one.kind === 'discount') return -((used * BigInt(one.partsPerMillion)) / 1_000_000n);
          if (one.kind === 'volume') return -offOf(used, one.steps);
          if (one.kind === 'token_price') throw new Error('of tests of their own');
          if (one.kind === 'gpu') return one.amountNanoUsd - used;
          if (one.kind === 'credit') return one.amountNanoUsd < used ? -one.amountNanoUsd : -used;
          return one.amountNanoUsd > used ? one.amountNanoUsd - used : 0n;
        });
        const own = lines.filter((line) => line.provider === provider);
        assert.equal(total(own), used + of(input.adjustments) + sum(added));
      }
    }),
    RUNS,
  );
});

test('a line is a tenant’s own, or names the bucket and the rule that it came by', () => {
  fc.assert(
    fc.property(month, (input) => {
      const rules = new Map([...input.shared, ...input.fixed].map(({ name }) => [name, true]));
      for (const line of attribute(input)) {
        assert.equal(line.bucket === null, line.rule === null);
        if (line.bucket === null) assert.notEqual(line.tenant, null);
        else assert.ok(rules.has(line.bucket));
      }
    }),
    RUNS,
  );
});

test('the order of charges changes nothing', () => {
  fc.assert(
    fc.property(month, (input) => {
      const turned = { ...input, charges: input.charges.toReversed(), adjustments: input.adjustments.toReversed() };
      assert.deepEqual(attribute(turned), attribute(input));
    }),
    RUNS,
  );
});

const called = (tenant: string, feature: string, more: Partial<AttributedCharge> = {}): AttributedCharge => ({
  ...{ provider: 'openai', tenant, feature, kind: 'generate', use: 'answer', attempts: 1, tokens: 100 },
  outputTokens: 0,
  ...{ costNanoUsd: 1_000n, cacheWriteNanoUsd: 0n },
  ...more,
});

test('rules divide by what they name', () => {
  const charges = [
    called('acme', 'search', { attempts: 3, tokens: 100, costNanoUsd: 500n }),
    called('globex', 'chat', { attempts: 1, tokens: 300, costNanoUsd: 1_500n }),
    called('ops', 'probe', { kind: 'probe', attempts: 9, tokens: 9_000, costNanoUsd: 4_000n }),
  ];
  const shares = (by: (typeof SHARE_RULES)[number]) =>
    attribute({ charges, shared: [{ name: 'probes', rule: by, kinds: ['probe'] }], fixed: [] })
      .filter(({ bucket }) => bucket === 'probes')
      .map(({ tenant, purpose, amountNanoUsd }) => `${tenant} ${purpose} ${amountNanoUsd}`)
      .toSorted();
  assert.deepEqual(shares('even'), ['acme probe 2000', 'globex probe 2000']);
  assert.deepEqual(shares('tokens'), ['acme probe 1000', 'globex probe 3000']);
  assert.deepEqual(shares('requests'), ['acme probe 3000', 'globex probe 1000']);
  assert.deepEqual(shares('cost'), ['acme probe 1000', 'globex probe 3000']);
});

test('what nobody shares in stays in its bucket by name', () => {
  const rent: FixedCost = { name: 'rent', provider: 'gpu', rule: 'tokens', kind: 'gpu', amountNanoUsd: 700n };
  assert.deepEqual(attribute({ charges: [], shared: [], fixed: [rent] }), [
    {
      ...{ provider: 'gpu', tenant: null, feature: null, bucket: 'rent', rule: 'tokens', purpose: 'gpu' },
      amountNanoUsd: 700n,
    },
  ]);
});

test('cache writes of whole answers are named; of waste all is waste', () => {
  const charges = [
    called('acme', 'search', { cacheWriteNanoUsd: 300n }),
    called('acme', 'search', { use: 'cut', cacheWriteNanoUsd: 300n }),
  ];
  const lines = attribute({ charges, shared: [], fixed: [] });
  assert.deepEqual(Object.fromEntries(lines.map((line) => [line.purpose, line.amountNanoUsd])), {
    cut: 1_000n,
    answer: 700n,
    cache_write: 300n,
  });
});

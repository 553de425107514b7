import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addUsage, NO_USAGE } from './usage.ts';

test('uses of a tool that is named as something of every object are counted like any others', () => {
  const one = { ...NO_USAGE, toolUses: { constructor: 2, toString: 1 } as unknown as Record<string, number> };
  const other = { ...NO_USAGE, toolUses: { constructor: 3, valueOf: 5 } as unknown as Record<string, number> };
  assert.deepEqual(addUsage(NO_USAGE, one).toolUses, { constructor: 2, toString: 1 });
  assert.deepEqual(addUsage(one, other).toolUses, { constructor: 5, toString: 1, valueOf: 5 });
});

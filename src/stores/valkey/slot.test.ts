import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crc16, slotOf } from './slot.ts';

test('slots are those of the specification of Redis Cluster', () => {
  assert.equal(crc16(Buffer.from('123456789')), 0x31c3);
  // As CLUSTER KEYSLOT of Redis 7.0.15 says; a test over a real cluster asks it again.
  assert.equal(slotOf('foo'), 12182);
  assert.equal(slotOf('{user1000}.following'), slotOf('{user1000}.followers'));
  assert.notEqual(slotOf('foo{}{bar}'), slotOf('bar'));
  assert.equal(slotOf('foo{{bar}}zap'), slotOf('{bar'));
  assert.equal(slotOf('foo{bar}{zap}'), slotOf('bar'));
});

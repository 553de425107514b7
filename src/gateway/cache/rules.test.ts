import assert from 'node:assert/strict';
import { test } from 'node:test';
import { directives, isWhole } from './rules.ts';

test('words of `cache-control` are read in any case, order and spacing, and unknown ones mean nothing', () => {
  const read = (header: string | undefined): string => {
    const { noStore, noCache, maxAgeS } = directives(header);
    return [noStore && 'no-store', noCache && 'no-cache', maxAgeS].filter((one) => one !== false).join(' ');
  };
  assert.equal(read(undefined), '');
  assert.equal(read('No-Store'), 'no-store ');
  assert.equal(read('max-age=60, no-cache'), 'no-cache 60');
  assert.equal(read('max-age="5"'), '5');
  assert.equal(read('  private ,NO-CACHE,  max-age=0'), 'no-cache 0');
  for (const other of ['', 'max-age', 'max-age=-1', 'max-age=1.5', 'x-no-store', 'no-store=1', 'max-stale=9'])
    assert.equal(read(other), '', other);
});

test('a generated answer is whole by its end alone, and of other kinds there is no end to look at', () => {
  const kept = ['stop', 'stop_sequence', 'tool_calls'];
  for (const finish of kept) assert.ok(isWhole('generate', finish), finish);
  for (const finish of ['length', 'content_filter', 'refusal', 'pause', 'context_exceeded', 'other', null])
    assert.ok(!isWhole('generate', finish), String(finish));
  for (const kind of ['embed', 'moderation', 'rerank'] as const) assert.ok(isWhole(kind, null), kind);
});

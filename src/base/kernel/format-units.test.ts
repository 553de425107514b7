import assert from 'node:assert/strict';
import { test } from 'node:test';
import { unitsText } from './format-units.ts';

test('units read as people say them', () => {
  assert.equal(unitsText({}), '');
  assert.equal(unitsText({ 'hd-1024x1792.image': 2 }), '2 images (hd 1024x1792)');
  assert.equal(unitsText({ character: 1, searchUnit: 3 }), '1 character, 3 search units');
  assert.equal(unitsText({ audioMs: 3_250 }), '3.25 s of sound');
});

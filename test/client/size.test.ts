import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { bundleClient } from './page.ts';

test('the client library with both transports is under 6 KB, minified and gzipped', async (t) => {
  const bytes = gzipSync(await bundleClient(), { level: 9 }).length;
  t.diagnostic(`${bytes} bytes`);
  assert.ok(bytes < 6_000, `${bytes} bytes`);
});

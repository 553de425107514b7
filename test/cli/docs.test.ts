import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { cliPage } from '../../scripts/docs/cli.ts';

test('docs/reference/cli.md is what the commands say', () => {
  const page = readFileSync(join(import.meta.dirname, '..', '..', 'docs/reference/cli.md'), 'utf8');
  assert.equal(page, cliPage(), 'run node scripts/docs/cli.ts');
});

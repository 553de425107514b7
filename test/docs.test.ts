import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { configKeys } from '../scripts/docs/configuration.ts';
import { MEANING } from '../scripts/docs/meaning.ts';
import { referencePages } from '../scripts/docs/pages.ts';

const root = join(import.meta.dirname, '..');
const read = (file: string): string => readFileSync(join(root, file), 'utf8');
const pages = [...globSync('docs/**/*.md', { cwd: root }), 'README.md', 'CHANGELOG.md'];

test('the pages that are made from code are up to date', () => {
  const stale = referencePages()
    .filter(({ path, text }) => !existsSync(join(root, path)) || read(path) !== text)
    .map(({ path }) => path);
  assert.deepEqual(stale, [], 'run npm run docs');
});

test('every key of the configuration has a meaning, and every meaning a key', () => {
  const keys = configKeys();
  const page = read('docs/reference/configuration.md');
  const silent = keys.filter(
    (key) => page.includes(`| \`${key}\``) && new RegExp(`\\| \`${escaped(key)}\` .*\\|  \\|$`, 'm').test(page),
  );
  assert.deepEqual(silent, [], 'describe the key in its schema, or in scripts/docs/meaning.ts');
  assert.deepEqual(
    Object.keys(MEANING).filter((key) => !keys.includes(key)),
    [],
    'there is no such key',
  );
});

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

test('every link between pages leads somewhere', () => {
  const broken: string[] = [];
  for (const page of pages) {
    for (const [, target] of read(page).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^(https?:|mailto:|#)/.test(target!)) continue;
      const path = join(root, dirname(page), target!.split('#')[0]!);
      if (!existsSync(path)) broken.push(`${page}: ${target}`);
    }
  }
  assert.deepEqual(broken, []);
});

test('every error code that a page names exists', () => {
  const known = read('docs/reference/errors.md');
  const wrong = pages.flatMap((page) =>
    [...read(page).matchAll(/(?<![\w-])errors\.md#([a-z_]+)/g)]
      .filter(([, code]) => !known.includes(`## ${code}\n`))
      .map(([, code]) => `${page}: ${code}`),
  );
  assert.deepEqual(wrong, []);
});

test('no key and no token of a real run stands in a page', () => {
  const tracked = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '*.md'], {
    cwd: root,
    encoding: 'utf8',
  });
  const wrong = tracked
    .split('\n')
    .filter((file) => file !== '' && existsSync(join(root, file)))
    .filter((file) => /\b(hg|hga)_[A-Za-z0-9_-]{30,}/.test(read(file)));
  assert.deepEqual(wrong, []);
});

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';

const bin = join(import.meta.dirname, '..', '..', 'bin/headgate.js');

/** Modules that a command loads, by their addresses. */
function loadedBy(args: readonly string[]): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'headgate-startup-'));
  const [hook, log] = [join(folder, 'hook.mjs'), join(folder, 'loaded.txt')];
  writeFileSync(
    hook,
    `import { registerHooks } from 'node:module'; import { appendFileSync } from 'node:fs';
registerHooks({ load(url, context, next) { appendFileSync(${JSON.stringify(log)}, url + '\\n'); return next(url, context); } });`,
  );
  const { status, stderr } = spawnSync(process.execPath, ['--import', pathToFileURL(hook).href, bin, ...args], {
    cwd: folder,
    encoding: 'utf8',
    env: { PATH: process.env['PATH'] ?? '' },
  });
  assert.ok(status === 0 || /no data|no_data/.test(stderr), stderr);
  const urls = readFileSync(log, 'utf8').split('\n').filter(Boolean);
  rmSync(folder, { recursive: true, force: true });
  return urls;
}
const packages = (urls: readonly string[]): string[] => [
  ...new Set(
    urls
      .map((url) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1])
      .filter((name): name is string => name !== undefined),
  ),
];

test('help loads the command line’s own package and no other', () => {
  for (const args of [['--help'], ['keys', '--help'], ['import', 'litellm', '--help'], ['version']]) {
    const urls = loadedBy(args);
    assert.deepEqual(packages(urls), ['@stricli/core'], args.join(' '));
    assert.ok(urls.length < 120, `${urls.length} modules`);
    assert.ok(
      !urls.some((url) => /src\/(gateway\/(?!snippets\/names)|stores|ledger|up)\//.test(url)),
      'nothing of the gate',
    );
  }
});

test('a command that reads loads no schema, no driver and no price list', () => {
  for (const args of [['keys', 'list'], ['calls', 'list'], ['spend'], ['sessions', 'list'], ['budgets', 'list']])
    assert.deepEqual(packages(loadedBy(args)), ['@stricli/core'], args.join(' '));
});

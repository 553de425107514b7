import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'node:test';

const root = join(import.meta.dirname, '..');
const tracked = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
  cwd: root,
  encoding: 'utf8',
})
  .split('\n')
  .filter((file) => file !== '' && existsSync(join(root, file)));
const code = tracked.filter((file) => /\.(ts|js|mjs)$/.test(file));
const read = (file: string): string => readFileSync(join(root, file), 'utf8');

/** Longest file by lines; a longer one is a table or a switch over a protocol and stands here with its reason. */
const LONGEST = 500;
const LONG_FILES: ReadonlyMap<string, string> = new Map<string, string>([
  ['src/base/wire/grpc/headgate-messages.ts', 'generated from the published .proto'],
]);

test('file names are kebab-case and say what the file is for', () => {
  const wrong = code.filter((file) => !/^[a-z0-9]+([.-][a-z0-9]+)*\.(ts|js|mjs)$/.test(basename(file)));
  assert.deepEqual(wrong, [], 'use kebab-case');
  const vague = code.filter((file) => /(^|\/)(utils?|helpers?|misc|common|types)(\/|\.ts$)/.test(file));
  assert.deepEqual(vague, [], 'name the file after its job');
});

test('no file is longer than 500 lines without a reason', () => {
  const long = code.filter(
    (file) => !LONG_FILES.has(file) && !file.includes('/recorded/') && read(file).split('\n').length > LONGEST,
  );
  assert.deepEqual(long, [], 'split the file by what it does, or add it to LONG_FILES with the reason');
});

test('nothing is left undone in the code', () => {
  const marks = new RegExp(['TO', 'DO|FIX', 'ME|XX', 'X\\b|not impl', 'emented yet'].join(''));
  const wrong = code.filter((file) => marks.test(read(file)));
  assert.deepEqual(wrong, [], 'finish it, or write it into docs/internals/promises.md');
});

test('no path of one machine and no name of a tool of the workplace is committed', () => {
  const words = new RegExp([`/wo`, `rk/|farm-(bench|stu`, `dio)|\\.lib`, `rary/`].join(''));
  const wrong = tracked.filter((file) => /\.(ts|js|mjs|md|json|ya?ml|sh)$/.test(file) && words.test(read(file)));
  assert.deepEqual(wrong, []);
});

test('dependencies are exact, and each has its line of reason', () => {
  const manifest = JSON.parse(read('package.json')) as Record<string, Record<string, string>>;
  const all = { ...manifest['dependencies'], ...manifest['devDependencies'], ...manifest['optionalDependencies'] };
  assert.deepEqual(
    Object.entries(all).filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version)),
    [],
  );
  const reasons = read('docs/internals/dependencies.md');
  assert.deepEqual(
    Object.keys(all).filter((name) => !reasons.includes(`\`${name}\``)),
    [],
    'add a line to docs/internals/dependencies.md',
  );
});

test('shown promises have a proof that exists', () => {
  const missing: string[] = [];
  for (const line of read('docs/internals/promises.md').split('\n')) {
    if (!line.startsWith('| shown')) continue;
    const proofs = [...line.matchAll(/`(\.ci\/run|[\w./-]+\.(?:ts|md|sh|json))[^`]*`/g)].map((match) => match[1]!);
    if (proofs.length === 0 || proofs.some((file) => !existsSync(join(root, file)))) missing.push(line.slice(0, 120));
  }
  assert.deepEqual(missing, []);
});

test('there is no mock of our own modules', () => {
  const wrong = code.filter((file) => /mock\.(module|method)\(/.test(read(file)));
  assert.deepEqual(wrong, [], 'use a real program from lab/');
});

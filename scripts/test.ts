/**
 * `npm test`: every suite that this machine can run, naming what it skips and why. The last line is
 * `N passed, N failed`. Groups run one after the other: pure suites share one process, which is ten times faster.
 */
import { spawn } from 'node:child_process';
import { existsSync, globSync } from 'node:fs';
import { join } from 'node:path';
import { buildConsole } from './console.ts';
import type { Counts } from './count-reporter.ts';

const root = join(import.meta.dirname, '..');

interface Group {
  readonly name: string;
  readonly files: readonly string[];
  /** Pure suites share one process. */
  readonly isolation: 'none' | 'process';
  readonly concurrency?: number;
  readonly timeoutMs: number;
}

const find = (...patterns: string[]): string[] =>
  patterns.flatMap((pattern) => globSync(pattern, { cwd: root, exclude: ['**/node_modules/**'] })).sort();

const only = process.argv.slice(2);
const pure = find('src/base/**/*.test.ts', 'src/**/core/**/*.test.ts');
const rest = find('src/**/*.test.ts', 'lab/**/*.test.ts', 'test/**/*.test.ts').filter((file) => !pure.includes(file));
/** Suites that measure time or kill processes: nothing else runs beside them. */
const ALONE = /^test\/(hostile\/event-loop|conservation\/|prefix-cache\/audit)/;
const chosen = (files: readonly string[]): string[] =>
  only.length === 0 ? [...files] : files.filter((file) => only.some((part) => file.includes(part)));

const groups: readonly Group[] = [
  { name: 'pure', files: chosen(pure), isolation: 'none', timeoutMs: 300_000 },
  {
    name: 'with processes, files and sockets',
    files: chosen(rest.filter((file) => !ALONE.test(file))),
    isolation: 'process',
    concurrency: 2,
    timeoutMs: 3_000_000,
  },
  {
    name: 'alone on the machine',
    files: chosen(rest.filter((file) => ALONE.test(file))),
    isolation: 'process',
    concurrency: 1,
    timeoutMs: 1_800_000,
  },
];

function run(group: Group): Promise<Counts> {
  const args = [
    '--test',
    `--test-isolation=${group.isolation}`,
    // A test that hangs fails by its name, and not its whole group without one.
    '--test-timeout=600000',
    '--test-reporter=spec',
    '--test-reporter-destination=stdout',
    `--test-reporter=${join(root, 'scripts/count-reporter.ts')}`,
    '--test-reporter-destination=stderr',
    ...(group.concurrency ? [`--test-concurrency=${group.concurrency}`] : []),
    ...group.files,
  ];
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', ...args], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: group.timeoutMs,
  });
  const failures = showFailuresOnly(child.stdout);
  let counted = '';
  child.stderr.on('data', (chunk: Buffer) => (counted += chunk));
  return new Promise((resolve) =>
    child.on('close', (code) => {
      const line = counted.split('\n').findLast((text) => text.startsWith('{"headgateCounts"'));
      const counts = line
        ? (JSON.parse(line).headgateCounts as Counts)
        : noCounts(`${group.name}: the runner ended with ${code}`);
      if (!line) process.stdout.write(`${counted}\nthe runner ended with ${code} and no counts\n`);
      if (counts.fail > 0 || !line) process.stdout.write(failures());
      resolve(counts);
    }),
  );
}

/** Of a group whose runner said nothing. */
const noCounts = (...failed: string[]): Counts => ({ pass: 0, fail: 1, failed, skipped: [], files: {} });

/** The spec report is long: it is shown only where something failed. */
function showFailuresOnly(stream: NodeJS.ReadableStream): () => string {
  let text = '';
  stream.on('data', (chunk: Buffer) => (text += chunk));
  return () => {
    const at = text.indexOf('failing tests:');
    return at < 0 ? text : text.slice(Math.max(0, at - 4));
  };
}

if (!existsSync(join(root, 'test/sdk/node_modules'))) {
  console.log('skipped: the official SDKs as clients (run `npm run test:sdks:install` once to have them)');
}
if (!existsSync(join(root, 'test/clients/libraries/node_modules'))) {
  console.log(
    'skipped: LangChain, LlamaIndex and the Agents SDK as clients (`npm run test:libraries:install` installs them)',
  );
}
// Before the suites, two of which would build it at once.
await buildConsole();
const total: Counts = { ...noCounts(), fail: 0 };
for (const group of groups) {
  if (group.files.length === 0) continue;
  const startedAt = Date.now();
  const counts = await run(group);
  total.pass += counts.pass;
  total.fail += counts.fail;
  total.skipped.push(...counts.skipped);
  total.failed.push(...counts.failed);
  Object.assign(total.files, counts.files);
  console.log(
    `${group.name}: ${counts.pass} passed, ${counts.fail} failed in ${Math.round((Date.now() - startedAt) / 1000)} s`,
  );
}
const slowest = Object.entries(total.files)
  .sort(([, a], [, b]) => b - a)
  .slice(0, 10);
for (const [file, ms] of slowest) console.log(`${Math.round(ms / 1000)} s in ${file}`);
for (const skip of total.skipped) console.log(`skipped: ${skip}`);
for (const failure of total.failed) console.log(`FAILED: ${failure}`);
console.log(`${total.pass} passed, ${total.fail} failed`);
process.exit(total.fail > 0 || total.pass === 0 ? 1 : 0);

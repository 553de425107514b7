/**
 * Builds `dist/` for the package: Node strips no types below node_modules, so that an installed Headgate runs
 * JavaScript. `npm pack` calls this first. `dist/package.json` gives the aliases of the sources their second
 * meaning: Node reads `imports` from the nearest package.json.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { buildConsole } from './console.ts';

const root = join(import.meta.dirname, '..');
const dist = join(root, 'dist');

/** What a running gate never loads. */
const LEFT_OUT = /\.(test|contract|samples)\.ts$|\/test-world\.ts$|^src\/console\/|^src\/ledger\/entry\/samples\.ts$/;
/** Parts of the lab that the product starts: the stand-in for a provider, and the load of the demo. */
const LAB = ['lab/provider/**/*.ts', 'lab/load/**/*.ts'];
/** Files that are read at run time. */
const ASSETS = ['lab/load/traces/*'];

const sourcesOf = (patterns: readonly string[]): string[] =>
  patterns
    .flatMap((pattern) => globSync(pattern, { cwd: root }))
    .filter((file) => !LEFT_OUT.test(file))
    .sort();

interface Emit {
  readonly files: readonly string[];
  readonly rootDir: string;
  readonly outDir: string;
  readonly declaration: boolean;
}

function emit({ files, rootDir, outDir, declaration }: Emit): void {
  // Below the root, where tsc finds the types of Node.
  const config = join(dist, 'tsconfig.json');
  mkdirSync(dist, { recursive: true });
  const compilerOptions = { noEmit: false, rewriteRelativeImportExtensions: true, rootDir, outDir, declaration };
  writeFileSync(
    config,
    JSON.stringify({
      extends: '../tsconfig.json',
      compilerOptions,
      include: [],
      files: files.map((file) => join(root, file)),
    }),
  );
  const tsc = spawnSync(join(root, 'node_modules/.bin/tsc'), ['-p', config, '--pretty', 'false'], {
    cwd: root,
    encoding: 'utf8',
  });
  rmSync(config);
  // TS2877: an alias ends in `.ts` and is not rewritten. That is meant: dist/package.json maps it.
  const errors = tsc.stdout.split('\n').filter((line) => /error TS/.test(line) && !line.includes('error TS2877'));
  if (tsc.error || errors.length > 0) throw new Error(['tsc failed', String(tsc.error ?? ''), ...errors].join('\n'));
}

function buildSources(): void {
  emit({ files: sourcesOf(['src/**/*.ts']), rootDir: join(root, 'src'), outDir: dist, declaration: true });
}

/** The lab's own types speak of the SDKs', which an installed package has not: JavaScript alone. */
function buildLab(): void {
  const outDir = mkdtempSync(join(tmpdir(), 'headgate-lab-'));
  emit({ files: sourcesOf(LAB), rootDir: root, outDir, declaration: false });
  cpSync(join(outDir, 'lab'), join(dist, 'lab'), { recursive: true });
  rmSync(outDir, { recursive: true });
  for (const file of ASSETS.flatMap((pattern) => globSync(pattern, { cwd: root }))) {
    mkdirSync(dirname(join(dist, file)), { recursive: true });
    cpSync(join(root, file), join(dist, file));
  }
}

/** `./src/base/kernel/*.ts` is `./base/kernel/*.js` below dist; `./lab/*.ts` is `./lab/*.js`. */
function aliases(): Record<string, string> {
  const { imports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    imports: Record<string, string>;
  };
  const built = (path: string): string => path.replace(/^\.\/src\//, './').replace(/\.ts$/, '.js');
  return Object.fromEntries(Object.entries(imports).map(([alias, path]) => [alias, built(path)]));
}

rmSync(dist, { recursive: true, force: true });
buildSources();
buildLab();
await buildConsole();
writeFileSync(join(dist, 'package.json'), `${JSON.stringify({ type: 'module', imports: aliases() }, null, 2)}\n`);
console.error(`dist: ${globSync('**/*.js', { cwd: dist }).length} modules`);

import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

/*
 * `npm ci` unpacks and nothing else: no compiler, no download by a script, no platform that is left out. A package that
 * needs more is not for us, or has a lock file of its own (docs/internals/dependencies.md).
 */

interface Locked {
  readonly version?: string;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly hasInstallScript?: boolean;
  readonly optional?: boolean;
  readonly dev?: boolean;
  readonly os?: unknown;
  readonly cpu?: unknown;
}
interface Manifest {
  readonly scripts?: Readonly<Record<string, string>>;
  readonly gypfile?: boolean;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const root = join(import.meta.dirname, '..');
const json = <T>(file: string): T => JSON.parse(readFileSync(join(root, file), 'utf8')) as T;
const manifest = json<Manifest>('package.json');
const { packages } = json<{ readonly packages: Readonly<Record<string, Locked>> }>('package-lock.json');
const locked = Object.entries(packages).filter(([path]) => path !== '');
const named = (wrong: readonly (readonly [string, unknown])[]): string[] => wrong.map(([path]) => path);

/** What npm runs by itself when somebody installs. */
const AT_INSTALL = ['preinstall', 'install', 'postinstall', 'prepare', 'preprepare', 'postprepare'];
/**
 * Beside Node itself, only the compiler for developers has a binary for each platform; `pg-cloudflare` is plain
 * JavaScript that `pg` wants on one platform alone.
 */
const MAY_BE_OPTIONAL =
  /^node_modules\/(pg-cloudflare|node-(bin-)?(linux|darwin|win)-(x64|arm64)|@typescript\/typescript-[\w-]+)$/;

test('no package of the lock file runs a script at install', () => {
  assert.ok(locked.length > 10);
  assert.deepEqual(named(locked.filter(([, { hasInstallScript }]) => hasInstallScript)), []);
  assert.deepEqual(
    Object.keys(manifest.scripts ?? {}).filter((name) => AT_INSTALL.includes(name)),
    [],
  );
});

test('what is installed says the same of itself: no script, nothing to build', () => {
  const found = globSync('node_modules/{*,@*/*}/package.json', { cwd: root });
  assert.ok(found.length > 10);
  const running = found.filter((file) => {
    const { scripts = {}, gypfile } = json<Manifest>(file);
    // `prepare` runs for a checkout alone, never for what comes from a registry.
    return gypfile === true || AT_INSTALL.slice(0, 3).some((name) => name in scripts);
  });
  assert.deepEqual(running, []);
  const native = found.filter((file) => existsSync(join(root, file, '..', 'binding.gyp')));
  assert.deepEqual(native, [], 'npm would build it, script or not');
});

test('everything comes from the registry, whichever one the machine uses, with its checksum', () => {
  const foreign = locked.filter(([, { resolved }]) => /^(git|file|http:)/.test(resolved ?? ''));
  assert.deepEqual(named(foreign), []);
  assert.deepEqual(named(locked.filter(([, { integrity }]) => !/^sha512-/.test(integrity ?? ''))), []);
});

test('only what the list names may be missing on a platform, and what runs the gate is Node alone', () => {
  const optional = locked.filter(([, { optional: is, os, cpu }]) => is || os !== undefined || cpu !== undefined);
  assert.deepEqual(named(optional.filter(([path]) => !MAY_BE_OPTIONAL.test(path))), []);
  const ofPlatforms = optional.filter(([path, { dev }]) => !dev && path !== 'node_modules/pg-cloudflare');
  const forUsers = named(ofPlatforms).map((path) => path.replace('node_modules/', ''));
  assert.deepEqual(forUsers.toSorted(), Object.keys(manifest.optionalDependencies ?? {}).toSorted());
});

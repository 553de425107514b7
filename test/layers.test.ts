import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { test } from 'node:test';

const root = join(import.meta.dirname, '..');

/** From the ground up. A file may import from its own layer and from those below. */
const LAYERS: readonly (readonly string[])[] = [
  // The library of clients stands alone: see its own test below.
  ['client/', 'base/kernel'],
  ['base/math'],
  ['base/wire'],
  ['base/ports'],
  ['stores', 'providers', 'ledger', 'telemetry'],
  ['capabilities'],
  ['gateway'],
  ['cli', 'console'],
  ['main.ts', 'worker', 'up'],
];

/** Edges between capabilities: from → to. Everything else between two of them goes through the ledger or the gateway. */
const CAPABILITY_EDGES: ReadonlySet<string> = new Set<string>([
  // Their levers are operations of the admin API, whose routes, trail and state tenants own.
  'failover -> tenants',
  'parity -> tenants',
]);

/** Folders without I/O, clock or randomness. */
const PURE = /^(base\/(kernel|math|wire)\/|.*\/core\/)/;
const IMPURE_IMPORT = /^node:(fs|net|http|https|http2|child_process|worker_threads|timers|dns|tls|os|sqlite)/;
/** `node:crypto` hashes are pure; its randomness is not. */
const IMPURE_CODE =
  /\b(Date\.now\(|new Date\(\)|performance\.now\(|Math\.random\(|randomBytes\(|randomUUID\(|setTimeout\(|setInterval\(|process\.env|fetch\()/;

const layerOf = (file: string): number => LAYERS.findIndex((names) => names.some((name) => file.startsWith(name)));

/** Alias to folder, from package.json: `#kernel/*.ts` is `./src/base/kernel/*.ts`. */
const ALIASES = Object.entries(
  (JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { imports: Record<string, string> }).imports,
).map(([from, to]) => ({ from: from.replace('*.ts', ''), to: to.replace('*.ts', '').replace('./', '') }));

function target(file: string, specifier: string): string | null {
  if (specifier.startsWith('.')) return normalize(join(dirname(join('src', file)), specifier));
  const alias = ALIASES.find(({ from }) => specifier.startsWith(from));
  return alias ? alias.to + specifier.slice(alias.from.length) : null;
}

const IMPORT =
  /(?:^|\n)\s*(?:import|export)\s[^'";]*?from\s*['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]\s*\)|(?:^|\n)import\s+['"]([^'"]+)['"]/g;

const files = globSync('src/**/*.{ts,tsx}', { cwd: root }).map((file) => relative('src', file));

const importsOf = (file: string): string[] =>
  [...readFileSync(join(root, 'src', file), 'utf8').matchAll(IMPORT)].map((match) => match[1] ?? match[2] ?? match[3]!);

const production = files.filter((file) => !/\.(test|contract)\.ts$/.test(file));

test('every import points down or sideways within its own layer', () => {
  const wrong: string[] = [];
  for (const file of production) {
    for (const specifier of importsOf(file)) {
      const to = target(file, specifier);
      if (!to) continue;
      if (!to.startsWith('src/')) wrong.push(`${file} imports ${specifier}: src never imports from outside src`);
      else if (layerOf(to.slice(4)) > layerOf(file)) wrong.push(`${file} imports ${specifier}: that layer is above`);
    }
  }
  assert.deepEqual(wrong, []);
});

test('stores, providers and ledger do not know each other', () => {
  const wrong: string[] = [];
  for (const file of production) {
    const own = LAYERS[4]!.find((name) => file.startsWith(`${name}/`));
    if (!own) continue;
    for (const specifier of importsOf(file)) {
      const to = target(file, specifier)?.slice(4);
      const other = LAYERS[4]!.find((name) => to?.startsWith(`${name}/`));
      if (other && other !== own) wrong.push(`${file} imports ${specifier}`);
    }
  }
  assert.deepEqual(wrong, []);
});

test('capabilities meet only along the edges of the table, and through index.ts', () => {
  const wrong: string[] = [];
  for (const file of files) {
    const own = /^capabilities\/([^/]+)\//.exec(file)?.[1];
    for (const specifier of importsOf(file)) {
      const to = target(file, specifier)?.slice(4) ?? '';
      const other = /^capabilities\/([^/]+)\/(.*)$/.exec(to);
      if (!other || other[1] === own) continue;
      if (own && !CAPABILITY_EDGES.has(`${own} -> ${other[1]}`)) wrong.push(`${file}: no edge ${own} -> ${other[1]}`);
      const door = /^(index|config|routes|cli|thread)\.ts$/.test(other[2]!);
      if (!door) wrong.push(`${file} imports ${specifier}: use the capability's index.ts`);
    }
  }
  assert.deepEqual(wrong, []);
});

test('pure folders do no I/O, read no clock and draw no randomness', () => {
  const wrong: string[] = [];
  for (const file of production.filter((name) => PURE.test(name))) {
    for (const specifier of importsOf(file))
      if (IMPURE_IMPORT.test(specifier)) wrong.push(`${file} imports ${specifier}`);
    const code = readFileSync(join(root, 'src', file), 'utf8').replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
    const match = IMPURE_CODE.exec(code);
    if (match) wrong.push(`${file} uses ${match[0]}: pass \`now\` or \`rng\` in`);
  }
  assert.deepEqual(wrong, []);
});

test('the console takes no value from the gate: what it needs to know comes by the admin API', () => {
  const wrong: string[] = [];
  for (const file of files.filter((name) => name.startsWith('console/') && !name.endsWith('.test.ts'))) {
    const code = readFileSync(join(root, 'src', file), 'utf8');
    for (const [line] of code.matchAll(
      /^(?:import|export) (?!type ).*'#(?:gateway|capabilities|stores|providers|ledger)\/.*$/gm,
    ))
      wrong.push(`${file}: ${line}`);
  }
  assert.deepEqual(wrong, []);
});

test('the client library imports nothing but itself, and the gate nothing of it', () => {
  const wrong: string[] = [];
  for (const file of production) {
    const own = file.startsWith('client/');
    for (const specifier of importsOf(file)) {
      const inside = target(file, specifier)?.startsWith('src/client/') ?? false;
      if (own !== inside && (own || inside)) wrong.push(`${file} imports ${specifier}`);
    }
  }
  assert.deepEqual(wrong, []);
});

test('every file belongs to a layer', () => {
  assert.deepEqual(
    files.filter((file) => layerOf(file) < 0),
    [],
  );
});

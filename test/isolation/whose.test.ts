import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

/*
 * What the compiler cannot say: that a cast makes no key, and that "every tenant" is said at the operator's doors and in
 * the gate's own work alone.
 */

const root = join(import.meta.dirname, '../..');
const code = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*.ts', '*.tsx'], {
  cwd: root,
  encoding: 'utf8',
})
  .split('\n')
  .filter((file) => file !== '' && file !== 'test/isolation/whose.test.ts');
const read = (file: string): string => readFileSync(join(root, file), 'utf8');
const HOME = 'src/base/kernel/whose.ts';

/** The types that only {@link HOME} makes, and their other names. */
const MADE = ['TenantKey', 'KeyPrefix', 'EveryTenant', 'Whose'];
const aliases = code.flatMap((file) => [
  ...[...read(file).matchAll(/export type (\w+) = (?:TenantKey|KeyPrefix)\b/g)].map((found) => found[1]!),
]);
const CAST = new RegExp(`(?:\\bas|<)\\s+(?:readonly\\s+)?(?:${[...MADE, ...aliases].join('|')})\\b`);

test('no file but one casts a text to a key, or makes a Whose', () => {
  assert.ok(aliases.length >= 4, aliases.join());
  assert.match(read(HOME), CAST);
  assert.match('name as PotKey', CAST);
  assert.deepEqual(
    code.filter((file) => file !== HOME && CAST.test(read(file))),
    [],
    'build it with tenantKey, keyUnder or readKey; take a Whose from who asked',
  );
});

/** Where all tenants at once are meant; beside each, who is behind it. */
const DOORS: Readonly<Record<string, string>> = {
  'src/capabilities/tenants/admin/access.ts': 'an operator’s or a reader’s token',
  'src/cli/connect/source.ts': 'whoever owns the folder, or what a token opens',
  'src/cli/flags.ts': 'the same, where no tenant is named',
  'src/capabilities/alerts/readings.ts': 'rules of the operator’s file',
  'src/up/alerts.ts': 'rules of the operator’s file',
  'src/capabilities/tenants/budgets-now.ts': 'rules and reports of the operator',
  'src/capabilities/tenants/limits-now.ts': 'rules and reports of the operator',
  'src/gateway/now/evidence.ts': 'the on-call’s report',
  'src/gateway/streams/died-streams.ts': 'recovery of what an earlier process left',
  'src/gateway/operations/cache.ts': 'operations of the operator’s',
  'src/gateway/operations/providers.ts': 'an operation of the operator’s',
  'src/telemetry/feeds/reader.ts': 'feeds of the operator’s file',
  'src/capabilities/tenants/attribution/report.ts': 'months of the operator’s bill',
  'src/capabilities/tenants/attribution/entries.ts': 'lines of the operator’s bill',
  'src/capabilities/tenants/standing/standings.ts': 'the operator’s list of tenants',
  'src/capabilities/tenants/admin/isolation-routes.ts': 'what two tenants have with one another',
  'src/gateway/quality/judge-plan.ts': 'what a judge of the operator’s file would cost',
  'src/gateway/quality/judge-report.ts': 'what judges cost, for the operator or of one tenant',
  'src/capabilities/tenants/admin/price-desk.ts': 'prices of the operator’s',
  'src/capabilities/tenants/core/scope-index.ts': 'budgets and limits of the operator’s own level',
  'src/capabilities/tenants/gate.ts': 'metrics of the operator’s',
  'src/capabilities/tenants/tenants.ts': 'the start of the process, and its snapshot',
  'src/capabilities/tenants/rebuild.ts': 'the start of the process',
  'src/capabilities/tenants/limit-uses.ts': 'the start of the process',
  'src/capabilities/tenants/quality/book.ts': 'the gate’s own work, which keeps tenants apart',
  'src/gateway/jobs/runner.ts': 'the gate’s own work, each job for its tenant',
  'src/gateway/leaks.ts': 'the watch that finds one tenant’s text in another’s answer',
};

test('every tenant is meant at the operator’s doors and in the gate’s own work alone', () => {
  const said = code.filter(
    (file) =>
      file.startsWith('src/') &&
      file !== HOME &&
      !/\.(test|contract)\.ts$/.test(file) &&
      /\b(everyTenant|namedOr)\(/.test(read(file)),
  );
  assert.deepEqual(said.toSorted(), Object.keys(DOORS).toSorted(), 'a door needs its line here, and a reason');
});

test('no call’s own way asks for every tenant', () => {
  const hot = ['pipeline', 'call', 'settle', 'admission', 'reserve', 'turn', 'body', 'scores'].map(
    (name) => `src/gateway/${name}.ts`,
  );
  for (const file of hot) assert.doesNotMatch(read(file), /everyTenant|namedOr|EveryTenant/, file);
});

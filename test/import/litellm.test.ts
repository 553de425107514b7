import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { startProvider, type Provider } from '#lab/provider/provider.ts';
import { startGate, type GateProcess } from '../harness/gate-process.ts';
import { litellmDatabase, stored, type LitellmDatabase } from './litellm-world.ts';

const root = join(import.meta.dirname, '..', '..');
const DAY = 86_400_000;
const SEARCH = 'sk-search-0123456789abcdef';
const BATCH = 'sk-batch-0123456789abcdef';
const OLD_FORM = 'acme-custom-key-0123456789';

interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

let database: LitellmDatabase | null = null;
let work: string;

async function headgate(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ran> {
  const child = spawn(process.execPath, [join(root, 'bin/headgate.js'), ...args], {
    cwd: work,
    env: { PATH: process.env['PATH'] ?? '', TZ: 'America/New_York', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, stdout, stderr };
}

/** First of the next month in UTC: when a budget of `30d` resets in LiteLLM. */
const nextMonth = (): Date => {
  const now = new Date();
  return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1, 1));
};

const KEY_COLUMNS =
  'token, key_alias, team_id, spend, max_budget, budget_duration, budget_reset_at, models, expires, blocked';
const keyRow = async (db: LitellmDatabase, ...values: readonly unknown[]): Promise<unknown> =>
  db.query(
    `INSERT INTO "LiteLLM_VerificationToken" (${KEY_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
    values,
  );

async function fill(db: LitellmDatabase): Promise<void> {
  const soon = new Date(Date.now() + 3 * DAY);
  await db.query(
    `INSERT INTO "LiteLLM_BudgetTable" (budget_id, max_budget, budget_duration, budget_reset_at, created_by, updated_by)
     VALUES ('b1', 500, '30d', $1, 'x', 'x'), ('b2', 25, '7d', NULL, 'x', 'x')`,
    [nextMonth()],
  );
  await db.query(
    `INSERT INTO "LiteLLM_OrganizationTable" (organization_id, organization_alias, budget_id, spend, created_by, updated_by)
     VALUES ('o1', 'Acme GmbH', 'b1', 321.125, 'x', 'x')`,
  );
  await db.query(
    `INSERT INTO "LiteLLM_TeamTable" (team_id, team_alias, organization_id, models, max_budget, soft_budget, spend, budget_duration, budget_reset_at, rpm_limit)
     VALUES ('t1', 'Growth & Sales', 'o1', '{small,big}', 20, 15, 12.5, '30d', $1, 100)`,
    [nextMonth()],
  );
  await db.query(
    `INSERT INTO "LiteLLM_UserTable" (user_id, user_email, max_budget) VALUES ('u1', 'ada@example.com', 10)`,
  );
  await keyRow(db, stored(SEARCH), 'search', 't1', 19.999, 20, '30d', nextMonth(), ['small', 'gpt-9'], null, null);
  await keyRow(db, stored(BATCH), 'batch', null, 2.5, 10, '3d', new Date(Date.now() + DAY), [], soon, false);
  await keyRow(db, OLD_FORM, null, null, 0.75, null, null, null, [], null, null);
  await keyRow(db, stored('sk-blocked'), 'blocked', 't1', 0, null, null, null, [], null, true);
  await keyRow(db, stored('sk-gone'), 'gone', 't1', 0, null, null, null, [], new Date(Date.now() - DAY), null);
  await keyRow(db, stored('sk-stale'), 'stale', null, 7, 10, '1d', new Date(Date.now() - DAY), [], null, null);
  await db.query(`UPDATE "LiteLLM_VerificationToken" SET user_id = 'u1' WHERE key_alias = 'search'`);
  await db.query(
    `UPDATE "LiteLLM_VerificationToken" SET tpm_limit = 90000, metadata = '{"tags":["eu"]}' WHERE key_alias = 'batch'`,
  );
  await db.query(`INSERT INTO "LiteLLM_EndUserTable" (user_id, budget_id) VALUES ('customer-1', 'b2')`);
  await db.query(
    `INSERT INTO "LiteLLM_ProxyModelTable" (model_id, model_name, litellm_params, created_by, updated_by) VALUES ('m', 'ui', '{}', 'x', 'x')`,
  );
}

const config = (url: string): string => `
model_list:
  - model_name: small
    litellm_params: { model: openai/lab-small, api_base: "${url}/v1", api_key: os.environ/LAB_KEY, input_cost_per_token: 1e-6, output_cost_per_token: 2e-6 }
  - model_name: big
    litellm_params: { model: openai/lab-large, api_base: "${url}/v1", api_key: os.environ/LAB_KEY, input_cost_per_token: 3e-6, output_cost_per_token: 1.5e-5 }
  - model_name: odd
    litellm_params: { model: openai/unpriced, api_base: "${url}/v1", api_key: os.environ/LAB_KEY }
router_settings:
  fallbacks: [{ small: [big] }]
`;

before(async () => {
  work = mkdtempSync(join(tmpdir(), 'headgate-import-'));
  database = await litellmDatabase();
  if (database) await fill(database);
});
after(async () => {
  await database?.drop();
  rmSync(work, { recursive: true, force: true });
});

describe('moving in from LiteLLM', () => {
  let provider: Provider;
  let gate: GateProcess;
  before(async () => {
    provider = await startProvider({ seed: 7 });
    writeFileSync(join(work, 'config.yaml'), config(provider.url));
  });
  after(async () => {
    await gate?.stop();
    await provider?.close();
  });

  const needsDatabase = (): string | false => (database ? false : 'no PostgreSQL answers at HEADGATE_TEST_POSTGRES');
  const importing = (...more: readonly string[]): Promise<Ran> =>
    headgate(
      [
        'import',
        'litellm',
        'config.yaml',
        '--database-url',
        '${env:LITELLM_DB}',
        '--data',
        join(work, 'data'),
        ...more,
      ],
      {
        LITELLM_DB: database!.url,
      },
    );
  const call = (key: string, model: string, body: object = {}): Promise<Response> =>
    fetch(`${gate.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model, messages: [{ role: 'user', content: 'hello' }], max_tokens: 5, ...body }),
    });

  test('a plan changes nothing, names what stays behind, and no secret', async (t) => {
    if (needsDatabase()) return t.skip('no PostgreSQL answers at HEADGATE_TEST_POSTGRES');
    const { code, stdout, stderr } = await importing('--dry-run');
    assert.equal(code, 3, stderr);
    assert.match(stdout, /\+ tenant acme-gmbh +Acme GmbH/);
    assert.match(stdout, /\+ team {3}acme-gmbh\.growth-sales +Growth & Sales/);
    assert.match(
      stdout,
      /\+ key {4}search +acme-gmbh\.growth-sales +small\n/,
      'the models of the key that its team may call',
    );
    assert.match(stdout, /\+ budget tenant acme-gmbh +\$500\.00 a month \(UTC\), of it \$321\.12 spent before/);
    assert.match(stdout, /\+ budget key batch +\$10\.00 per rolling 259200s, of it \$2\.50 spent before/);
    assert.match(stdout, /rpm_limit: 100 +LiteLLM_TeamTable “Growth & Sales”/);
    assert.match(stdout, /tpm_limit: 90000 +LiteLLM_VerificationToken “batch”/);
    assert.match(stdout, /metadata\.tags/);
    assert.match(stdout, /1 row .*LiteLLM_EndUserTable/);
    assert.match(stdout, /1 row .*LiteLLM_ProxyModelTable/);
    assert.match(stdout, /budgets of 1 people/);
    assert.match(stdout, /it is blocked/);
    assert.match(stdout, /it expired at/);
    assert.match(stdout, /nothing is changed yet/);
    assert.match(stdout, /~ \S+\/unpriced has no known price/);
    assert.doesNotMatch(stdout, /lab-small has no known price/);
    for (const secret of [OLD_FORM, stored(SEARCH), stored(BATCH), database!.url])
      assert.ok(!(stdout + stderr).includes(secret));
    assert.equal(existsSync(join(work, 'data')), false);
    assert.equal(existsSync(join(work, 'headgate.litellm.yaml')), false);
    const json = JSON.parse((await importing('--dry-run', '--json')).stdout);
    assert.equal(json.version, 1);
    assert.ok(!JSON.stringify(json).includes(OLD_FORM) && !JSON.stringify(json).includes(stored(SEARCH)));
    assert.equal((await database!.query(`SELECT count(*)::int AS n FROM "LiteLLM_VerificationToken"`))[0]!['n'], 6);
  });

  test('without a word of consent a script changes nothing', async (t) => {
    if (needsDatabase()) return t.skip('no PostgreSQL answers at HEADGATE_TEST_POSTGRES');
    const { code, stderr } = await importing();
    assert.equal(code, 2);
    assert.match(stderr, /error usage: Nothing was changed.*\nhint: add --yes/);
    assert.equal(existsSync(join(work, 'headgate.litellm.yaml')), false);
  });

  test('with no gate running, the store and the file are written, once however often it is repeated', async (t) => {
    if (needsDatabase()) return t.skip('no PostgreSQL answers at HEADGATE_TEST_POSTGRES');
    const first = await importing('--yes');
    assert.equal(first.code, 3, first.stderr);
    assert.match(first.stdout, /wrote headgate\.litellm\.yaml/);
    const again = await importing('--yes', '--force');
    assert.match(again.stdout, /there already: 2 tenants, 1 team, 4 keys, 5 budgets/);
    assert.match(again.stdout, /made 0 objects/);
  });

  test('the gate that starts on both serves issued keys, and budgets go on from what was spent', async (t) => {
    if (needsDatabase()) return t.skip('no PostgreSQL answers at HEADGATE_TEST_POSTGRES');
    const dataDir = mkdtempSync(join(tmpdir(), 'headgate-import-data-'));
    t.after(() => rmSync(dataDir, { recursive: true, force: true }));
    const moved = await headgate([
      'import',
      'litellm',
      'config.yaml',
      '--database-url',
      database!.url,
      '--data',
      join(dataDir, 'state'),
      '--out',
      'two.yaml',
      '--unknown-price',
      '0.01',
      '--yes',
    ]);
    assert.equal(moved.code, 3, moved.stderr);
    gate = await startGate({ dataDir, env: { LAB_KEY: 'lab' }, config: readFileSync(join(work, 'two.yaml'), 'utf8') });
    assert.equal((await call(BATCH, 'small')).status, 200);
    assert.equal((await call(OLD_FORM, 'big')).status, 200);
    assert.equal((await call('sk-blocked', 'small')).status, 401);
    assert.equal((await call(SEARCH, 'big')).status, 404, 'its own list has no big');
    const refused = await call(SEARCH, 'small', { max_tokens: 4_000 });
    assert.equal(refused.status, 402, 'a tenth of a cent is left, less than this call may cost');
    const { error } = (await refused.json()) as { error: { message: string } };
    assert.match(error.message, /budget of this key .*used \$19\.999/);
    assert.equal((await call(SEARCH, 'small')).status, 200, 'a call that fits is served');
    const { budgets } = await gate.admin('GET', '/budgets');
    const of = (level: string, limit: string): any =>
      budgets.find(({ scope, limitUsd }: any) => scope.level === level && limitUsd === limit);
    assert.ok(budgets.every(({ unknownPriceUsd }: any) => unknownPriceUsd === '0.01'));
    const team = of('team', '20');
    assert.equal(team.opening.spentUsd, '12.5');
    assert.deepEqual(team.warnAt, [0.75]);
    assert.ok(Number(of('tenant', '500').spentUsd) >= 321.125);
    const rolling = budgets.find(({ window }: any) => window.kind === 'rolling');
    const leaves = Date.parse(rolling.opening.at) + rolling.window.ms;
    assert.ok(Math.abs(leaves - (Date.now() + DAY)) < 120_000, 'it leaves when LiteLLM would have reset it');
    const stale = budgets.find(({ window }: any) => window.unit === 'day');
    assert.equal(stale.opening, null, 'what belongs to a window that is over is not carried over');
    const { keys } = await gate.admin('GET', '/keys');
    assert.equal(keys.find(({ name }: any) => name === 'search').owner, 'ada@example.com');
  });

  test('a running gate takes it by its admin API', async (t) => {
    if (needsDatabase()) return t.skip('no PostgreSQL answers at HEADGATE_TEST_POSTGRES');
    const other = await startGate({ config: 'providers: {}' });
    t.after(() => other.stop());
    const data = join(other.dataDir, 'state');
    const args = [
      'import',
      'litellm',
      'config.yaml',
      '--database-url',
      database!.url,
      '--data',
      data,
      '--out',
      'three.yaml',
      '--yes',
    ];
    const moved = await headgate(args);
    assert.equal(moved.code, 3, moved.stderr);
    assert.match(moved.stdout, /made 12 objects in the gate at http/);
    const me = await fetch(`${other.url}/v1/headgate/me`, { headers: { authorization: `Bearer ${SEARCH}` } });
    assert.equal(me.status, 200);
    assert.equal(((await me.json()) as { team: { name: string } }).team.name, 'Growth & Sales');
    const { entries } = await other.admin('GET', '/audit');
    assert.ok(entries.some(({ action }: any) => action === 'key.import'));
  });

  test('a database of an older LiteLLM, without the newer columns and tables, is read as far as it goes', async (t) => {
    if (needsDatabase()) return t.skip('no PostgreSQL answers at HEADGATE_TEST_POSTGRES');
    const older = await litellmDatabase('older');
    t.after(() => older!.drop());
    await fill(older!);
    // As of a953319778054b3a32dd2500f13f71dedeac09fe these were not there.
    for (const column of ['budget_limits', 'router_settings', 'project_id', 'object_permission_id'])
      await older!.query(`ALTER TABLE "LiteLLM_VerificationToken" DROP COLUMN ${column}`);
    for (const column of ['soft_budget', 'budget_limits', 'router_settings'])
      await older!.query(`ALTER TABLE "LiteLLM_TeamTable" DROP COLUMN ${column}`);
    for (const table of ['TagTable', 'ProjectTable', 'DeprecatedVerificationToken'])
      await older!.query(`DROP TABLE "LiteLLM_${table}"`);
    const args = ['import', 'litellm', 'config.yaml', '--database-url', older!.url, '--data', join(work, 'older')];
    const { code, stdout, stderr } = await headgate([...args, '--dry-run', '--json']);
    assert.equal(code, 3, stderr);
    const { state } = JSON.parse(stdout);
    assert.deepEqual([state.keys.length, state.budgets.length, state.teams.length], [4, 5, 1]);
  });

  test('keys come from an export as well', async () => {
    writeFileSync(
      join(work, 'keys.csv'),
      `token,key_alias,team_id,team_alias,spend,max_budget,budget_duration,models,expires\n${stored(SEARCH)},search,t1,"Growth, EU",3.25,20,30d,"{small,""a b""}",\n${stored(BATCH)},batch,,,0,,,{},2099-01-01 00:00:00\n`,
    );
    const args = [
      'import',
      'litellm',
      'config.yaml',
      '--keys',
      'keys.csv',
      '--data',
      join(work, 'csv'),
      '--dry-run',
      '--json',
    ];
    const { code, stdout, stderr } = await headgate(args);
    assert.equal(code, 0, stderr);
    const { state } = JSON.parse(stdout);
    assert.deepEqual(state.teams, [{ id: 'main.growth-eu', tenant: 'main', slug: 'growth-eu', name: 'Growth, EU' }]);
    assert.deepEqual(state.keys[0].models, ['small', 'a b']);
    assert.equal(state.keys[1].expiresAt, '2099-01-01T00:00:00.000Z');
    assert.equal(state.budgets[0].opening.spentUsd, '3.25');
  });

  test('an export that is damaged changes nothing, and names the record', async () => {
    for (const [column, value] of [
      ['expires', 'soon'],
      ['spend', 'much'],
    ] as const) {
      writeFileSync(
        join(work, 'bad.csv'),
        `token,key_alias,${column}\n${stored('sk-a')},a,\n${stored('sk-b')},b,${value}\n`,
      );
      const { code, stderr } = await headgate(['import', 'litellm', 'config.yaml', '--keys', 'bad.csv', '--yes']);
      assert.equal(code, 2);
      assert.match(stderr, new RegExp(`bad\\.csv, record 2: .${column}. is no`));
    }
    writeFileSync(join(work, 'bad.csv'), 'alias\nx\n');
    assert.match(
      (await headgate(['import', 'litellm', 'config.yaml', '--keys', 'bad.csv'])).stderr,
      /no column `token`/,
    );
  });

  test('a database that is none of LiteLLM’s, and one that does not answer, change nothing', async () => {
    for (const url of ['mysql://x/y', 'postgresql://postgres@127.0.0.1:9/none']) {
      const { code, stderr } = await headgate(['import', 'litellm', 'config.yaml', '--database-url', url, '--yes']);
      assert.equal(code, 2);
      assert.match(stderr, /^error (usage|import_database): .*\nhint: /);
    }
  });
});

import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { adminAnswer, auditOf, callWith, commandLine, declare, sha256, startWorld } from './declared-world.ts';
import { restart, type DeclaredWorld } from './declared-world.ts';

const WEB = 'hg_web_secret_0123456789abcdefghij';
const BATCH = 'hg_batch_secret_0123456789abcdefgh';
const NEXT = 'hg_web_secret_of_next_month_012345';

const NIGHTLY = 'hg_nightly_secret_0123456789abcdefg';

interface Shape {
  readonly tenants?: string;
  readonly web?: string;
  readonly more?: string;
  readonly budgets?: string;
}

const declared = ({
  tenants = '  acme: { name: Acme Ltd, teams: { core: {} } }\n  globex: {}',
  web = `  web: { tenant: acme, team: core, sha256: ${sha256(WEB)}, defaultFeature: search, rights: { labels: [env] } }`,
  more = '  batch: { tenant: globex, raw: "${env:BATCH_KEY}", models: ["m*"] }',
  budgets = '  acme-month: { level: tenant, tenant: acme, limitUsd: 20, contact: finance@example.com }\n  web-day: { level: key, tenant: acme, id: web, limitUsd: "1.50", window: day }',
}: Shape = {}): string =>
  `tenants:\n${tenants}\nkeys:${web || more ? '' : ' {}'}\n${web}\n${more}\nbudgets:${budgets ? '' : ' {}'}\n${budgets}\n`;

const named = (rows: any[], path: string): any => rows.find((row) => row.declared?.path === path);

describe('tenants, keys and budgets that the file declares', () => {
  let world: DeclaredWorld;
  const headgate = (args: readonly string[]) => commandLine(join(world.folder, 'state'), args, { BATCH_KEY: BATCH });
  const list = async (kind: string): Promise<any[]> => (await world.gate.admin('GET', `/${kind}`))[kind];

  before(async () => {
    world = await startWorld(declared(), { BATCH_KEY: BATCH });
  });
  after(async () => {
    await world?.gate.stop();
    await world?.provider.close();
    if (world) rmSync(world.folder, { recursive: true, force: true });
  });

  test('they serve from the first call, and no demo tenant is made beside them', async () => {
    assert.equal(world.gate.key, '');
    assert.equal(await callWith(world, WEB), '200');
    assert.equal(await callWith(world, BATCH), '200');
    assert.deepEqual((await list('tenants')).map(({ id }) => id).sort(), ['acme', 'globex']);
    const me = await fetch(`${world.gate.url}/v1/headgate/me`, { headers: { authorization: `Bearer ${WEB}` } });
    const { key, team, defaultFeature, budgets } = (await me.json()) as any;
    assert.deepEqual([key.name, team.id, defaultFeature], ['web', 'acme.core', 'search']);
    assert.deepEqual(
      budgets.map(({ scope, limitUsd }: any) => [scope, limitUsd]),
      [
        ['tenant', '20'],
        ['key', '1.5'],
      ],
    );
  });

  test('lists say where each row comes from', async () => {
    const file = join(world.folder, 'headgate.yaml');
    const rows = [...(await list('tenants')), ...(await list('teams')), ...(await list('keys'))];
    const places = [...rows, ...(await list('budgets'))].map((row) => row.declared);
    assert.deepEqual(
      places.map(({ path }) => path).sort(),
      [
        'budgets.acme-month',
        'budgets.web-day',
        'keys.batch',
        'keys.web',
        'tenants.acme',
        'tenants.acme.teams.core',
      ].concat('tenants.globex'),
    );
    assert.deepEqual(new Set(places.map((place) => place.file)), new Set([file]));
    await world.gate.admin('POST', '/tenants', { id: 'by-api' });
    assert.equal((await world.gate.admin('GET', '/tenants/by-api')).declared, null);
  });

  test('each row has its audit entry, by the configuration and its hash, and no secret', async () => {
    const entries = (await auditOf(world)).filter(({ actor }) => actor !== 'admin');
    assert.equal(entries.length, 7);
    const hashes = new Set(entries.map(({ actor }) => /^configuration:([0-9a-f]{16})$/.exec(actor)?.[1]));
    assert.equal(hashes.size, 1);
    const { calls } = await world.gate.admin('GET', '/calls?limit=1');
    if (calls.length > 0) assert.ok(hashes.has(calls[0].configHash));
    assert.deepEqual(entries.map(({ action }) => action).sort(), [
      'budget.create',
      'budget.create',
      'key.create',
      'key.create',
      'team.create',
      'tenant.create',
      'tenant.create',
    ]);
    assert.doesNotMatch(JSON.stringify(entries), new RegExp(`${WEB}|${BATCH}|${sha256(WEB)}|"secret"`));
  });

  test('the API refuses to change each of them, and names file and key path', async () => {
    const key = named(await list('keys'), 'keys.web').id;
    const budget = named(await list('budgets'), 'budgets.acme-month').id;
    const before = (await auditOf(world)).length;
    const asked: readonly (readonly [string, string, object, string])[] = [
      ['POST', '/tenants', { id: 'acme' }, 'tenants.acme'],
      ['PATCH', '/tenants/acme', { disabled: true }, 'tenants.acme'],
      ['POST', '/teams', { tenant: 'acme', name: 'core' }, 'tenants.acme.teams.core'],
      ['PATCH', '/teams/acme.core', { disabled: true }, 'tenants.acme.teams.core'],
      ['PATCH', `/keys/${key}`, { operator: true }, 'keys.web'],
      ['POST', `/keys/${key}/rotate`, {}, 'keys.web'],
      ['POST', `/keys/${key}/revoke`, {}, 'keys.web'],
      ['PATCH', `/budgets/${budget}`, { limitUsd: '99' }, 'budgets.acme-month'],
      ['POST', `/budgets/${budget}/raise`, { byUsd: '1', for: '1h', reason: 'x' }, 'budgets.acme-month'],
      ['DELETE', `/budgets/${budget}`, {}, 'budgets.acme-month'],
    ];
    for (const [method, path, body, place] of asked) {
      const answer = await adminAnswer(world, method, path, body);
      assert.equal(answer.status, 409, `${method} ${path}`);
      assert.equal(answer.body.error.code, 'declared_in_file');
      assert.match(answer.body.error.message, new RegExp(`headgate\\.yaml under \`${place}\``));
      assert.deepEqual(answer.body.error.headgate, { file: join(world.folder, 'headgate.yaml'), path: place });
    }
    assert.equal((await auditOf(world)).length, before);
    // What is not declared goes on by API, a key of a declared tenant too.
    const made = await world.gate.admin('POST', '/keys', { tenant: 'acme', name: 'by hand' });
    assert.equal(await callWith(world, made.key), '200');
  });

  test('the same file again changes nothing', async () => {
    const before = await auditOf(world);
    assert.match(await declare(world, declared()), /configuration reloaded/);
    assert.deepEqual(await auditOf(world), before);
  });

  test('a changed file is taken up: limit, settings, and a secret with overlap', async () => {
    const id = named(await list('keys'), 'keys.web').id;
    const web = `  web: { tenant: acme, team: core, sha256: ${sha256(NEXT)}, name: web prod, overlap: 1h }`;
    const budgets = '  acme-month: { level: tenant, tenant: acme, limitUsd: 30, mode: strict }';
    const log = await declare(world, declared({ web, budgets }));
    assert.match(log, /"actions":\{"key\.rotate":1,"budget\.update":1,"budget\.remove":1\}/);
    assert.equal(await callWith(world, NEXT), '200');
    assert.equal(await callWith(world, WEB), '200');
    const key = named(await list('keys'), 'keys.web');
    assert.deepEqual([key.id, key.name, key.defaultFeature, key.previousUntil.length], [id, 'web prod', null, 1]);
    const [budget] = await list('budgets');
    assert.deepEqual([budget.limitUsd, budget.mode, budget.contact], ['30', 'strict', null]);
    assert.equal((await list('budgets')).length, 1);
    const web0 = `  web: { tenant: acme, team: core, sha256: ${sha256(WEB)}, overlap: 0s }`;
    await declare(world, declared({ web: web0, budgets }));
    assert.equal(await callWith(world, NEXT), '401 invalid_api_key');
    assert.equal(await callWith(world, WEB), '200');
  });

  test('what is gone from the file ends: key revoked, tenant and team disabled, budget removed', async () => {
    const acme = '  acme: { name: Acme Ltd }';
    await declare(world, declared({ tenants: acme, web: '', more: '', budgets: '' }));
    assert.equal(await callWith(world, WEB), '401 key_revoked');
    assert.equal(await callWith(world, BATCH), '401 key_revoked');
    assert.notEqual((await world.gate.admin('GET', '/tenants/globex')).disabledAt, null);
    const [team] = await list('teams');
    assert.notEqual(team.disabledAt, null);
    assert.deepEqual(await list('budgets'), []);
    const gone = (await auditOf(world)).filter(({ detail }) => detail.why === 'its declaration is gone');
    assert.deepEqual(gone.map(({ action, detail }) => `${action} ${detail.path}`).sort(), [
      'budget.remove budgets.acme-month',
      'budget.remove budgets.web-day',
      'key.revoke keys.batch',
      'key.revoke keys.web',
      'team.update tenants.acme.teams.core',
      'tenant.update tenants.globex',
    ]);
    // What the file let go is the API's again.
    assert.equal((await adminAnswer(world, 'PATCH', '/tenants/globex', { disabled: false })).status, 200);
  });

  test('a declaration that comes back brings its key back, under the same id', async () => {
    const id = (await list('keys')).find(({ name }) => name === 'web').id;
    await declare(world, declared());
    assert.equal(await callWith(world, WEB), '200');
    assert.equal(named(await list('keys'), 'keys.web').id, id);
    assert.equal(await callWith(world, BATCH), '200');
  });

  test('a renamed key is the same key, and its secret may come from a file', async () => {
    const id = named(await list('keys'), 'keys.web').id;
    const secret = join(world.folder, 'web.key');
    writeFileSync(secret, `${WEB}\n`);
    const web = `  web-prod: { tenant: acme, raw: "\${file:${secret}}" }`;
    const budgets = '  web-day: { level: key, tenant: acme, id: web-prod, limitUsd: 2, window: day }';
    await declare(world, declared({ web, budgets }));
    assert.equal(named(await list('keys'), 'keys.web-prod').id, id);
    assert.equal((await list('budgets'))[0].scope.id, id);
    assert.equal(await callWith(world, WEB), '200');
    // The file of the secret is another, headgate.yaml is the same: SIGHUP reads both.
    writeFileSync(secret, NEXT);
    await declare(world, declared({ web, budgets }));
    assert.equal(await callWith(world, NEXT), '200');
    writeFileSync(secret, WEB);
    await declare(world, declared({ web, budgets }));
    await declare(world, declared());
    assert.equal(named(await list('keys'), 'keys.web').id, id);
  });

  test('a bad file changes nothing, and every problem has its line', async () => {
    const before = await auditOf(world);
    const log = await declare(
      world,
      declared({
        web: `  web: { tenant: acmee, sha256: ${sha256(WEB)} }\n  clear: { tenant: acme, raw: hg_in_the_clear_0123456789 }`,
      }),
    );
    assert.match(log, /config_invalid: keys\.clear\.raw: a secret is a reference/);
    assert.doesNotMatch(log, /in_the_clear/);
    const second = await declare(
      world,
      declared({
        web: `  web: { tenant: acmee, sha256: ${sha256(WEB)} }\n  two: { tenant: acme, team: cor, sha256: ${sha256(BATCH)}, defaultFeature: serach }`,
        budgets: '  b: { level: key, tenant: acme, id: webb, limitUsd: 1 }\n  c: { level: tenant, limitUsd: 1 }',
      }),
    );
    const line = second.split('\n').find((text) => text.includes('acmee') && text.includes('serach'))!;
    const why = String(JSON.parse(line).why);
    for (const says of [
      /keys\.web: there is no tenant `acmee`.*\n  .*headgate\.yaml:\d+\n  did you mean `acme`/,
      /keys\.two: the tenant `acme` has no team `cor`.*\n  .*headgate\.yaml:\d+\n  did you mean `acme\.core`/,
      /keys\.two: defaultFeature: there is no feature `serach`.*\n  .*\n  did you mean `search`/,
      /keys\.batch: keys\.two has the same secret/,
      /budgets\.b: the tenant `acme` has no key `webb`/,
      /budgets\.c: A budget of a tenant names its tenant/,
    ])
      assert.match(why, says);
    assert.deepEqual(await auditOf(world), before);
    assert.equal(await callWith(world, WEB), '200');
    await declare(world, declared());
  });

  test('a row that the API made is taken over under its id, and the log says so', async () => {
    const raw = 'hg_made_by_hand_0123456789abcdefghi';
    const made = await world.gate.admin('POST', '/keys/import', { tenant: 'acme', name: 'old', raw });
    const same = await world.gate.admin('POST', '/keys', { tenant: 'acme', name: 'nightly' });
    const budget = await world.gate.admin('POST', '/budgets', { level: 'tenant', tenant: 'by-api', limitUsd: '5' });
    const log = await declare(
      world,
      declared({
        tenants: '  acme: { name: Acme Ltd, teams: { core: {} } }\n  globex: {}\n  by-api: { name: Now in git }',
        more: `  legacy: { tenant: acme, sha256: ${sha256(raw)} }\n  nightly: { tenant: acme, sha256: ${sha256(NIGHTLY)} }`,
        budgets: '  theirs: { level: tenant, tenant: by-api, limitUsd: 7 }',
      }),
    );
    for (const [path, id] of [
      ['keys.legacy', made.id],
      ['keys.nightly', same.id],
      ['tenants.by-api', 'by-api'],
      ['budgets.theirs', budget.id],
    ])
      assert.match(log, new RegExp(`"path":"${path}","id":"${id}","msg":"a row that the API had made is taken over`));
    assert.equal(await callWith(world, raw), '200');
    assert.equal(await callWith(world, NIGHTLY), '200');
    assert.equal(await callWith(world, same.key), '200', 'the secret before goes on for the overlap');
    assert.equal((await world.gate.admin('GET', '/tenants/by-api')).name, 'Now in git');
    assert.deepEqual(
      (await list('budgets')).map(({ id, limitUsd }) => [id, limitUsd]),
      [[budget.id, '7']],
    );
  });

  test('a secret that was revoked by hand does not come back by the file', async () => {
    const raw = 'hg_leaked_0123456789abcdefghijklmn';
    const made = await world.gate.admin('POST', '/keys/import', { tenant: 'acme', name: 'leaked', raw });
    await world.gate.admin('POST', `/keys/${made.id}/revoke`, {});
    const before = await auditOf(world);
    const more = `  fresh: { tenant: globex, sha256: ${sha256('hg_fresh_0123456789abcdefghijklmn')} }`;
    const log = await declare(world, declared({ more: `${more}\n  again: { tenant: acme, sha256: ${sha256(raw)} }` }));
    assert.match(log, /config_conflict: keys\.again: .*was revoked[\s\S]*headgate\.yaml:\d+/);
    assert.deepEqual(await auditOf(world), before);
    assert.equal(await callWith(world, raw), '401 key_revoked');
  });

  test('the command line shows the file as the source, and says where to change', async () => {
    await declare(world, declared());
    const tenants = await headgate(['tenants', 'list']);
    assert.match(tenants.stdout, /^acme +Acme Ltd +active +file: acme /m);
    const keys = (await headgate(['keys', 'list'])).stdout;
    assert.match(keys, /web .* file: web /);
    assert.match(keys, /by hand .* API /);
    assert.match((await headgate(['budgets', 'list'])).stdout, /tenant acme .* file: acme-month$/m);
    assert.match((await headgate(['teams', 'list'])).stdout, /^acme\.core .* file: acme\.teams\.core /m);
    const refused = await headgate(['tenants', 'disable', 'acme']);
    assert.equal(refused.code, 2);
    assert.match(
      refused.stderr,
      /^error declared_in_file: .*headgate\.yaml under `tenants\.acme`.*\nhint: Change the file/,
    );
  });

  test('check --plan shows what a file would change, beside a running gate, and changes nothing', async () => {
    await declare(world, declared());
    await world.gate.admin('POST', '/keys', { tenant: 'globex', name: 'nightly' });
    const before = await auditOf(world);
    const file = join(world.folder, 'next.yaml');
    const web = `  web: { tenant: acme, team: core, sha256: ${sha256(NEXT.toUpperCase())}, owner: web team }`;
    const nightly = `  nightly: { tenant: globex, sha256: ${sha256(NIGHTLY.toUpperCase())} }`;
    const budgets = '  acme-month: { level: tenant, tenant: acme, limitUsd: 25, contact: finance@example.com }';
    const tenants = '  acme: { name: Acme Ltd, teams: { core: {} } }\n  globex: {}\n  initech: {}';
    const present = readFileSync(join(world.folder, 'headgate.yaml'), 'utf8');
    writeFileSync(
      file,
      present.slice(0, present.indexOf('tenants:')) + declared({ tenants, web, more: nightly, budgets }),
    );
    const { code, stdout, stderr } = await headgate(['check', '--plan', file]);
    assert.equal(code, 0, stdout + stderr);
    for (const line of [
      /^6 rows would change in .*state$/m,
      /^ {2}\+ tenant\.create +tenants\.initech$/m,
      /^ {2}~ key\.rotate +keys\.web +(?=.*\bowner\b)(?=.*\bsecret\b)/m,
      /^ {2}~ key\.rotate +keys\.nightly +takes over key_\w+: .*secret/m,
      /^ {2}~ budget\.update +budgets\.acme-month +limitUsd$/m,
      /^ {2}- key\.revoke +keys\.batch +key_\w+: its declaration is gone$/m,
      /^ {2}- budget\.remove +budgets\.web-day +bud_\w+: its declaration is gone$/m,
    ])
      assert.match(stdout, line);
    const { plan } = JSON.parse((await headgate(['check', '--plan', '--json', file])).stdout);
    assert.deepEqual(plan.steps.map(({ kind }: any) => kind).toSorted(), [
      'changed',
      'changed',
      'changed',
      'ends',
      'ends',
      'new',
    ]);
    assert.deepEqual(await auditOf(world), before);
    assert.match(
      (await headgate(['check', '--plan', join(world.folder, 'headgate.yaml')])).stdout,
      /nothing would change/,
    );
    const leaked = `  again: { tenant: acme, sha256: ${sha256('hg_leaked_0123456789abcdefghijklmn')} }`;
    writeFileSync(file, present.slice(0, present.indexOf('tenants:')) + declared({ more: leaked }));
    const refused = await headgate(['check', '--plan', file]);
    assert.equal(refused.code, 2);
    assert.match(refused.stdout, /config_conflict: keys\.again: .*revoked[\s\S]*next\.yaml:\d+/);
    assert.equal((await headgate(['check', file])).code, 0, 'the file alone is good');
  });

  test('what left the file while no gate ran has ended at the next start', async () => {
    await declare(world, declared());
    assert.equal(await callWith(world, BATCH), '200');
    await world.gate.kill();
    const gate = await restart(world, declared({ more: '' }), { BATCH_KEY: BATCH });
    world = { ...world, gate };
    assert.equal(await callWith(world, BATCH), '401 key_revoked');
    assert.equal(await callWith(world, WEB), '200');
  });

  test('without a gate, lists still say which rows the file declares', async () => {
    await world.gate.kill();
    const { stdout, stderr } = await headgate(['keys', 'list']);
    assert.match(stderr, /no gate is running/);
    assert.match(stdout, /web .* file: web /);
  });

  test('a file that the state refuses does not start, and says where', async () => {
    const raw = 'hg_leaked_0123456789abcdefghijklmn';
    const more = `  again: { tenant: acme, sha256: ${sha256(raw)} }`;
    const started = restart(world, declared({ more }));
    await assert.rejects(
      started,
      /ended with 2[\s\S]*config_conflict: keys\.again: .*revoked[\s\S]*headgate\.yaml:12\nhint: the file is good by itself/,
    );
  });
});

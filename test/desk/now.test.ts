import assert from 'node:assert/strict';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { epochMs } from '#kernel/brand.ts';
import { usdDecimal } from '#kernel/money.ts';
import { everyTenant } from '#kernel/whose.ts';
import { openSqliteLedger } from '#stores/sqlite/ledger-store.ts';
import { commandLine } from '../declared/declared-world.ts';
import { temporaryFolder } from '../harness/gate-process.ts';
import { chat, deskConfig, endDesk, startDesk, type DeskWorld } from './drain-world.ts';
import { cut, leaving, overloaded, slower, writeIncident } from './incident.ts';

/** Without the breaks of a narrow terminal. */
const unwrapped = (text: string): string => text.replaceAll(/\n {6}(?! |>)/g, ' ');

describe('headgate now without a gate', () => {
  const folder = temporaryFolder('now');
  after(() => rmSync(folder, { recursive: true, force: true }));
  const run = (data: string, ...args: string[]) => commandLine(join(folder, data), ['now', ...args], { COLUMNS: '80' });

  test('a provider that began to fail: since when, after what, whom it hurts, and what to type', async () => {
    const turn = overloaded('provider-3', 0.7);
    const wait = slower('tenant-6', 8);
    const data = join(folder, 'trouble');
    await writeIncident(data, { entries: 16_000, minutes: 20, turn: (entry, draw) => wait(turn(entry, draw), draw) });
    const { code, stdout, stderr } = await run('trouble');
    assert.equal(code, 3, stderr);
    assert.match(stdout, /^TROUBLE  1 bad, 1 to look at · /);
    assert.match(stdout, /BAD   Provider provider-3 fails [67]\d\.\d % of its attempts since about \d\d:\d\d\./);
    assert.match(stdout, /why: [\d,]+ × 529 overloaded_error/);
    assert.match(stdout, /it began after: price\.set openai\/gpt-5 \(\d\d:\d\d, admin\)/);
    assert.match(stdout, /hurts: tenants tenant-\d+, /);
    assert.match(stdout, /> headgate calls list --provider provider-3 --outcome provider_error --since 1h/);
    assert.match(stdout, /WARN  Tenant tenant-6: p99 is .*, usually /);
    assert.match(stdout, /not known: no gate is running/);
    const lines = stdout.split('\n').filter((line) => !line.includes('> headgate'));
    assert.deepEqual(
      lines.filter((line) => line.length > 80),
      [],
    );
    const report = JSON.parse((await run('trouble', '--json')).stdout);
    assert.deepEqual([report.version, report.report, report.verdict, report.source], [1, 'now', 'trouble', 'store']);
    assert.equal(report.changes.length, 1, 'only the last hour');
    assert.equal(report.node, null);
    const longer = JSON.parse((await run('trouble', '--since', '6h', '--json')).stdout);
    assert.equal(longer.changes.length, 2);
  });

  test('streams that are lost more often than usual: by deployment and protocol, against the week before, with the money', async () => {
    const [cuts, leaves] = [cut('provider-3/small', 0.06), leaving(0.2)];
    const data = join(folder, 'streams');
    await writeIncident(data, { entries: 16_000, minutes: 60, turn: (entry, draw) => leaves(cuts(entry, draw), draw) });
    const { stdout } = await run('streams');
    const money = String.raw`≥?≈?\$[\d,.]+`;
    assert.match(
      unwrapped(stdout),
      new RegExp(
        String.raw`WARN  Deployment provider-3/small: \d+ of [\d,]+ streams \([3-9]\.\d %\) were cut by their provider before the end, usually none of [\d,]+; ${money} paid in vain\.`,
      ),
    );
    assert.match(
      unwrapped(stdout),
      new RegExp(
        String.raw`Streams over sse: [\d,]+ of [\d,]+ streams \((1[5-9]|2\d)\.\d %\) lost their reader before the end, usually none of [\d,]+; at most ${money} paid in vain\.`,
      ),
    );
    assert.match(stdout, /> headgate calls list --outcome truncated --deployment provider-3\/small --since 1h/);
    assert.match(stdout, /> headgate streams report --by client,tenant --protocol sse --since 1h/);
    const report = JSON.parse((await run('streams', '--json')).stdout);
    // The judge is the spend of the same window: other rows, and another way to sum them.
    const ledger = openSqliteLedger(join(data, 'ledger.db'));
    const [from, to] = [report.window.from, report.window.to].map((at) => epochMs(Date.parse(at)));
    const by = ['deployment', 'outcome'] as const;
    const own = (
      await ledger.spend({ whose: everyTenant('a test'), from: from!, to: epochMs(to! + 1), by, sketches: false })
    ).find((row) => row.by[0] === 'provider-3/small' && row.by[1] === 'truncated')!;
    await ledger.close();
    const said = report.streams.find(({ how }: any) => how === 'cut');
    assert.equal(report.streams.length, 2);
    assert.deepEqual([said.lost, said.costUsd], [own.calls, usdDecimal(own.costNanoUsd)]);
  });

  test('calm: nothing needs anybody, and the exit code says so', async () => {
    await writeIncident(join(folder, 'calm'), { entries: 8_000, minutes: 0, turn: (entry) => entry });
    const { code, stdout } = await run('calm');
    assert.equal(code, 0, stdout);
    assert.match(stdout, /^CALM  nothing needs you · /);
    assert.match(stdout, /nobody is hurt: \d+ tenants, features and models are at their usual/);
    assert.equal((await run('calm', '--since', '8d')).code, 2);
  });
});

describe('headgate now beside a gate', () => {
  let world: DeskWorld;
  before(async () => {
    world = await startDesk();
  });
  after(() => endDesk(world));
  const state = (name = ''): string => join(world.folder, 'state', name);
  const now = () => commandLine(state(), ['now'], { COLUMNS: '100' });
  const json = () => world.gate.admin('GET', '/now');

  test('a failing deployment that a fallback hides, refusals, a budget, a refused file and a drain, each with its command', async () => {
    await world.gate.until('calm', async () => (await json()).verdict === 'calm');
    world.a.setFaults([{ fault: '500', from: 1 }]);
    for (let i = 0; i < 25; i++) assert.equal((await chat(world, 'pair')).status, 200);
    const budget = await world.gate.admin('POST', '/budgets', {
      level: 'feature',
      tenant: 'demo',
      id: 'search',
      limitUsd: '0',
    });
    for (let i = 0; i < 6; i++) await chat(world, 'pair', { headers: { 'x-headgate-feature': 'search' } });
    writeFileSync(join(world.folder, 'headgate.yaml'), `${deskConfig(world.a.url, world.b.url)}\nretri: {}\n`);
    await world.gate.until('the file is refused', () => /is not used/.test(world.gate.stderr()));
    await world.gate.until('the calls are in the store', async () => (await json()).totals?.calls >= 25);
    const { code, stdout } = await now();
    assert.equal(code, 3, stdout);
    assert.match(stdout, /BAD   Deployment east\/lab-small fails 100\.0 % of its attempts/);
    assert.match(
      stdout,
      /> headgate drain east\/lab-small --for 30m --reason "…" +refuses lone: nothing else serves it/,
    );
    assert.match(stdout, /BAD   6 calls of tenant demo were refused: budget_exceeded\./);
    assert.match(stdout, /> headgate budgets list --tenant demo/);
    assert.match(stdout, new RegExp(`> headgate budgets raise ${budget.id} --by 1 --for 24h`));
    assert.match(stdout, /WARN  A changed headgate.yaml was refused[^]*> headgate check/);
    assert.match(stdout, /\d\d:\d\d  budget\.create bud_\w+ of demo  admin/);
    assert.match(stdout, /\d\d:\d\d  gate started  this node/);
    assert.match(stdout, /health   gate ready · 0 in flight · spool empty/);
    await commandLine(state(), ['drain', 'east/lab-small', '--for', '30m', '--reason', 'as pasted']);
    const drained = (await now()).stdout;
    assert.match(
      drained,
      /WARN  The deployment east\/lab-small is drained for (30|29) min.*more\.\n +admin: “as pasted”\n +> headgate drain stop drn_/,
    );
    assert.match(drained, /drain\.start deployment east\/lab-small “as pasted”/);
  });

  test('while the store is away: what this node counted itself, and what it cannot tell', async () => {
    for (const name of ['ledger.db', 'state.db']) renameSync(state(name), state(`${name}.moved`));
    const report = await json();
    assert.equal(report.verdict, 'trouble');
    assert.equal(report.totals, null);
    assert.deepEqual(
      report.failing.map(({ deployment, failed }: any) => [deployment, failed]),
      [['east/lab-small', 25]],
    );
    assert.ok(
      report.refusals.some(
        ({ code, tenant, count }: any) => code === 'budget_exceeded' && tenant === 'demo' && count === 6,
      ),
    );
    assert.match(report.unknown.join('\n'), /calls, money and who is hurt: .*ledger\.db/);
    assert.match(report.unknown.join('\n'), /what was changed: .*state\.db/);
    const { code, stdout } = await now();
    assert.equal(code, 3);
    assert.match(stdout, /BAD   The store is away: calls go on and wait in the spool/);
    assert.match(stdout, /Deployment east\/lab-small fails 100\.0 % of its attempts/);
    for (const name of ['ledger.db', 'state.db']) renameSync(state(`${name}.moved`), state(name));
    await world.gate.until('the store is back', async () => (await json()).totals !== null);
  });
});

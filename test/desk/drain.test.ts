import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { lockFile } from '../conservation/locker.ts';
import { commandLine } from '../declared/declared-world.ts';
import { actionsOf, chat, endDesk, restart, served, startDesk, type DeskWorld } from './drain-world.ts';

describe('drains', () => {
  let world: DeskWorld;
  before(async () => {
    world = await startDesk();
  });
  after(() => endDesk(world));

  const drain = (target: string, more: object = {}) =>
    world.gate.admin('POST', '/drains', { target, for: '30m', reason: 'secret words of the operator', ...more });
  const stop = (id: string) => world.gate.admin('DELETE', `/drains/${id}`);
  const run = (...args: string[]) => commandLine(join(world.folder, 'state'), args);

  test('a drained provider gets no new call, the other takes over, and a call under way goes on', async () => {
    const under = chat(world, 'pair', {
      text: 'go on [[lab output=20 fault=pause@8:1500]]',
      body: { stream: true, max_tokens: 60 },
    });
    await world.gate.until(
      'the call is under way',
      async () => (await world.gate.admin('GET', '/status')).inFlight > 0,
    );
    const { id, unserved } = await drain('east');
    assert.deepEqual(unserved, ['lone']);
    const [a, b] = served(world);
    for (let i = 0; i < 5; i++) assert.equal((await chat(world, 'pair')).status, 200);
    assert.deepEqual(served(world), [a, b + 5]);
    assert.match((await under).text, /\[DONE\]/);
    await stop(id);
    assert.equal((await chat(world, 'lone')).status, 200);
    assert.deepEqual((await world.gate.admin('GET', '/drains')).drains, []);
  });

  test('where nothing is left the refusal says drained and until when, and why to the operator alone', async () => {
    const { id, until } = await drain('lone', { for: '10m' });
    const { status, headers, text, json } = await chat(world, 'lone');
    assert.equal(status, 503);
    assert.equal(json.error.code, 'drained');
    assert.equal(json.error.headgate.until, until);
    assert.ok(Math.abs(Number(headers.get('retry-after')) - 600) <= 2, headers.get('retry-after')!);
    assert.doesNotMatch(text, /secret words|east|drn_/);
    const rights = { features: '*' };
    const { key } = await world.gate.admin('POST', '/keys', { tenant: 'demo', name: 'op', operator: true, rights });
    assert.match(
      (await chat(world, 'lone', { key })).text,
      /model lone by admin \(drn_\w+\): secret words of the operator/,
    );
    const chained = await chat(world, 'lone', { headers: { 'x-headgate-feature': 'search' } });
    assert.equal(chained.status, 200, 'the chain of the feature serves');
    const { id: second } = await drain('spare');
    assert.equal(
      (await chat(world, 'lone', { headers: { 'x-headgate-feature': 'search' } })).json.error.code,
      'drained',
    );
    await stop(id);
    await stop(second);
  });

  test('a deployment alone, under its whole name; a name that means nothing or two things is refused', async () => {
    const { id, level } = await drain('west/free-9');
    assert.equal(level, 'deployment');
    assert.equal((await chat(world, 'free-9')).json.error.code, 'drained');
    assert.equal((await chat(world, 'free-8')).status, 200);
    await stop(id);
    await assert.rejects(drain('eats'), /404 .*Did you mean .*`east`/);
    await assert.rejects(stop(id), / 404 /);
    await assert.rejects(drain('east', { for: '31d' }), / 400 /);
    await assert.rejects(drain('east', { reason: ' ' }), / 400 /);
  });

  test('it ends by itself, to the millisecond that it said', async () => {
    const { until } = await drain('lone', { for: '1500ms' });
    let [lastRefused, firstServed] = [0, 0];
    while (firstServed === 0) {
      const at = Date.now();
      if ((await chat(world, 'lone')).status === 200) firstServed = Date.now();
      else lastRefused = at;
      await sleep(10);
    }
    const end = Date.parse(until);
    assert.ok(
      lastRefused < end && firstServed >= end && firstServed - end < 500,
      `${lastRefused - end} ${firstServed - end}`,
    );
    assert.deepEqual((await world.gate.admin('GET', '/drains')).drains, []);
  });

  test('it outlives a killed gate', async () => {
    const { id } = await drain('lone');
    await restart(world);
    assert.equal((await chat(world, 'lone')).json.error.code, 'drained');
    assert.equal((await world.gate.admin('GET', '/drains')).drains[0].id, id);
    await stop(id);
    await restart(world);
    assert.equal((await chat(world, 'lone')).status, 200);
  });

  test('the command line: drain, list, stop, and what it says without a gate', async () => {
    const started = await run('drain', 'east', '--for', '20m', '--reason', 'errors since 3:00');
    assert.equal(started.code, 0, started.stderr);
    assert.match(started.stdout, /^drained provider east until 20.*\nwarning: nothing is left that serves lone: /);
    const listed = await run('drain', 'list');
    assert.match(listed.stdout, /drn_\w+ +provider east +(20|19) min.*admin +errors since 3:00/);
    const { drains } = JSON.parse((await run('drain', 'list', '--json')).stdout);
    assert.match((await run('drain', 'stop', drains[0].id)).stdout, /^provider east takes new calls again/);
    await world.gate.kill();
    for (const args of [
      ['drain', 'list'],
      ['drain', 'east', '--reason', 'r'],
    ]) {
      const { code, stderr } = await run(...args);
      assert.equal(code, 1);
      assert.match(stderr, /^error gate_not_running: /);
    }
    await restart(world);
  });
});

describe('levers while the store is away', () => {
  let world: DeskWorld;
  const state = (): string => join(world.folder, 'state', 'state.db');
  before(async () => {
    world = await startDesk();
  });
  after(() => endDesk(world));

  test('drain and raise hold at once, outlive a kill, and reach the trail once', async () => {
    const budget = await world.gate.admin('POST', '/budgets', {
      level: 'tenant',
      tenant: 'demo',
      limitUsd: '0.0000001',
    });
    assert.equal((await chat(world, 'pair')).json.error.code, 'budget_exceeded');
    await sleep(1_000);
    let unlock = await lockFile(state());
    const from = Date.now();
    const raised = await world.gate.admin('POST', `/budgets/${budget.id}/raise`, {
      byUsd: '5',
      for: '1h',
      reason: 'r',
    });
    const drained = await world.gate.admin('POST', '/drains', { target: 'lone', reason: 'r' });
    assert.ok(Date.now() - from < 4_000, `${Date.now() - from} ms`);
    assert.deepEqual([raised.kept, drained.kept], ['node', 'node']);
    assert.equal((await chat(world, 'pair')).status, 200);
    assert.equal((await chat(world, 'lone')).json.error.code, 'drained');
    await assert.rejects(world.gate.admin('POST', '/tenants', { id: 'other' }), / 503 .*store_unavailable/);
    await world.gate.kill();
    await unlock();
    unlock = await lockFile(state(), 'whole');
    await restart(world);
    assert.equal((await chat(world, 'pair')).status, 200, 'the raise outlives the process');
    assert.equal((await chat(world, 'lone')).json.error.code, 'drained');
    await unlock();
    const trail = () => actionsOf(world, /raise|drain/).catch(() => []);
    for (let i = 0; (await trail()).length < 2 && i < 120; i++) await sleep(250);
    assert.deepEqual(await trail(), ['budget.raise', 'drain.start']);
    await world.gate.admin('PATCH', `/budgets/${budget.id}`, { limitUsd: '1' });
    await restart(world);
    assert.deepEqual(await trail(), ['budget.raise', 'drain.start']);
    const shown = await world.gate.admin('GET', `/budgets/${budget.id}`);
    assert.equal(shown.raise.byUsd, '5');
    assert.equal((await chat(world, 'lone')).json.error.code, 'drained');
  });
});

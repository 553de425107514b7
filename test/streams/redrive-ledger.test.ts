import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { headgate } from '../harness/cli.ts';
import { redisSkip } from '../harness/redis-server.ts';
import { endOf } from './stream-client.ts';
import { at, call, chargedOf, died, entryOf, redriveWorld, restart, resume, TEXT, textOf } from './redrive-world.ts';

describe('what a re-drive costs, and where it stands', { skip: redisSkip }, () => {
  const w = redriveWorld();

  test('its entry, the report of streams and the bill of the month say the same, to tenant and feature', async () => {
    const id = await died(w, await call(at(w, 'a'), { feature: 'safe' }), 'wörd 9');
    const whole = await resume(at(w, 'b'), id);
    assert.equal(await whole.ended, 'clean');
    assert.equal(textOf(whole.text()), TEXT);
    const [redrive] = endOf(whole.text()).redrivenBy;
    const entry = await entryOf(w.gates.b, redrive);
    const { usageSent } = w.provider.log.at(-1)!;
    assert.equal(Number(entry.cost.total), (usageSent!.input * 1_000 + usageSent!.output * 2_000) / 1e6);
    assert.deepEqual([entry.tenant, entry.feature, entry.redriveOf], ['demo', 'safe', id]);

    const report = JSON.parse((await headgate(['streams', 'report', '--by', 'feature', '--json'], w.gates.b)).out);
    assert.deepEqual(report.lines[0].by, ['safe']);
    assert.deepEqual(report.total.endings.redriven.streams, 1);
    assert.equal(Number(report.total.endings.redriven.costUsd), Number(entry.cost.total));
    assert.equal(report.total.wasted.streams, 0, 'it was whole');
    const { out } = await headgate(['streams', 'report'], w.gates.b);
    assert.match(out, /1 stream of gates that died was gone on with to the end, for \$/);
    const shown = (await headgate(['calls', 'show', redrive], w.gates.b)).out;
    assert.match(shown, new RegExp(`goes on +with ${id}, whose gate died`));

    const bill = JSON.parse((await headgate(['spend', 'attribution', '--json'], w.gates.b)).out);
    assert.deepEqual(
      bill.lines.map(({ tenant, feature, purpose, amountUsd }: any) => [tenant, feature, purpose, Number(amountUsd)]),
      [['demo', 'safe', 'redrive', Number(entry.cost.total)]],
    );

    // The gate that died: its own part, beside.
    const a = await restart(w, 'a');
    const first = await entryOf(a, id);
    const dead = await chargedOf(w, id);
    assert.ok(Number(dead.cost.total) < Number(first.cost.total), 'by its text, not by its pace');
    assert.deepEqual([dead.errorCode, dead.usageSource], ['charged_by_log', 'estimated']);
    const own = JSON.parse((await headgate(['streams', 'report', '--json'], a)).out);
    assert.equal(own.total.endings.interrupted.streams, 1);
    const books = JSON.parse((await headgate(['spend', 'attribution', '--json'], a)).out);
    assert.deepEqual(
      books.lines.map(({ tenant, feature, purpose, amountUsd }: any) => [tenant, feature, purpose, Number(amountUsd)]),
      [['demo', 'safe', 'cut', Number(dead.cost.total)]],
    );
    const [asked] = w.provider.log;
    const billed = (asked!.inputTokens! * 1_000 + asked!.outputTokensSent * 2_000) / 1e6;
    assert.ok(Number(dead.cost.total) >= billed, 'an estimate that is not below the bill');
  });
});

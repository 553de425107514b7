import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import fc from 'fast-check';
import { JUDGE_SKIPS, JudgeTally, JUDGEMENT_ENDS, type JudgeEvent } from './core/judge-tally.ts';
import { JudgeJournal } from './judge-journal.ts';

const DAY_MS = 86_400_000;
const NOON = 20_000 * DAY_MS + DAY_MS / 2;
const of = { feature: 'search', judge: 'right', tenant: 'acme' };
const ask = (call: string, at = NOON): JudgeEvent => ({ ...of, do: 'ask', call, at });
const end = (call: string, costNanoUsd: bigint | null, at = NOON): JudgeEvent => ({
  ...{ ...of, do: 'end', call, end: 'scored', costNanoUsd, at },
});
const bounds = { maxPerHour: 2, maxPerDay: 3, budgetPerDay: 100n };

describe('what judges were asked', () => {
  const dir = mkdtempSync(join(tmpdir(), 'headgate-judges-'));
  after(() => rmSync(dir, { recursive: true }));
  const open = (name: string, now = NOON): JudgeJournal =>
    new JudgeJournal(join(dir, name), {
      now,
      onTrouble: (error) => {
        throw error;
      },
    });

  test('a folder that cannot be written stops nothing: what is known counts, and is written once it can be', () => {
    const folder = join(dir, 'away');
    const troubles: unknown[] = [];
    const options = { now: NOON, onTrouble: (error: unknown) => troubles.push(error) };
    const journal = new JudgeJournal(join(folder, 'judges.log'), options);
    journal.note(ask('a'));
    assert.equal(troubles.length, 2);
    journal.note(ask('b'));
    assert.equal(journal.tally.room(of, bounds, NOON), 'hour_full');
    mkdirSync(folder);
    journal.note(end('b', 5n));
    assert.equal(troubles.length, 3);
    journal.close();
    const again = new JudgeJournal(join(folder, 'judges.log'), options);
    assert.equal(again.tally.room(of, bounds, NOON), 'hour_full');
    again.close();
    assert.equal(troubles.length, 3);
  });

  test('hours, days and money are bounds of their own, and begin anew', () => {
    const tally = new JudgeTally();
    const room = (at: number) => tally.room(of, bounds, at);
    tally.apply(ask('a'));
    assert.equal(room(NOON), null);
    tally.apply(ask('b'));
    assert.equal(room(NOON), 'hour_full');
    const later = NOON + 3_600_000;
    assert.equal(room(later), null);
    tally.apply(ask('c', later));
    assert.equal(room(later), 'day_full');
    const tomorrow = NOON + DAY_MS;
    assert.equal(room(tomorrow), null);
    tally.apply(end('a', 60n, tomorrow));
    assert.equal(room(tomorrow), null);
    tally.apply(end('b', 40n, tomorrow));
    assert.equal(room(tomorrow), 'budget_spent');
    assert.equal(room(tomorrow + DAY_MS), null);
    assert.equal(room(tomorrow), null, 'a clock that is set back opens nothing twice, and closes nothing');
  });

  test('a cost that nobody knows is taken for the dearest that was', () => {
    const tally = new JudgeTally();
    for (const [call, cost] of [
      ['a', 30n],
      ['b', 50n],
      ['c', null],
    ] as const) {
      tally.apply(ask(call));
      tally.apply(end(call, cost));
    }
    assert.equal(tally.spentToday(of, NOON), 130n);
  });

  test('after a death what was open is lost, the rest stays, and a torn line is none', () => {
    const first = open('death');
    for (const call of ['a', 'b', 'c']) first.note(ask(call));
    first.note(end('a', 40n));
    first.note({ ...of, do: 'skip', why: 'hour_full', at: NOON });
    appendFileSync(join(dir, 'death'), '{"feature":"search","judge":"ri');
    const second = open('death');
    assert.deepEqual(second.tally.counts(), [{ ...of, counts: { asked: 3, scored: 1, hour_full: 1, lost: 2 } }]);
    assert.equal(second.tally.spentToday(of, NOON), 120n);
    assert.deepEqual(second.tally.open(), []);
    second.close();
    assert.deepEqual(open('death').tally.counts(), second.tally.counts(), 'and they are lost once');
  });

  test('the file stays small, and says the same whenever it is read', () => {
    const journal = open('long');
    const ends = JUDGEMENT_ENDS.length;
    for (let i = 0; i < 30_000; i++) {
      journal.note(ask(`call_${i}`));
      journal.note({ ...of, do: 'end', call: `call_${i}`, end: JUDGEMENT_ENDS[i % ends]!, costNanoUsd: 1n, at: NOON });
    }
    assert.ok(statSync(join(dir, 'long')).size < 3 * 1024 * 1024);
    assert.ok(readFileSync(join(dir, 'long'), 'utf8').startsWith('{"state":'));
    assert.deepEqual(open('long').tally.counts(), journal.tally.counts());
  });

  test('each that is asked ends in exactly one way', () => {
    const event = fc.tuple(
      fc.nat(20),
      fc.constantFrom('ask', 'end', 'skip'),
      fc.constantFrom(...JUDGEMENT_ENDS),
      fc.constantFrom(...JUDGE_SKIPS),
    );
    fc.assert(
      fc.property(fc.array(event, { maxLength: 80 }), (events) => {
        const tally = new JudgeTally();
        const asked = new Set<number>();
        for (const [call, what, how, why] of events) {
          if (what === 'skip') tally.apply({ ...of, do: 'skip', why, at: NOON });
          else if (what === 'ask' && !asked.has(call)) (asked.add(call), tally.apply(ask(String(call))));
          else if (what === 'end' && asked.delete(call))
            tally.apply({ ...of, do: 'end', call: String(call), end: how, costNanoUsd: 1n, at: NOON });
        }
        const counts = tally.counts()[0]?.counts ?? {};
        const ended = JUDGEMENT_ENDS.reduce((sum, name) => sum + (counts[name] ?? 0), 0);
        assert.equal(counts.asked ?? 0, ended + tally.open().length);
        assert.deepEqual(new JudgeTally(JSON.parse(JSON.stringify(tally.state()))).state(), tally.state());
      }),
    );
  });
});

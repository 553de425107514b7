import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { epochMs } from '#kernel/brand.ts';
import { calendarWindow, isTimeZone, slotAt, windowBounds } from './windows.ts';

const at = (iso: string) => epochMs(Date.parse(iso));
const span = (unit: 'day' | 'week' | 'month', zone: string, iso: string): string => {
  const { start, end } = calendarWindow(unit, zone, at(iso));
  return `${new Date(start).toISOString()} ${new Date(end).toISOString()}`;
};

describe('calendar windows', () => {
  test('the day on which clocks go forward has 23 hours, the one on which they go back 25', () => {
    assert.equal(
      span('day', 'Europe/Berlin', '2026-03-29T12:00:00Z'),
      '2026-03-28T23:00:00.000Z 2026-03-29T22:00:00.000Z',
    );
    assert.equal(
      span('day', 'Europe/Berlin', '2026-10-25T12:00:00Z'),
      '2026-10-24T22:00:00.000Z 2026-10-25T23:00:00.000Z',
    );
    assert.equal(
      span('day', 'America/New_York', '2026-03-08T12:00:00Z'),
      '2026-03-08T05:00:00.000Z 2026-03-09T04:00:00.000Z',
    );
    assert.equal(
      span('day', 'America/New_York', '2026-11-01T12:00:00Z'),
      '2026-11-01T04:00:00.000Z 2026-11-02T05:00:00.000Z',
    );
  });

  test('weeks begin on Monday, months on the first', () => {
    assert.equal(span('week', 'UTC', '2026-11-22T23:59:59Z'), '2026-11-16T00:00:00.000Z 2026-11-23T00:00:00.000Z');
    assert.equal(span('month', 'UTC', '2028-02-29T10:00:00Z'), '2028-02-01T00:00:00.000Z 2028-03-01T00:00:00.000Z');
    assert.equal(
      span('month', 'Asia/Kolkata', '2026-12-31T18:30:00Z'),
      '2026-12-31T18:30:00.000Z 2027-01-31T18:30:00.000Z',
    );
  });

  test('a midnight that the clocks skip begins at the next instant (Cairo, 24 April 2026)', () => {
    assert.equal(
      span('day', 'Africa/Cairo', '2026-04-24T10:00:00Z'),
      '2026-04-23T22:00:00.000Z 2026-04-24T21:00:00.000Z',
    );
  });

  test('a date that a zone skipped is no window (Apia, 30 December 2011)', () => {
    assert.equal(
      span('day', 'Pacific/Apia', '2011-12-30T09:59:59Z'),
      '2011-12-29T10:00:00.000Z 2011-12-30T10:00:00.000Z',
    );
    assert.equal(
      span('day', 'Pacific/Apia', '2011-12-30T10:00:00Z'),
      '2011-12-30T10:00:00.000Z 2011-12-31T10:00:00.000Z',
    );
  });

  test('property: every instant lies in exactly one window, and windows meet', () => {
    const zone = fc.constantFrom(
      'UTC',
      'Europe/Berlin',
      'America/New_York',
      'Asia/Kolkata',
      'America/St_Johns',
      'Australia/Lord_Howe',
    );
    const unit = fc.constantFrom('day', 'week', 'month');
    const instant = fc.integer({ min: Date.UTC(2000, 0, 1), max: Date.UTC(2040, 0, 1) });
    fc.assert(
      fc.property(zone, unit, instant, (timeZone, of, now) => {
        const { start, end } = calendarWindow(of, timeZone, epochMs(now));
        assert.ok(start <= now && now < end);
        assert.deepEqual(calendarWindow(of, timeZone, start), { start, end });
        assert.deepEqual(calendarWindow(of, timeZone, epochMs(end - 1)), { start, end });
        assert.equal(calendarWindow(of, timeZone, end).start, end);
        assert.equal(calendarWindow(of, timeZone, epochMs(start - 1)).end, start);
      }),
      { numRuns: 150 },
    );
  });
});

test('a minute of a rolling window counts until its last instant has left it', () => {
  const slot = slotAt({ kind: 'rolling', ms: 3_600_000 }, at('2026-11-24T10:07:31Z'));
  assert.equal(slot.start, at('2026-11-24T10:07:00Z'));
  assert.equal(slot.expiresAt, at('2026-11-24T11:08:00Z'));
  assert.equal(windowBounds({ kind: 'rolling', ms: 3_600_000 }, at('2026-11-24T10:07:31Z')).resetsAt, null);
});

test('names of zones are checked', () => {
  assert.ok(isTimeZone('Europe/Berlin'));
  assert.ok(!isTimeZone('Europe/Berlinn'));
});

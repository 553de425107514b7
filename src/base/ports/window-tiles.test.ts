import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { GRAIN_MS } from './rollups.ts';
import { heldEdge, tilesOf, type Holdings } from './window-tiles.ts';

const SEED = 20_260_811;
const { minute: MINUTE, hour: HOUR, day: DAY } = GRAIN_MS;
const KEPT: Holdings = { foldedUntil: 3 * DAY + 5 * HOUR + 7 * MINUTE, entriesFrom: 0, minutesFrom: 0 };

test('the coarsest rows that fit, and entries at the edges and where nothing is folded yet', () => {
  const from = DAY - 30_000;
  assert.deepEqual(tilesOf({ from, to: 4 * DAY, finest: 'day' }, KEPT), [
    { source: 'entries', from, to: DAY },
    { source: 'day', from: DAY, to: KEPT.foldedUntil },
    { source: 'entries', from: KEPT.foldedUntil, to: 4 * DAY },
  ]);
  const to = 2 * DAY + HOUR + 2 * MINUTE;
  assert.deepEqual(tilesOf({ from: DAY, to, finest: 'hour' }, KEPT), [
    { source: 'hour', from: DAY, to: 2 * DAY + HOUR },
    { source: 'minute', from: 2 * DAY + HOUR, to },
  ]);
});

test('a month from within an hour is days, with hours and minutes at its edges alone', () => {
  const from = 10 * DAY + 5 * HOUR + 18 * MINUTE + 4_000;
  const to = from + 30 * DAY;
  const held = { foldedUntil: to - (to % MINUTE) - MINUTE, entriesFrom: 0, minutesFrom: 0 };
  const tiles = tilesOf({ from, to, finest: 'day' }, held);
  assert.deepEqual(
    tiles.map(({ source }) => source),
    ['entries', 'minute', 'hour', 'day', 'entries'],
  );
  assert.ok(tiles[1]!.to - tiles[1]!.from < HOUR && tiles[2]!.to - tiles[2]!.from < DAY);
});

test('hours stand in for minutes that retention took', () => {
  const held = { ...KEPT, entriesFrom: DAY, minutesFrom: DAY };
  assert.deepEqual(tilesOf({ from: 30_000, to: DAY + MINUTE, finest: 'minute' }, held), [
    { source: 'hour', from: 0, to: DAY },
    { source: 'minute', from: DAY, to: DAY + MINUTE },
  ]);
});

const edge = fc.integer({ min: 0, max: 6 * DAY });
const aligned = (grain: number) => fc.integer({ min: 0, max: (4 * DAY) / grain }).map((n) => n * grain);
const holdings = fc
  .record({ foldedUntil: aligned(MINUTE), entriesFrom: aligned(HOUR), minutesFrom: aligned(HOUR) })
  .map(({ foldedUntil, ...held }) => ({
    ...held,
    foldedUntil: Math.max(foldedUntil, held.entriesFrom, held.minutesFrom),
  }));

test('tiles cover the window once, from what is held alone', () => {
  const finest = fc.constantFrom('minute' as const, 'hour' as const, 'day' as const);
  const property = fc.property(edge, edge, finest, holdings, (from, to, grain, held) => {
    let at = heldEdge(from, held);
    for (const tile of tilesOf({ from, to, finest: grain }, held)) {
      assert.equal(tile.from, at);
      assert.ok(tile.to > tile.from);
      if (tile.source === 'entries') assert.ok(tile.from >= held.entriesFrom);
      else assert.ok(tile.from % GRAIN_MS[tile.source] === 0 && tile.to <= held.foldedUntil);
      if (tile.source === 'minute') assert.ok(tile.from >= held.minutesFrom);
      at = tile.to;
    }
    assert.equal(at, Math.max(heldEdge(from, held), heldEdge(to, held)));
  });
  fc.assert(property, { seed: SEED, numRuns: 2_000 });
});

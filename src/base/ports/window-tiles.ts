import { invariant } from '#kernel/invariant.ts';
import { floorTo, GRAIN_MS, type Grain } from './rollups.ts';

/** A part of a window and where its sums lie. */
export interface Tile {
  readonly source: Grain | 'entries';
  readonly from: number;
  readonly to: number;
}

/** What a store holds. Both limits of retention are at full hours. */
export interface Holdings {
  /** Rows hold what was admitted before this minute; later entries are in no row yet. */
  readonly foldedUntil: number;
  /** No entries before. */
  readonly entriesFrom: number;
  /** No minute rows before. */
  readonly minutesFrom: number;
}

/**
 * An edge of a window, moved back to the finest time that is still held: after retention a window that is cut
 * within an hour would miss a part of it silently. Both edges move alike, so that two windows that meet still
 * neither share nor lose a call.
 */
export function heldEdge(at: number, held: Pick<Holdings, 'entriesFrom' | 'minutesFrom'>): number {
  if (at >= held.entriesFrom) return at;
  return floorTo(at, at >= held.minutesFrom ? 'minute' : 'hour');
}

/** Cuts `[from, to)` into the fewest tiles: the coarsest rows that fit wholly, entries where no row does. */
export function tilesOf(window: { from: number; to: number; finest: Grain }, held: Holdings): readonly Tile[] {
  const to = heldEdge(window.to, held);
  const tiles: Tile[] = [];
  for (let at = heldEdge(window.from, held); at < to; at = tiles.at(-1)!.to) {
    const rows = GRAINS.map((grain) => rowsFrom(at, grain, { ...window, to }, held)).find((tile) => tile !== null);
    tiles.push(rows ?? entriesFrom(at, to, held));
  }
  return tiles;
}

const GRAINS = ['day', 'hour', 'minute'] as const;

/**
 * Rows of a grain that follow each other from a time and end within the window, up to where a coarser grain can go on;
 * null where there is none.
 */
function rowsFrom(at: number, grain: Grain, window: { to: number; finest: Grain }, held: Holdings): Tile | null {
  if (at % GRAIN_MS[grain] !== 0 || !isHeld(grain, at, window.finest, held)) return null;
  const to = Math.min(endOfRows(grain, window.to, held), coarserFrom(at, grain, window, held));
  // Hours stand in for finer buckets only as far as nothing finer is held.
  const limit = GRAIN_MS[grain] > GRAIN_MS[window.finest] ? Math.min(held.minutesFrom, held.entriesFrom) : Infinity;
  return to > at ? { source: grain, from: at, to: Math.min(to, limit) } : null;
}

const COARSER = { minute: 'hour', hour: 'day', day: null } as const;

/** The next time at which rows of the next coarser grain begin; a month in minutes would be 30 times the rows. */
function coarserFrom(at: number, grain: Grain, window: { to: number; finest: Grain }, held: Holdings): number {
  const coarser = COARSER[grain];
  if (coarser === null) return Infinity;
  const edge = floorTo(at, coarser) + GRAIN_MS[coarser];
  return rowsFrom(edge, coarser, window, held) === null ? Infinity : edge;
}

function isHeld(grain: Grain, at: number, finest: Grain, held: Holdings): boolean {
  if (at >= held.foldedUntil) return false;
  if (grain === 'minute') return at >= held.minutesFrom;
  if (GRAIN_MS[grain] <= GRAIN_MS[finest]) return true;
  return grain === 'hour' && at < held.minutesFrom && at < held.entriesFrom;
}

/** Rows hold what was folded, so that the hour in which folding stopped is whole up to there. */
function endOfRows(grain: Grain, to: number, held: Holdings): number {
  return to >= held.foldedUntil ? held.foldedUntil : floorTo(to, grain);
}

function entriesFrom(at: number, to: number, held: Holdings): Tile {
  invariant(at >= held.entriesFrom, 'what has no row has entries');
  if (at >= held.foldedUntil) return { source: 'entries', from: at, to };
  // Up to the next row that may fit: a minute's edge, or an hour's where there are no minutes.
  const next = at < held.minutesFrom ? floorTo(at, 'hour') + GRAIN_MS.hour : floorTo(at, 'minute') + GRAIN_MS.minute;
  return { source: 'entries', from: at, to: Math.min(next, to) };
}

import type { DatabaseSync } from 'node:sqlite';
import { DdSketch, mergeSketchBytes, subtractSketchBytes } from '#math/ddsketch.ts';

type Bytes = Uint8Array | null;

/** Teaches a connection to add, take away and merge sketches and to make them of durations. */
export function registerSketches(db: DatabaseSync): void {
  const pure = { deterministic: true };
  db.function('sketch_add', pure, ((a: Bytes, b: Bytes) => mergeSketchBytes(a, b)) as never);
  db.function('sketch_subtract', pure, ((a: Bytes, b: Bytes) => subtractSketchBytes(a, b)) as never);
  db.aggregate('sketch_merge', {
    start: () => new DdSketch() as never,
    step: ((sketch: DdSketch, bytes: Bytes) => {
      if (bytes) sketch.mergeBytes(bytes);
      return sketch;
    }) as never,
    result: ((sketch: DdSketch) => sketch.toBytes()) as never,
  });
  db.aggregate('sketch_of', {
    start: () => new DdSketch() as never,
    step: ((sketch: DdSketch, ms: number | null) => {
      if (ms !== null) sketch.add(Number(ms));
      return sketch;
    }) as never,
    result: ((sketch: DdSketch) => sketch.toBytes()) as never,
  });
}

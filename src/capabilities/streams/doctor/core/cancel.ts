/** When the origin learns that its reader has gone, and what it makes for nobody until then. Pure. */
import { costOf, type NanoUsd, type PricePerMillion } from '#kernel/money.ts';

/** One stream that its reader left: times are since its start, each on its own side. */
export interface CancelSample {
  readonly leftMs: number;
  /** By the origin's own note; null: it had not learnt within the time of the probe. */
  readonly learntMs: number | null;
  /** How long the origin was watched after the reader had left. */
  readonly watchedMs: number;
  /** False: the origin has no note of the stream. */
  readonly known: boolean;
}

export interface Learning {
  /** After the reader had left; null: not within `watchedMs`, or unknown. */
  readonly afterMs: number | null;
  readonly watchedMs: number;
  readonly samples: number;
}

/**
 * - `at_once`: also where the origin is silent.
 * - `at_a_write`: the origin has to write into the connection to learn it.
 * - `late`: it learns it in silence too, by somebody's timeout.
 * - `unheard`: writing did not tell it either.
 */
export type CancelKind = 'at_once' | 'at_a_write' | 'late' | 'unheard' | 'unknown';

export interface Cancel {
  readonly kind: CancelKind;
  /** The origin writes every `everyMs`. */
  readonly busy: Learning & { readonly everyMs: number; readonly writes: number | null };
  /** The origin is silent when the reader leaves. */
  readonly silent: Learning;
}

/** Beyond this it is no notice of the connection's end, but a timer of somebody's. */
const AT_ONCE_MS = 1_000;

function learningOf(samples: readonly CancelSample[]): Learning {
  const known = samples.filter(({ known: isKnown }) => isKnown);
  const after = known.flatMap(({ leftMs, learntMs }) => (learntMs === null ? [] : [Math.max(0, learntMs - leftMs)]));
  const watchedMs = known.length > 0 ? Math.min(...known.map((one) => one.watchedMs)) : 0;
  // Half of them not told is not told; a busy machine tells late and never early.
  const isTold = after.length * 2 > known.length;
  return { afterMs: isTold ? Math.min(...after) : null, watchedMs, samples: known.length };
}

export interface CancelSamples {
  readonly everyMs: number;
  readonly busy: readonly CancelSample[];
  readonly silent: readonly CancelSample[];
}

export function cancelOf({ everyMs, busy, silent }: CancelSamples): Cancel {
  const [whenBusy, whenSilent] = [learningOf(busy), learningOf(silent)];
  const writes = whenBusy.afterMs === null ? null : Math.ceil(whenBusy.afterMs / everyMs);
  return {
    kind: kindOf(whenBusy, whenSilent),
    busy: { ...whenBusy, everyMs, writes },
    silent: whenSilent,
  };
}

function kindOf(busy: Learning, silent: Learning): CancelKind {
  if (busy.samples === 0 && silent.samples === 0) return 'unknown';
  if (silent.afterMs !== null) return silent.afterMs <= AT_ONCE_MS ? 'at_once' : 'late';
  if (busy.afterMs !== null) return silent.samples === 0 ? 'unknown' : 'at_a_write';
  return busy.samples === 0 ? 'unknown' : 'unheard';
}

/** What one cancel wastes. */
export interface Waste {
  /** Time that the origin goes on for nobody. */
  readonly ms: number;
  /** True: it was at least so long, the probe saw no end. */
  readonly atLeast: boolean;
  readonly tokens: number;
  readonly costNanoUsd: NanoUsd;
}

export interface WastePrice {
  readonly tokensPerSecond: number;
  readonly perMillion: PricePerMillion;
}

export function wasteOf(
  { afterMs, watchedMs, samples }: Learning,
  { tokensPerSecond, perMillion }: WastePrice,
): Waste | null {
  if (samples === 0) return null;
  const ms = afterMs ?? watchedMs;
  const tokens = Math.round((ms * tokensPerSecond) / 1_000);
  return { ms, atLeast: afterMs === null, tokens, costNanoUsd: costOf(tokens, perMillion) };
}

/** What a run may be held to: a way that breaks a bound, or cannot be judged by it, fails. Pure. */
import { parseDuration } from '#kernel/config/quantities.ts';
import { duration, money, UNKNOWN } from '#kernel/format.ts';
import { parseUsd } from '#kernel/money.ts';
import { wasteOf, type WastePrice } from './cancel.ts';
import type { Measured } from './measured.ts';

export interface Bound {
  readonly name: BoundName;
  /** As it was given: `500ms`, `opens`. */
  readonly text: string;
}

export interface Judgement {
  readonly name: BoundName;
  /** Version that the first hop was spoken to in. */
  readonly http: '1.1' | '2';
  readonly bound: string;
  /** What was measured; `–`: it could not be. */
  readonly value: string;
  readonly broken: boolean;
}

type Verdict = Pick<Judgement, 'value' | 'broken'>;

interface Rule {
  readonly brief: string;
  readonly form: 'duration' | 'usd' | 'word';
  /** The only text of a bound that is a word. */
  readonly word?: string;
  readonly judge: (measured: Measured, text: string, price: WastePrice) => Verdict;
}

const atMost = (value: number | null, text: string): Verdict => ({
  value: duration(value),
  broken: value === null || value > parseDuration(text)!,
});

const is = (value: string, wanted: string): Verdict => ({ value, broken: value !== wanted });

const RULES = {
  lag: {
    brief: 'An event of a stream is held no longer',
    form: 'duration',
    judge: ({ sse }, text) => atMost(sse.delivery.worstHeldMs, text),
  },
  offset: {
    brief: 'The first event is held no longer',
    form: 'duration',
    judge: ({ sse }, text) => atMost(sse.delivery.firstHeldMs, text),
  },
  idle: {
    brief: 'A silent stream lives at least so long',
    form: 'duration',
    judge: ({ sse: { idle } }, text) => ({
      value: idle.kind === 'cut' ? duration(idle.cutAtMs) : duration(idle.livedMs),
      broken: idle.livedMs === null || idle.livedMs < parseDuration(text)!,
    }),
  },
  heartbeat: {
    brief: 'Heartbeats reach the reader',
    form: 'word',
    word: 'reach',
    judge: ({ sse }) => is(sse.heartbeat.kind, 'reach'),
  },
  truncation: {
    brief: 'A stream whose origin dies is seen as an abort',
    form: 'word',
    word: 'seen',
    judge: ({ sse: { truncation } }) => is(truncation.reset === truncation.close ? truncation.close : 'mixed', 'seen'),
  },
  cancel: {
    brief: 'The origin learns of a cancel in silence within',
    form: 'duration',
    judge: ({ sse }, text) => atMost(sse.cancel.silent.afterMs, text),
  },
  waste: {
    brief: 'A cancel in silence wastes no more dollars',
    form: 'usd',
    judge: ({ sse }, text, price) => {
      const waste = wasteOf(sse.cancel.silent, price);
      if (waste === null) return { value: UNKNOWN, broken: true };
      const value = `${waste.atLeast ? 'at least ' : ''}${money(waste.costNanoUsd)}`;
      // What has no end that was seen keeps no bound.
      return { value, broken: waste.atLeast || waste.costNanoUsd > parseUsd(text)! };
    },
  },
  websocket: {
    brief: 'A WebSocket opens',
    form: 'word',
    word: 'opens',
    judge: ({ websocket }) => is(websocket.upgrade.kind, 'opens'),
  },
} as const satisfies Readonly<Record<string, Rule>>;

export type BoundName = keyof typeof RULES;

/** What `--ci` holds a way to where nothing is said: that it streams, and that heartbeats work on it. */
export const USUAL_BOUNDS: readonly Bound[] = [
  { name: 'lag', text: '500ms' },
  { name: 'offset', text: '150ms' },
  { name: 'heartbeat', text: 'reach' },
];

export const boundsText = (): string =>
  Object.entries(RULES as Readonly<Record<string, Rule>>)
    .map(([name, { form, word }]) => `${name}=${form === 'word' ? word! : form === 'usd' ? '<usd>' : '<duration>'}`)
    .join(', ');

/** Throws a RangeError that says what is wanted. */
export function parseBound(input: string): Bound {
  const cut = input.indexOf('=');
  const [name, text] = [input.slice(0, cut), input.slice(cut + 1)];
  const rule = Object.hasOwn(RULES, name) ? (RULES as Readonly<Record<string, Rule>>)[name]! : null;
  const fits =
    rule !== null &&
    (rule.form === 'duration'
      ? parseDuration(text) !== null
      : rule.form === 'usd'
        ? parseUsd(text) !== null
        : text === rule.word);
  if (!fits) throw new RangeError(`expected one of ${boundsText()}`);
  return { name: name as BoundName, text };
}

/** Bounds that were given replace the usual ones of the same name. */
export function judge(measured: Measured, given: readonly Bound[], price: WastePrice): Judgement[] {
  const all = new Map([...USUAL_BOUNDS, ...given].map((bound) => [bound.name, bound]));
  return sides(measured).flatMap(([http, side]) =>
    [...all.values()].map(({ name, text }) => ({
      ...{ name, http, bound: text },
      ...(RULES as Readonly<Record<string, Rule>>)[name]!.judge(side, text, price),
    })),
  );
}

/** The way as it is over each version that its first hop speaks. */
function sides(measured: Measured): (readonly [Judgement['http'], Measured])[] {
  const { http2, websocket } = measured;
  if (http2 === null) return [['1.1', measured]];
  const over2 = { ...measured, sse: http2.sse, websocket: http2.websocket.socket ?? websocket };
  return [
    ['1.1', measured],
    ['2', over2],
  ];
}

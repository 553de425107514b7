/** Where one way does other things to streams over HTTP/2 than over HTTP/1.1. Pure. */
import { duration } from '#kernel/format.ts';
import type { Idle } from './idle.ts';
import type { Measured, SseFacts } from './measured.ts';

export interface Difference {
  /** As the last part of the findings' ids. */
  readonly what: string;
  readonly title: string;
  /** Verdicts in a word or two, over each version. */
  readonly http1: string;
  readonly http2: string;
}

type Side = readonly [what: string, title: string, verdict: string | null];

/** Cuts of one timer, on a busy machine. */
const SAME_CUT = 0.25;

/** Empty also where HTTP/2 was not measured. What is unknown on one side is no difference. */
export function differencesOf({ http, sse, websocket, http2 }: Measured): Difference[] {
  if (http2 === null) return [];
  const socket = http2.websocket.socket;
  const pairs: (readonly [Side, Side])[] = [
    [
      ['version', 'HTTP version to the gate', http.originVersion],
      ['version', 'HTTP version to the gate', http2.originVersion],
    ],
    ...zipped(sidesOf(sse), sidesOf(http2.sse)),
    [
      ['idle', 'idle cut', idleText(sse.idle)],
      ['idle', 'idle cut', isSameCut(sse.idle, http2.sse.idle) ? idleText(sse.idle) : idleText(http2.sse.idle)],
    ],
    // Where it is not offered, a browser's socket is one of HTTP/1.1.
    [
      ['upgrade', 'WebSocket', websocket.upgrade.kind],
      ['upgrade', 'WebSocket', socket?.upgrade.kind ?? websocket.upgrade.kind],
    ],
  ];
  return pairs.flatMap(([[what, title, http1], [, , other]]) =>
    http1 === null || other === null || http1 === other ? [] : [{ what, title, http1, http2: other }],
  );
}

const zipped = (ones: readonly Side[], others: readonly Side[]): (readonly [Side, Side])[] =>
  ones.map((one, i) => [one, others[i]!]);

const known = (kind: string): string | null => (kind === 'unknown' || kind === 'unclear' ? null : kind);

const sidesOf = ({ delivery, withHeader, compression, heartbeat, truncation, cancel }: SseFacts): Side[] => [
  ['delivery', 'buffering', known(delivery.kind)],
  ['header', 'buffering with `X-Accel-Buffering: no`', known(withHeader.kind)],
  ['compression', 'compression', compression.encoding ?? known(compression.kind)],
  ['heartbeat', 'heartbeats', known(heartbeat.kind)],
  ['reset', 'an origin that resets', known(truncation.reset)],
  ['close', 'an origin that closes in order', known(truncation.close)],
  ['cancel', 'cancel', known(cancel.kind)?.replaceAll('_', ' ') ?? null],
];

function idleText({ kind, cutAtMs, seenAs }: Idle): string | null {
  if (kind !== 'cut') return known(kind);
  return `cut after ${duration(cutAtMs)}, ${seenAs === 'clean' ? 'as if complete' : 'as an abort'}`;
}

const isSameCut = (one: Idle, other: Idle): boolean =>
  one.kind === 'cut' &&
  other.kind === 'cut' &&
  (one.seenAs === 'clean') === (other.seenAs === 'clean') &&
  Math.abs(one.cutAtMs! - other.cutAtMs!) <= SAME_CUT * Math.max(one.cutAtMs!, other.cutAtMs!);

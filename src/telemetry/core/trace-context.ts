/**
 * W3C Trace Context (https://www.w3.org/TR/trace-context-2/), and the ids of our own spans. They are made from the
 * call's id: its 48 bits of time and 80 random bits are a trace id, the last 64 of them a span id. So the thread that
 * serves calls draws and hands over nothing, and whoever has a call's id has its trace.
 */

/** Context of the caller. */
export interface ParentContext {
  /** 32 hex digits. */
  readonly traceId: string;
  /** 16 hex digits: the parent of our span. */
  readonly spanId: string;
  readonly sampled: boolean;
  /** The list as it came; '': none. */
  readonly state: string;
}

const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const SAMPLED = 1;
/** The specification lets a list be cut beyond this many characters; ours is left out whole. */
const MOST_STATE = 512;

/** Reads the two headers; null where `traceparent` is absent or invalid (then `tracestate` counts for nothing). */
export function readParent(traceparent: string, tracestate: string): ParentContext | null {
  if (traceparent.length < 55 || traceparent.length > 128) return null;
  const match = TRACEPARENT.exec(traceparent);
  if (!match) return null;
  const [, version, traceId, spanId, flags, more] = match;
  // Version 00 has four fields and no more; ff is forbidden.
  if (version === 'ff' || (version === '00' && more !== undefined)) return null;
  if (/^0+$/.test(traceId!) || /^0+$/.test(spanId!)) return null;
  const state = tracestate.length <= MOST_STATE && /^[\x20-\x7e]*$/.test(tracestate) ? tracestate : '';
  return { traceId: traceId!, spanId: spanId!, sampled: (Number.parseInt(flags!, 16) & SAMPLED) !== 0, state };
}

export interface CallSpanIds {
  readonly traceId: string;
  /** Of the span of the whole call. */
  readonly spanId: string;
}

const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const DIGITS: readonly number[] = Array.from({ length: 128 }, (_, code) =>
  Math.max(0, ALPHABET.indexOf(String.fromCharCode(code))),
);
const HEX: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** Trace and span id of a call; the trace is the parent's where there is one. */
export function spanIdsOf(callId: string, parent: { readonly traceId: string } | null): CallSpanIds {
  const start = callId.lastIndexOf('_') + 1;
  // 26 characters of five bits are 130: the first two bits of a time of 48 are zero.
  let [bits, held, own] = [0, -2, ''];
  for (let i = start; i < callId.length; i++) {
    bits = ((bits << 5) | DIGITS[callId.charCodeAt(i) & 127]!) & 0xfff;
    held += 5;
    if (held < 8) continue;
    held -= 8;
    own += HEX[(bits >> held) & 0xff];
  }
  return { traceId: parent?.traceId ?? own, spanId: own.slice(16) };
}

/** Span id of the attempt of this number (from 1): the call's with its first byte changed. */
export const attemptSpanId = (spanId: string, attempt: number): string =>
  HEX[Number.parseInt(spanId.slice(0, 2), 16) ^ (attempt & 0xff)]! + spanId.slice(2);

export interface SamplingRules {
  /** Share of traces that are exported, in [0, 1]. */
  readonly ratio: number;
  /** `obey`: the caller's sampled flag decides where there is one. */
  readonly parent: 'obey' | 'ignore';
}

const RANDOM_RANGE = 2 ** 52;

/**
 * Is a trace exported? By the low bits of its id, as the probability sampler of OpenTelemetry does it (the random part
 * of the trace id against a threshold), so that every hop with the same ratio keeps the same traces.
 */
export function isSampled(
  traceId: string,
  parent: ParentContext | null,
  { ratio, parent: rule }: SamplingRules,
): boolean {
  if (parent && rule === 'obey') return parent.sampled;
  if (ratio >= 1) return true;
  return Number.parseInt(traceId.slice(-13), 16) / RANDOM_RANGE >= 1 - ratio;
}

export const traceparent = (traceId: string, spanId: string, sampled: boolean): string =>
  `00-${traceId}-${spanId}-${sampled ? '01' : '00'}`;

/** Verdicts in words, each with its figures, from what was measured. No name of a product is read here. Pure. */
import { count, duration, money, tokens } from '#kernel/format.ts';
import { wasteOf, type Cancel, type Learning, type WastePrice } from './cancel.ts';
import type { Delivery } from './delivery.ts';
import type { FixTopic } from './fixes.ts';
import type { Heartbeat } from './heartbeat.ts';
import type { Idle } from './idle.ts';
import type { GrpcFacts, GrpcReach, HttpFacts, Measured, SseFacts } from './measured.ts';

export type Protocol = 'http' | 'sse' | 'websocket' | 'grpc' | 'grpc-web';

export interface Finding {
  /** `sse.delivery`: stable, for machines. */
  readonly id: string;
  readonly protocol: Protocol;
  /** `good` as it should be, `warn` costs something, `bad` breaks the protocol, `unknown` cannot tell. */
  readonly state: 'good' | 'warn' | 'bad' | 'unknown';
  readonly title: string;
  readonly says: string;
  readonly fix: FixTopic | null;
}

type Row = readonly [id: string, title: string, judged: Judged | null];
type Judged = Pick<Finding, 'state' | 'says'> & { readonly fix?: FixTopic };

export function findingsOf({ http, sse, websocket, grpc, grpcWeb }: Measured, price: WastePrice): Finding[] {
  const { upgrade, delivery, idle, heartbeat, cancel } = websocket;
  const all: Row[] = [
    ['http.version', 'HTTP version', versionFinding(http)],
    ['sse.delivery', 'buffering', deliveryFinding(sse.delivery, sse.withHeader)],
    ['sse.compression', 'compression', compressionFinding(sse)],
    ['sse.idle', 'idle cut', idleFinding(sse.idle)],
    ['sse.heartbeat', 'heartbeats', heartbeatFinding(sse.heartbeat)],
    ['sse.truncation', 'truncation', truncationFinding(sse)],
    ['sse.cancel', 'cancel', cancelFinding(sse.cancel, price)],
    ['websocket.upgrade', 'upgrade', upgradeFinding(upgrade)],
    ['websocket.delivery', 'buffering', delivery && deliveryFinding(delivery, null)],
    ['websocket.idle', 'idle cut', idle && idleFinding(idle)],
    ['websocket.heartbeat', 'pings', heartbeat && heartbeatFinding(heartbeat)],
    ['websocket.cancel', 'cancel', cancel && cancelFinding(cancel, price)],
    ...grpcRows('grpc', grpc, price),
    ...grpcRows('grpc-web', grpcWeb, price),
  ];
  return all.flatMap(([id, title, judged]) =>
    judged === null
      ? []
      : [
          {
            id,
            title,
            protocol: id.split('.')[0] as Protocol,
            state: judged.state,
            says: judged.says,
            fix: judged.fix ?? null,
          },
        ],
  );
}

function grpcRows(protocol: Protocol, { stream, ...reach }: GrpcFacts, price: WastePrice): Row[] {
  return [
    [`${protocol}.call`, 'call', grpcFinding(reach)],
    [`${protocol}.delivery`, 'buffering', stream && deliveryFinding(stream.delivery, stream.withHeader)],
    [`${protocol}.idle`, 'idle cut', stream && idleFinding(stream.idle)],
    [`${protocol}.heartbeat`, 'heartbeats', stream && heartbeatFinding(stream.heartbeat)],
    [`${protocol}.cancel`, 'cancel', stream && cancelFinding(stream.cancel, price)],
  ];
}

function grpcFinding({ kind, status }: GrpcReach): Judged {
  if (kind === 'reaches') return { state: 'good', says: 'a call comes to the gate, and its status back' };
  if (kind === 'no_http2')
    return {
      state: 'bad',
      says: 'a hop speaks no HTTP/2 towards its client or the gate: use gRPC-Web or Connect here',
    };
  if (kind === 'no_answer') return { state: 'unknown', says: 'a call had no answer within 5 s' };
  return {
    state: 'bad',
    says: `the answer has no grpc-status (HTTP ${status ?? 'without status'}): a hop answered itself, dropped the trailers or speaks HTTP/1 to the gate`,
  };
}

const ms = (value: number | null): string => duration(value);

function versionFinding({ clientVersion, originVersion, offersHttp2 }: HttpFacts): Judged {
  const h2 =
    offersHttp2 === null
      ? ''
      : offersHttp2
        ? '; the first hop speaks HTTP/2 as well'
        : '; the first hop speaks no HTTP/2';
  const says = `HTTP/${clientVersion} to the first hop, HTTP/${originVersion} to the gate${h2}`;
  if (originVersion === '1.0')
    return { state: 'warn', says: `${says}: HTTP/1.0 has no chunks, so a cut body looks whole`, fix: 'truncation' };
  return { state: 'good', says };
}

const CURED = '`X-Accel-Buffering: no` from the origin cures it';
const NOT_CURED = '`X-Accel-Buffering: no` from the origin does not cure it';
const OK: ReadonlySet<Delivery['kind']> = new Set(['streams', 'late']);

function deliveryFinding(delivery: Delivery, withHeader: Delivery | null): Judged {
  const { kind, firstHeldMs, worstHeldMs, events, bursts, addedMs } = delivery;
  const cure = withHeader === null || OK.has(kind) ? '' : OK.has(withHeader.kind) ? `; ${CURED}` : `; ${NOT_CURED}`;
  const held = `the first event ${ms(firstHeldMs)} late, the worst ${ms(worstHeldMs)}`;
  switch (kind) {
    case 'streams':
      return {
        state: 'good',
        says: `${count(events)} of ${count(events)} events came as they were sent, the worst ${ms(worstHeldMs)} late`,
      };
    case 'late':
      return { state: 'warn', says: `each event is ${ms(addedMs)} later than an answer in one piece` };
    case 'offset':
      return {
        state: 'warn',
        says: `every event is held for ${ms(firstHeldMs)}: each time to the first token is that much too long${cure}`,
        fix: 'offset',
      };
    case 'first_held':
      return {
        state: 'warn',
        says: `the first events are held (${held}), the rest is on time${cure}`,
        fix: 'buffering',
      };
    case 'batches':
      return {
        state: 'bad',
        says: `${count(events)} events came in ${count(bursts)} groups, ${held}${cure}`,
        fix: 'buffering',
      };
    case 'whole':
      return {
        state: 'bad',
        says: `nothing came before the origin had sent its last event: ${held}${cure}`,
        fix: 'buffering',
      };
    case 'mixed':
      return { state: 'bad', says: 'some streams are held whole, others come as they are sent', fix: 'buffering' };
    case 'nothing':
      return { state: 'bad', says: `an answer came and no event of it${cure}`, fix: 'buffering' };
    case 'cut':
      return { state: 'bad', says: 'streams are cut before their last event' };
    case 'stalls':
      return { state: 'bad', says: 'streams stop half-way, and nothing says so' };
    case 'unknown':
      return { state: 'unknown', says: 'no stream was answered with 200' };
  }
}

function compressionFinding({ compression, delivery }: SseFacts): Judged {
  const { kind, encoding, stoppedByNoTransform, stoppedByIdentity } = compression;
  if (kind === 'unknown') return { state: 'unknown', says: 'no stream was answered with 200' };
  if (kind === 'none')
    return { state: 'good', says: 'streams are passed on uncompressed, to clients that take gzip too' };
  const stops = [
    `\`Cache-Control: no-transform\` ${stoppedByNoTransform ? 'stops' : 'does not stop'} it`,
    `\`Content-Encoding: identity\` ${stoppedByIdentity ? 'stops' : 'does not stop'} it`,
  ].join(', ');
  const worse = OK.has(delivery.kind) && !OK.has(compression.delivery);
  const effect = worse ? 'and events are held for it' : 'and events still come one by one';
  return { state: worse ? 'bad' : 'warn', says: `compressed with ${encoding} ${effect}; ${stops}`, fix: 'compression' };
}

function idleFinding({ kind, cutAtMs, livedMs, longestTriedMs, seenAs, code }: Idle): Judged {
  switch (kind) {
    case 'open':
      return { state: 'good', says: `a silence of ${ms(livedMs)} lives; longer ones were not tried` };
    case 'cut': {
      const how = seenAs === 'clean' ? 'as if it were complete' : `as an abort${code === null ? '' : ` (${code})`}`;
      const lived = livedMs === null ? 'no shorter one lived' : `${ms(livedMs)} lived`;
      return {
        state: seenAs === 'clean' ? 'bad' : 'warn',
        says: `silence is cut after ${ms(cutAtMs)}, ${how}; ${lived}`,
        fix: 'idle',
      };
    }
    case 'unclear':
      return {
        state: 'unknown',
        says: `silences up to ${ms(longestTriedMs)} gave no clear picture: run it again`,
        fix: 'idle',
      };
    case 'unknown':
      return { state: 'unknown', says: 'no stream was answered' };
  }
}

function heartbeatFinding({ kind, expected, reached, worstHeldMs, everyMs, keepsAlive }: Heartbeat): Judged {
  const alive =
    keepsAlive === null
      ? ''
      : keepsAlive
        ? ' and keep alive what silence would cut'
        : ' and do not keep the stream alive';
  switch (kind) {
    case 'reach':
      return {
        state: 'good',
        says: `${count(reached)} came in time, one every ${ms(everyMs)}${alive}`,
      };
    case 'held':
      return {
        state: 'bad',
        says: `they are held for up to ${ms(worstHeldMs)}: the connection lives${keepsAlive ? ' past the idle cut' : ''}, and the reader sees nothing`,
        fix: 'buffering',
      };
    case 'lost':
      return { state: 'bad', says: `${count(reached)} of ${count(expected)} came at all` };
    case 'cut':
      return { state: 'bad', says: `the stream is cut in spite of one every ${ms(everyMs)}`, fix: 'idle' };
    case 'unknown':
      return { state: 'unknown', says: 'no stream was answered' };
  }
}

const SIGHT = {
  seen: 'is seen as an abort',
  hidden: 'looks like a complete answer',
  mixed: 'is sometimes seen',
  unknown: 'could not be judged',
} as const;

function truncationFinding({ truncation: { reset, close } }: SseFacts): Judged {
  const says = `an origin that resets ${SIGHT[reset]}; one that closes in order ${SIGHT[close]}`;
  if (reset === 'unknown' && close === 'unknown') return { state: 'unknown', says };
  if (reset === 'seen' && close === 'seen') return { state: 'good', says };
  return { state: 'warn', says: `${says}: only a terminal event tells`, fix: 'truncation' };
}

function wasteText(learning: Learning, price: WastePrice): string {
  const waste = wasteOf(learning, price);
  if (waste === null) return 'unknown';
  const least = waste.atLeast ? 'at least ' : '';
  return `${least}${tokens(waste.tokens)} tokens, ${least}${money(waste.costNanoUsd)}`;
}

function cancelFinding({ kind, busy, silent }: Cancel, price: WastePrice): Judged {
  const whileBusy = `while it writes, after ${ms(busy.afterMs)} (${count(busy.writes)} writes; ${wasteText(busy, price)})`;
  switch (kind) {
    case 'at_once':
      return {
        state: 'good',
        says: `the origin learns of it after ${ms(silent.afterMs)}, in silence too (${wasteText(silent, price)})`,
      };
    case 'late':
      return {
        state: 'warn',
        says: `the origin learns of it ${whileBusy}; in silence after ${ms(silent.afterMs)}: ${wasteText(silent, price)}`,
        fix: 'cancel',
      };
    case 'at_a_write':
      return {
        state: 'warn',
        says: `the origin learns of it ${whileBusy}; in silence not within ${ms(silent.watchedMs)}: ${wasteText(silent, price)}`,
        fix: 'cancel',
      };
    case 'unheard':
      return {
        state: 'bad',
        says: `the origin does not learn of it within ${ms(busy.watchedMs)}: ${wasteText(busy, price)}`,
        fix: 'cancel',
      };
    case 'unknown':
      return { state: 'unknown', says: 'the origin’s own note could not be read' };
  }
}

function upgradeFinding({ kind, status, originHttpVersion, opened, tried }: Measured['websocket']['upgrade']): Judged {
  switch (kind) {
    case 'opens':
      return { state: 'good', says: `${count(opened)} of ${count(tried)} open with 101` };
    case 'stripped':
      return {
        state: 'bad',
        says: `the upgrade is stripped: ${status} in the place of 101, and the gate saw a plain request in HTTP/${originHttpVersion}`,
        fix: 'upgrade',
      };
    case 'refused':
      return { state: 'bad', says: `refused with ${status} by a hop on the way`, fix: 'upgrade' };
    case 'unreachable':
      return { state: 'bad', says: 'no answer to the upgrade came', fix: 'upgrade' };
    case 'mixed':
      return {
        state: 'bad',
        says: `${count(opened)} of ${count(tried)} open, the others are answered ${status ?? 'not at all'}`,
        fix: 'upgrade',
      };
  }
}

/** Verdicts in words, each with its figures, from what was measured. No name of a product is read here. Pure. */
import { count, duration, money, tokens } from '#kernel/format.ts';
import { wasteOf, type Cancel, type Learning, type WastePrice } from './cancel.ts';
import type { Delivery } from './delivery.ts';
import type { FixTopic } from './fixes.ts';
import type { Heartbeat } from './heartbeat.ts';
import type { Idle } from './idle.ts';
import type {
  GrpcFacts,
  GrpcReach,
  Http2Facts,
  HttpFacts,
  Measured,
  SocketFacts,
  SocketHttp2Facts,
  SseFacts,
} from './measured.ts';
import { differencesOf } from './versions.ts';

export type Protocol = 'http' | 'sse' | 'sse-h2' | 'websocket' | 'websocket-h2' | 'grpc' | 'grpc-web';

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

export function findingsOf(measured: Measured, price: WastePrice): Finding[] {
  const { http, sse, websocket, http2, grpc, grpcWeb } = measured;
  const all: Row[] = [
    ['http.version', 'HTTP version', versionFinding(http, http2)],
    ['http.differences', '1.1 against 2', differencesFinding(measured)],
    ...sseRows('sse', sse, price),
    ...(http2 === null ? [] : sseRows('sse-h2', http2.sse, price)),
    ['websocket.upgrade', 'upgrade', upgradeFinding(websocket.upgrade)],
    ...socketRows('websocket', websocket, price),
    ['websocket-h2.upgrade', 'extended CONNECT', http2 && connectFinding(http2.websocket, websocket.upgrade)],
    ...(http2?.websocket.socket ? socketRows('websocket-h2', http2.websocket.socket, price) : []),
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

const sseRows = (protocol: Protocol, sse: SseFacts, price: WastePrice): Row[] => [
  [`${protocol}.delivery`, 'buffering', deliveryFinding(sse.delivery, sse.withHeader)],
  [`${protocol}.compression`, 'compression', compressionFinding(sse)],
  [`${protocol}.idle`, 'idle cut', idleFinding(sse.idle)],
  [`${protocol}.heartbeat`, 'heartbeats', heartbeatFinding(sse.heartbeat)],
  [`${protocol}.truncation`, 'truncation', truncationFinding(sse)],
  [`${protocol}.cancel`, 'cancel', cancelFinding(sse.cancel, price)],
];

const socketRows = (
  protocol: Protocol,
  { delivery, idle, heartbeat, cancel }: SocketFacts,
  price: WastePrice,
): Row[] => [
  [`${protocol}.delivery`, 'buffering', delivery && deliveryFinding(delivery, null)],
  [`${protocol}.idle`, 'idle cut', idle && idleFinding(idle)],
  [`${protocol}.heartbeat`, 'pings', heartbeat && heartbeatFinding(heartbeat)],
  [`${protocol}.cancel`, 'cancel', cancel && cancelFinding(cancel, price)],
];

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

function versionFinding(http: HttpFacts, http2: Http2Facts | null): Judged {
  const { clientVersion, originVersion, offersHttp2, secure } = http;
  const pairs = [
    `HTTP/${clientVersion} to the first hop, HTTP/${originVersion} to the gate`,
    ...(http2 === null
      ? []
      : [`HTTP/2 to the first hop, HTTP/${http2.originVersion === '2.0' ? '2' : http2.originVersion} to the gate`]),
  ];
  if (offersHttp2 === true && http2 === null)
    return {
      state: 'bad',
      says: `${pairs[0]}; the first hop offers HTTP/2 and the gate does not answer over it${secure ? ': browsers choose it' : ''}`,
    };
  const browsers = secure
    ? [`a browser gets HTTP/${offersHttp2 === true ? '2 (ALPN)' : '1.1'}`]
    : offersHttp2 === false
      ? ['the first hop speaks no HTTP/2']
      : [];
  const says = [...pairs, ...browsers].join('; ');
  if (originVersion === '1.0' || http2?.originVersion === '1.0')
    return { state: 'warn', says: `${says}: HTTP/1.0 has no chunks, so a cut body looks whole`, fix: 'truncation' };
  if (secure && offersHttp2 === false) return { state: 'warn', says, fix: 'http2' };
  return { state: 'good', says };
}

/** Null: HTTP/2 was not measured. */
function differencesFinding(measured: Measured): Judged | null {
  if (measured.http2 === null) return null;
  const differences = differencesOf(measured);
  if (differences.length === 0) return { state: 'good', says: 'streams are treated alike over both versions' };
  const told = differences.map(({ title, http1, http2 }) => `${title}: ${http1} over 1.1, ${http2} over 2`);
  return { state: 'warn', says: told.join('; ') };
}

function connectFinding({ offered, socket }: SocketHttp2Facts, over1: Measured['websocket']['upgrade']): Judged {
  if (offered === null) return { state: 'unknown', says: 'the first hop sent no SETTINGS' };
  if (socket === null) {
    const opens = over1.kind === 'opens';
    const says = 'not offered by the SETTINGS of the first hop (RFC 8441): a browser opens its socket over HTTP/1.1';
    return opens ? { state: 'good', says } : { state: 'bad', says: `${says}, where none opens`, fix: 'upgrade' };
  }
  const { kind, opened, tried, status } = socket.upgrade;
  if (kind === 'opens') return { state: 'good', says: `offered, and ${count(opened)} of ${count(tried)} open` };
  const instead = status === null ? 'no answer came' : `answered ${status}`;
  return {
    state: 'bad',
    says: `offered, and ${count(opened)} of ${count(tried)} open (${instead}): a browser with an open connection tries it`,
    fix: 'upgrade',
  };
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

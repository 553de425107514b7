import { cancelOf } from './core/cancel.ts';
import type {
  GrpcFacts,
  GrpcReach,
  Http2Facts,
  Measured,
  SocketFacts,
  SocketHttp2Facts,
  SseFacts,
} from './core/measured.ts';
import type { StreamSample } from './core/sample.ts';
import { NOT_JUDGED, truncationOf } from './core/truncation.ts';
import { upgradeOf, type SocketSample } from './core/upgrade.ts';
import { askEither, askHttp2, leaving, type AskNote } from './measure-cancel.ts';
import { measureCompression, measureDelivery } from './measure-delivery.ts';
import { silences } from './measure-silence.ts';
import { probeGrpc, probeGrpcWeb } from './probe-grpc.ts';
import { probeGrpcStream, probeGrpcWebStream } from './probe-grpc-stream.ts';
import { http2Facts, httpFacts } from './probe-http.ts';
import { probeSocket } from './probe-socket.ts';
import { offersSockets, probeSocketHttp2 } from './probe-socket-http2.ts';
import { probeSse } from './probe-sse.ts';
import { probeSseHttp2 } from './probe-sse-http2.ts';
import type { DoctorPlan } from './plan.ts';
import { repeated, type Probe } from './repeat.ts';
import type { Way } from './way.ts';

export interface Measuring {
  readonly way: Way;
  readonly plan: DoctorPlan;
  readonly roundTripMs: number | null;
  readonly step: (what: string) => void;
}

/** Everything about one way. Throws a `NoEcho` where it does not lead to an open one. */
export async function measure(way: Way, plan: DoctorPlan, step: (what: string) => void): Promise<Measured> {
  step('the way itself');
  const http = await httpFacts(way);
  const measuring: Measuring = { way, plan, roundTripMs: http.roundTripMs, step };
  // All at once: the longest silence is what a run takes.
  const [sse, websocket, http2, grpc, grpcWeb] = await Promise.all([
    measureSse(measuring, { probe: (ask) => probeSse(way, ask) }),
    measureSocket(measuring, { probe: (ask) => probeSocket(way, ask) }),
    http.offersHttp2 === true ? measureHttp2({ ...measuring, step: () => undefined }) : null,
    measureGrpc(measuring, probeGrpc(way), (ask) => probeGrpcStream(way, ask)),
    measureGrpc(measuring, probeGrpcWeb(way), (ask) => probeGrpcWebStream(way, ask)),
  ]);
  return { http, sse, websocket, http2, grpc, grpcWeb };
}

/** How streams of one HTTP version are opened, and what the origin noted of them is asked. */
interface Over<S extends StreamSample> {
  readonly probe: Probe<S>;
  readonly ask?: AskNote;
}

async function measureHttp2(measuring: Measuring): Promise<Http2Facts | null> {
  const { way } = measuring;
  const facts = await http2Facts(way);
  if (facts === null) return null;
  const over = { ...measuring, roundTripMs: facts.roundTripMs };
  const [sse, websocket] = await Promise.all([
    measureSse(over, { probe: (ask) => probeSseHttp2(way, ask), ask: askHttp2 }),
    measureSocketHttp2(over),
  ]);
  return { ...facts, sse, websocket };
}

async function measureSocketHttp2(measuring: Measuring): Promise<SocketHttp2Facts> {
  const { way } = measuring;
  const offered = await offersSockets(way);
  if (offered !== true) return { offered, socket: null };
  return {
    offered,
    socket: await measureSocket(measuring, { probe: (ask) => probeSocketHttp2(way, ask), ask: askHttp2 }),
  };
}

/** Streams that break by themselves: how they look when their origin dies cannot be judged. */
const BROKEN: ReadonlySet<string> = new Set(['cut', 'stalls', 'nothing', 'unknown']);

/** Long silences run beside all the rest; what measures times runs a few at a time. */
async function measureSse(
  { way, plan, roundTripMs, step }: Measuring,
  { probe, ...note }: Over<StreamSample>,
): Promise<SseFacts> {
  const long = Promise.all([silences(plan, probe), leaving({ way, plan, probe, how: 'silent', ...note })]);
  step('delivery');
  const [{ delivery }, { delivery: withHeader }] = await Promise.all([
    measureDelivery({ plan, probe, roundTripMs }),
    measureDelivery({ plan, probe, roundTripMs, query: { 'accel-no': true } }),
  ]);
  step('compression, truncation');
  const [compression, reset, close] = await Promise.all([
    measureCompression(plan, probe),
    repeated(plan, probe, { times: 2, query: { die: 'rst' } }),
    repeated(plan, probe, { times: 2, query: { die: 'fin' } }),
  ]);
  step('cancels');
  const busy = await leaving({ way, plan, probe, how: 'busy', ...note });
  step(`silences up to ${Math.max(...plan.gapsMs) / 1000} s`);
  const [quiet, silent] = await long;
  return {
    ...{ delivery, withHeader, compression, ...quiet },
    truncation: BROKEN.has(delivery.kind) ? NOT_JUDGED : truncationOf(reset, close),
    cancel: cancelOf({ everyMs: plan.everyMs, busy, silent }),
  };
}

/** Silences begin at once, whether a socket opens or not: where none does, they are over at once. */
async function measureSocket(
  { way, plan, roundTripMs }: Measuring,
  { probe, ...note }: Over<SocketSample>,
): Promise<SocketFacts> {
  const long = Promise.all([silences(plan, probe), leaving({ way, plan, probe, how: 'silent', ...note })]);
  // A socket is opened by two round trips, and its clock runs from the first.
  const both = roundTripMs === null ? null : 2 * roundTripMs;
  const { delivery, samples } = await measureDelivery({ plan, probe, roundTripMs: both });
  const upgrade = upgradeOf(samples);
  if (upgrade.kind !== 'opens' && upgrade.kind !== 'mixed')
    return { upgrade, delivery: null, idle: null, heartbeat: null, cancel: null };
  const busy = await leaving({ way, plan, probe, how: 'busy', ...note });
  const [quiet, silent] = await long;
  return { upgrade, delivery, ...quiet, cancel: cancelOf({ everyMs: plan.everyMs, busy, silent }) };
}

/** Streams of gRPC, where a call reaches the gate at all. */
export async function measureGrpc(
  { way, plan, roundTripMs }: Measuring,
  reaching: Promise<GrpcReach>,
  probe: Probe<StreamSample>,
): Promise<GrpcFacts> {
  const reach = await reaching;
  if (reach.kind !== 'reaches') return { ...reach, stream: null };
  const long = Promise.all([silences(plan, probe), leaving({ way, plan, probe, how: 'silent', ask: askEither })]);
  // HTTP/2 opens by a round trip more than the echo's clock knows of.
  const [{ delivery }, { delivery: withHeader }] = await Promise.all([
    measureDelivery({ plan, probe, roundTripMs }),
    measureDelivery({ plan, probe, roundTripMs, query: { 'accel-no': true } }),
  ]);
  const busy = await leaving({ way, plan, probe, how: 'busy', ask: askEither });
  const [quiet, silent] = await long;
  if (delivery.kind === 'unknown') return { ...reach, stream: null };
  const cancel = cancelOf({ everyMs: plan.everyMs, busy, silent });
  return { ...reach, stream: { delivery, withHeader, ...quiet, cancel } };
}

import { randomUUID } from 'node:crypto';
import { cancelOf, type Cancel, type CancelSample } from './core/cancel.ts';
import { compressionOf, type Compression } from './core/compression.ts';
import { deliveryOf } from './core/delivery.ts';
import { heartbeatOf, type BeatSample } from './core/heartbeat.ts';
import { idleOf, type GapSample } from './core/idle.ts';
import type { Measured, SocketFacts, SseFacts } from './core/measured.ts';
import type { StreamSample } from './core/sample.ts';
import { NOT_JUDGED, truncationOf } from './core/truncation.ts';
import { upgradeOf, type SocketSample } from './core/upgrade.ts';
import { askEcho } from './probe-answer.ts';
import { httpFacts } from './probe-http.ts';
import { probeSocket } from './probe-socket.ts';
import { probeSse, type SseAsk } from './probe-sse.ts';
import { LEAVE_AFTER_MS, SLACK_MS, type DoctorPlan } from './plan.ts';
import type { Query, Way } from './way.ts';

type Probe<S extends StreamSample> = (ask: SseAsk) => Promise<S>;

/** Everything about one way. Long silences run beside all the rest; what measures times runs a few at a time. */
export async function measure(way: Way, plan: DoctorPlan, step: (what: string) => void): Promise<Measured> {
  const sse: Probe<StreamSample> = (ask) => probeSse(way, ask);
  const socket: Probe<SocketSample> = (ask) => probeSocket(way, ask);
  step('the way itself');
  const http = await httpFacts(way);
  const opening = await repeated(plan, (query) => socket({ query, boundMs: boundOf(plan) }), plan.repeats);
  const upgrade = upgradeOf(opening);
  const opens = upgrade.kind === 'opens' || upgrade.kind === 'mixed';
  const long = Promise.all([silences(plan, sse), opens ? silences(plan, socket) : null]);
  const left = Promise.all([leaving(way, plan, sse, 'silent'), opens ? leaving(way, plan, socket, 'silent') : []]);
  step('delivery');
  const roundTripMs = http.roundTripMs;
  const expected = plan.events;
  const plain = await repeated(plan, (query) => sse({ query, boundMs: boundOf(plan) }), plan.repeats);
  const headed = await repeated(
    plan,
    (query) => sse({ query: { ...query, 'accel-no': true }, boundMs: boundOf(plan) }),
    plan.repeats,
  );
  step('compression, truncation');
  const [compression, reset, close] = await Promise.all([
    compressed(plan, sse),
    dying(plan, sse, 'rst'),
    dying(plan, sse, 'fin'),
  ]);
  step('cancelling');
  const [busy, busySocket] = await Promise.all([
    leaving(way, plan, sse, 'busy'),
    opens ? leaving(way, plan, socket, 'busy') : [],
  ]);
  step(`silences up to ${Math.max(...plan.gapsMs) / 1000} s`);
  const [[quiet, quietSocket], [silent, silentSocket]] = await Promise.all([long, left]);
  const delivery = deliveryOf(plain, { expected, roundTripMs });
  const facts: SseFacts = {
    delivery,
    withHeader: deliveryOf(headed, { expected, roundTripMs }),
    compression,
    ...quiet,
    truncation: BROKEN.has(delivery.kind) ? NOT_JUDGED : truncationOf(reset, close),
    cancel: cancelOf({ everyMs: plan.everyMs, busy, silent }),
  };
  const cancel: Cancel | null = opens
    ? cancelOf({ everyMs: plan.everyMs, busy: busySocket, silent: silentSocket })
    : null;
  const websocket: SocketFacts = {
    upgrade,
    // A socket is opened by two round trips, and its clock runs from the first.
    delivery: opens
      ? deliveryOf(opening.map(asAnswered), { expected, roundTripMs: roundTripMs && 2 * roundTripMs })
      : null,
    idle: quietSocket?.idle ?? null,
    heartbeat: quietSocket?.heartbeat ?? null,
    cancel,
  };
  return { http, sse: facts, websocket, grpc: { kind: 'not_served' } };
}

/** Streams that break by themselves. */
const BROKEN: ReadonlySet<string> = new Set(['cut', 'stalls', 'nothing', 'unknown']);

/** An opened socket has delivered as an answer of 200 has. */
const asAnswered = (sample: SocketSample): StreamSample =>
  sample.status === 101 ? { ...sample, status: 200 } : sample;

const boundOf = ({ events, everyMs }: DoctorPlan): number => events * everyMs + SLACK_MS;

/** Side by side with a little between them: what delays one in the machine does not delay all. */
async function repeated<S>(plan: DoctorPlan, probe: (query: Query) => Promise<S>, times: number): Promise<S[]> {
  const query = { count: plan.events, every: plan.everyMs };
  return Promise.all(
    Array.from({ length: times }, async (_, i) => {
      await pause(i * 37);
      return probe(query);
    }),
  );
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function compressed(plan: DoctorPlan, probe: Probe<StreamSample>): Promise<Compression> {
  const ask = (more: Query): Promise<StreamSample[]> =>
    repeated(
      plan,
      (query) => probe({ query: { ...query, ...more }, acceptEncoding: 'gzip, br', boundMs: boundOf(plan) }),
      2,
    );
  const [plain, noTransform, identity] = await Promise.all([
    ask({}),
    ask({ 'no-transform': true }),
    ask({ identity: true }),
  ]);
  return compressionOf({ plain, noTransform, identity, expected: plan.events });
}

const dying = (plan: DoctorPlan, probe: Probe<StreamSample>, die: 'rst' | 'fin'): Promise<StreamSample[]> =>
  repeated(
    { ...plan, everyMs: plan.everyMs / 2 },
    (query) => probe({ query: { ...query, die }, boundMs: boundOf(plan) }),
    2,
  );

async function silences(plan: DoctorPlan, probe: Probe<StreamSample>): Promise<Pick<SseFacts, 'idle' | 'heartbeat'>> {
  const longest = Math.max(...plan.gapsMs);
  const gap = async (gapMs: number): Promise<GapSample> => ({
    gapMs,
    sample: await probe({ query: { count: 2, every: 0, gap: gapMs }, boundMs: gapMs + SLACK_MS }),
  });
  const beating = async (): Promise<BeatSample> => {
    const beatMs = Math.min(plan.beatMs, longest / 3);
    const query = { count: 2, every: 0, gap: longest, beat: Math.round(beatMs) };
    return { gapMs: longest, beatMs, sample: await probe({ query, boundMs: longest + SLACK_MS }) };
  };
  const [gaps, beats] = await Promise.all([Promise.all(plan.gapsMs.map(gap)), beating()]);
  const idle = idleOf(gaps);
  return { idle, heartbeat: heartbeatOf(beats, idle) };
}

/** How often the origin is asked whether it has learnt. */
const ASK_EVERY_MS = 250;

interface Note {
  readonly known?: boolean;
  readonly endedMs?: number | null;
  readonly endedBy?: string | null;
}

/** Streams that are left while the origin is busy or silent, and when it learnt that by its own note. */
function leaving(
  way: Way,
  plan: DoctorPlan,
  probe: Probe<StreamSample>,
  how: 'busy' | 'silent',
): Promise<CancelSample[]> {
  const busy = how === 'busy';
  const watchMs = busy ? plan.watchMs : plan.silenceMs - 2 * LEAVE_AFTER_MS;
  const pace: Query = busy
    ? { count: Math.ceil((watchMs + SLACK_MS) / plan.everyMs), every: plan.everyMs }
    : { count: 2, every: 0, gap: plan.silenceMs };
  return Promise.all(
    Array.from({ length: busy ? plan.repeats : 2 }, async (_, i): Promise<CancelSample> => {
      await pause(i * 61);
      const id = randomUUID();
      const sample = await probe({ query: { ...pace, id }, dropAtMs: LEAVE_AFTER_MS, boundMs: SLACK_MS });
      return watched(way, { id, leftMs: sample.endMs, watchMs });
    }),
  );
}

async function watched(
  way: Way,
  { id, leftMs, watchMs }: { readonly id: string; readonly leftMs: number; readonly watchMs: number },
): Promise<CancelSample> {
  const from = performance.now();
  let known = false;
  for (;;) {
    const { body } = await askEcho(way, 'report', { id });
    const note = body as Note | null;
    known ||= note?.known === true;
    const learntMs = note?.endedBy === 'client' ? (note.endedMs ?? null) : null;
    const passedMs = performance.now() - from;
    if (learntMs !== null || passedMs >= watchMs) return { leftMs, learntMs, watchedMs: watchMs, known };
    await pause(Math.min(ASK_EVERY_MS, watchMs - passedMs));
  }
}

/** A gate whose echo is open, and the doctor's measurements shortened for tests. */
import { measure, measureGrpc } from '../../src/capabilities/streams/doctor/measure.ts';
import { probeGrpc, probeGrpcWeb } from '../../src/capabilities/streams/doctor/probe-grpc.ts';
import { probeGrpcStream, probeGrpcWebStream } from '../../src/capabilities/streams/doctor/probe-grpc-stream.ts';
import type { Way } from '../../src/capabilities/streams/doctor/way.ts';
import { FULL, type DoctorPlan } from '../../src/capabilities/streams/doctor/plan.ts';
import type { GrpcFacts, Measured } from '../../src/capabilities/streams/doctor/core/measured.ts';
import { startGate, type GateProcess } from '../harness/gate-process.ts';

export interface EchoGate {
  readonly gate: GateProcess;
  readonly ticket: string;
  readonly way: (url: string) => Way;
  /** Streams of the two alone. */
  readonly grpc: (url: string) => Promise<GrpcFacts>;
  readonly grpcWeb: (url: string) => Promise<GrpcFacts>;
  readonly measured: (url: string, plan?: DoctorPlan) => Promise<Measured>;
}

/** Idle times of the proxies under test. */
export const IDLE_S = 4;
/** Two silences below {@link IDLE_S} and one above it. */
export const SHORT: DoctorPlan = {
  ...FULL,
  gapsMs: [1_000, 2_500, 6_000],
  beatMs: 1_000,
  silenceMs: 3_500,
  watchMs: 2_500,
};

// Nothing calls a provider here.
const CONFIG = `
providers: { lab: { kind: lab, baseUrl: "http://127.0.0.1:9/v1" } }
models: { m: { deployments: [{ provider: lab, model: lab-small }] } }
features: { search: {} }
`;

export async function startEchoGate(): Promise<EchoGate> {
  const gate = await startGate({ config: CONFIG });
  const { ticket } = await gate.admin('POST', '/streams/echo-tickets', { maxOpen: 512 });
  const way = (url: string): Way => ({ base: new URL(url), ticket, headers: {} });
  const measured = (url: string, plan = SHORT): Promise<Measured> => measure(way(url), plan, () => undefined);
  const alone = (url: string) => ({ way: way(url), plan: SHORT, roundTripMs: 5, step: () => undefined });
  return {
    ...{ gate, ticket, way, measured },
    grpc: (url) => measureGrpc(alone(url), probeGrpc(way(url)), (ask) => probeGrpcStream(way(url), ask)),
    grpcWeb: (url) => measureGrpc(alone(url), probeGrpcWeb(way(url)), (ask) => probeGrpcWebStream(way(url), ask)),
  };
}

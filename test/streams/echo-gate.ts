/** A gate whose echo is open, and the doctor's measurements shortened for tests. */
import { measure } from '../../src/capabilities/streams/doctor/measure.ts';
import { FULL, type DoctorPlan } from '../../src/capabilities/streams/doctor/plan.ts';
import type { Measured } from '../../src/capabilities/streams/doctor/core/measured.ts';
import { startGate, type GateProcess } from '../harness/gate-process.ts';

export interface EchoGate {
  readonly gate: GateProcess;
  readonly ticket: string;
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
  const measured = (url: string, plan = SHORT): Promise<Measured> =>
    measure({ base: new URL(url), ticket, headers: {} }, plan, () => undefined);
  return { gate, ticket, measured };
}

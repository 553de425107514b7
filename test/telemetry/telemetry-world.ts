import { after, before } from 'node:test';
import { startGate, type GateProcess } from '../harness/gate-process.ts';
import { startUpstream, type ScriptedUpstream } from '../clients-rules/scripted-upstream.ts';
import { startCollector, type Collector } from './collector.ts';

/** A gate before two upstreams that exports to a collector of the test. `m` is the first alone, `pair` both in order. */
export interface TelemetryWorld {
  readonly gate: GateProcess;
  readonly first: ScriptedUpstream;
  readonly second: ScriptedUpstream;
  readonly collector: Collector;
}

export const COLLECTOR_KEY = 'collector-token-77xyz';

const config = (first: string, second: string, otlp: string): string => `
environment: staging
providers:
  first: { kind: lab, baseUrl: "${first}/v1", traceContext: all }
  second: { kind: vllm, baseUrl: "${second}/v1" }
  vendor: { kind: lab, baseUrl: "${first}/v1" }
models:
  m: { deployments: [{ provider: first, model: up }] }
  vendor: { deployments: [{ provider: vendor, model: up }] }
  pair: { deployments: [{ provider: first, model: up, order: 0 }, { provider: second, model: up, order: 1 }] }
prices:
  - { provider: "*", model: "*", perMillion: { input: "1000", output: "2000", cachedRead: "100" } }
retry: { attempts: 2, backoff: 0ms }
features: { search: {} }
telemetry:
  otlp:
${otlp}
`;

export interface WorldStart {
  /** Lines of `telemetry.otlp` beside the endpoint, each with four spaces before it. */
  readonly otlp?: string;
  /** Another address than the collector's; asked when the gate starts. */
  readonly collectorUrl?: () => string;
}

export function inTelemetryWorld({ otlp = '', collectorUrl }: WorldStart = {}): TelemetryWorld {
  const world: { -readonly [K in keyof TelemetryWorld]: TelemetryWorld[K] } = {} as never;
  before(async () => {
    [world.first, world.second, world.collector] = await Promise.all([
      startUpstream(),
      startUpstream(),
      startCollector(),
    ]);
    world.gate = await startGate({
      config: config(
        world.first.url,
        world.second.url,
        `    endpoint: ${collectorUrl?.() ?? world.collector.url}\n    headers: { x-collector: "\${env:COLLECTOR_KEY}" }\n${otlp}`,
      ),
      env: { COLLECTOR_KEY },
    });
  });
  after(async () => {
    await world.gate?.stop();
    await Promise.all([world.first?.close(), world.second?.close(), world.collector?.close()]);
  });
  return world;
}

import type { StreamSample } from './core/sample.ts';
import type { DoctorPlan } from './plan.ts';
import { SLACK_MS } from './plan.ts';
import type { StreamAsk } from './taking.ts';
import type { Query } from './way.ts';

/** One stream through a way, by server-sent events or by a WebSocket. */
export type Probe<S extends StreamSample> = (ask: StreamAsk) => Promise<S>;

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** More than one event apart: what holds the machine up in one stream holds up another event of the next. */
const APART = 1.3;

export interface Repeated {
  readonly times: number;
  /** On top of the plan's events and pace. */
  readonly query?: Query;
  readonly acceptEncoding?: string;
}

/** The same stream several times, each begun a little after the one before. */
export function repeated<S extends StreamSample>(
  { events, everyMs }: DoctorPlan,
  probe: Probe<S>,
  { times, query = {}, acceptEncoding }: Repeated,
): Promise<S[]> {
  return Promise.all(
    Array.from({ length: times }, async (_, i) => {
      await pause(i * everyMs * APART);
      return probe({
        query: { count: events, every: everyMs, ...query },
        boundMs: events * everyMs + SLACK_MS,
        ...(acceptEncoding !== undefined && { acceptEncoding }),
      });
    }),
  );
}

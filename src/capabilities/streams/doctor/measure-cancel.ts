import { randomUUID } from 'node:crypto';
import type { CancelSample } from './core/cancel.ts';
import type { StreamSample } from './core/sample.ts';
import { LEAVE_AFTER_MS, SLACK_MS, type DoctorPlan } from './plan.ts';
import { askEcho, askEchoHttp2 } from './probe-answer.ts';
import { pause, type Probe } from './repeat.ts';
import type { Query, Way } from './way.ts';

/** How often the origin is asked whether it has learnt. */
const ASK_EVERY_MS = 250;

interface Note {
  readonly known?: boolean;
  readonly endedMs?: number | null;
  readonly endedBy?: string | null;
}

interface Leaving {
  readonly way: Way;
  readonly plan: DoctorPlan;
  readonly probe: Probe<StreamSample>;
  readonly how: 'busy' | 'silent';
  /** What the origin noted of a stream, asked by whatever the way speaks. Default: HTTP/1. */
  readonly ask?: AskNote;
}

export type AskNote = (way: Way, id: string) => Promise<unknown>;
const askHttp1: AskNote = async (way, id) => (await askEcho(way, 'report', { id })).body;
export const askHttp2: AskNote = async (way, id) => (await askEchoHttp2(way, 'report', { id })).body;
/** A way of gRPC may speak HTTP/2 alone. */
export const askEither: AskNote = async (way, id) => (await askHttp1(way, id)) ?? (await askHttp2(way, id));

/** Streams that are left while the origin is busy or silent, and when it learnt that by its own note. */
export function leaving({ way, plan, probe, how, ask = askHttp1 }: Leaving): Promise<CancelSample[]> {
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
      return watched(() => ask(way, id), { leftMs: sample.endMs, watchMs });
    }),
  );
}

async function watched(
  ask: () => Promise<unknown>,
  { leftMs, watchMs }: { readonly leftMs: number; readonly watchMs: number },
): Promise<CancelSample> {
  const from = performance.now();
  let known = false;
  for (;;) {
    const note = (await ask()) as Note | null;
    known ||= note?.known === true;
    const learntMs = note?.endedBy === 'client' ? (note.endedMs ?? null) : null;
    const passedMs = performance.now() - from;
    if (learntMs !== null || passedMs >= watchMs) return { leftMs, learntMs, watchedMs: watchMs, known };
    await pause(Math.min(ASK_EVERY_MS, watchMs - passedMs));
  }
}

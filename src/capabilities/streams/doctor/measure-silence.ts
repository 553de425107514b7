import { heartbeatOf, type BeatSample } from './core/heartbeat.ts';
import { idleOf, type GapSample } from './core/idle.ts';
import type { SseFacts } from './core/measured.ts';
import type { StreamSample } from './core/sample.ts';
import { SLACK_MS, type DoctorPlan } from './plan.ts';
import type { Probe } from './repeat.ts';

/** Silences of all lengths at once, and the longest with heartbeats in it. */
export async function silences(
  plan: DoctorPlan,
  probe: Probe<StreamSample>,
): Promise<Pick<SseFacts, 'idle' | 'heartbeat'>> {
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

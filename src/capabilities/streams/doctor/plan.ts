/** What a run of the doctor asks of a way. */
export interface DoctorPlan {
  /** Lengths of silence, each on a stream of its own, all at once. */
  readonly gapsMs: readonly number[];
  /** Heartbeats of the origin in the longest silence. */
  readonly beatMs: number;
  readonly events: number;
  /** Longer than the 200 ms for which a kernel corks: what a hop holds so long is seen on each event. */
  readonly everyMs: number;
  readonly repeats: number;
  /** Silence in which a reader leaves. */
  readonly silenceMs: number;
  /** How long a busy origin is watched after its reader has left. */
  readonly watchMs: number;
}

/** The silences at which proxies and balancers cut by default: 60 s of most, 50 of Debian's HAProxy, 30 of some CDNs. */
const GAPS_MS = [5_000, 15_000, 30_000, 45_000, 65_000];

export const FULL: DoctorPlan = {
  gapsMs: GAPS_MS,
  beatMs: 10_000,
  events: 8,
  everyMs: 300,
  repeats: 3,
  silenceMs: 10_000,
  watchMs: 5_000,
};

/** Under 15 s: longer silences are left out, and the report says so. */
export const QUICK: DoctorPlan = { ...FULL, gapsMs: [2_000, 8_000], beatMs: 1_000, silenceMs: 8_000, watchMs: 3_000 };

/** A stream that is left goes on for so long before it is left. */
export const LEAVE_AFTER_MS = 700;
/** On top of what a stream takes on a good way. */
export const SLACK_MS = 5_000;

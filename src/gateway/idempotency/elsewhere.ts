import { setTimeout as sleep } from 'node:timers/promises';
import type { CallId } from '#kernel/brand.ts';
import { HeadgateError } from '#kernel/errors.ts';
import type { IdempotencyName, KeyState, SharedKeys, WholeAnswer } from '#ports/idempotency.ts';
import type { LiveStream } from '#capabilities/streams/index.ts';
import type { Exchange } from '../call.ts';

/** The call that has the answer, by the name of its key. */
export interface Original {
  readonly name: IdempotencyName;
  readonly call: CallId;
}

/** What another gate has, or had. `released`: the call came to nothing. `lost`: nothing is known of it any more. */
export type Elsewhere =
  | { readonly whole: WholeAnswer }
  | { readonly stream: LiveStream }
  /** Null: it is not known how the call ended, since its gate is gone. */
  | { readonly gone: KeyState['status'] }
  | 'released'
  | 'lost';

export interface Looking {
  readonly shared: SharedKeys;
  readonly exchange: Pick<Exchange, 'response'>;
  /** The stream of the call, wherever it is. */
  readonly seek: () => Promise<LiveStream | null | 'away' | 'full'>;
}

/** Hints may be lost: so often it is looked without one. */
const LOOK_MS = 250;
/** An answer comes so soon behind the word of its end, or it is not kept. */
const LATE_MS = 1_000;

/** Waits until it is known what a call of another gate has come to; as long as that gate lives and the client stays. */
export async function lookElsewhere(looking: Looking, original: Original): Promise<Elsewhere> {
  const { shared, exchange } = looking;
  let [hint, endedAt] = [(): void => undefined, Infinity];
  const unfollow = shared.follow(original.name, () => hint());
  try {
    for (;;) {
      const hinted = new Promise<void>((resolve) => (hint = resolve));
      const state = await shared.state(original.name);
      if (state === 'away') throw new HeadgateError('store_unavailable');
      if (state === 'lost') return 'lost';
      if (state === 'released' || state.call !== original.call) return 'released';
      if (state.status !== null) endedAt = Math.min(endedAt, performance.now());
      const known = await settled(looking, state, performance.now() - endedAt > LATE_MS);
      if (known !== null) return known;
      if (exchange.response.destroyed) throw new HeadgateError('client_closed');
      void shared.want(original.name, state.gate, original.call);
      await Promise.race([hinted, sleep(LOOK_MS, undefined, { ref: false })]);
    }
  } finally {
    unfollow();
  }
}

/** Null: more is to come. `late`: nothing more is. */
async function settled({ shared, seek }: Looking, state: KeyState, late: boolean): Promise<Elsewhere | null> {
  const { begun, status, answer } = state;
  if (begun === 'whole') return answer ? { whole: answer } : { gone: status };
  const lives = begun === null || late ? await shared.lives(state.gate) : true;
  if (lives === 'away') throw new HeadgateError('store_unavailable');
  if (begun === null && lives && !late) return null;
  const stream = await seek();
  if (stream === 'away') throw new HeadgateError('store_unavailable');
  if (stream === 'full') return { gone: status };
  if (stream !== null) return stream.overflowed ? { gone: status } : { stream };
  // Of a stream that has begun a moment ago the log may not be there yet.
  const alive = begun === 'stream' && status === null && (await shared.lives(state.gate)) === true;
  return alive ? null : { gone: status };
}

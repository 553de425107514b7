/** Whether a WebSocket opens on a way, and who answered where it does not. Pure. */
import type { StreamSample } from './sample.ts';

export interface SocketSample extends StreamSample {
  /** What the gate's echo saw of the request; null: the answer was not the echo's. */
  readonly origin: { readonly upgrade: string | null; readonly httpVersion: string } | null;
}

export interface Upgrade {
  /**
   * `stripped`: the request reached the origin as a plain one. `refused`: somebody on the way answered.
   * `unreachable`: no answer came.
   */
  readonly kind: 'opens' | 'stripped' | 'refused' | 'unreachable' | 'mixed';
  readonly status: number | null;
  readonly originHttpVersion: string | null;
  readonly opened: number;
  readonly tried: number;
}

export function upgradeOf(samples: readonly SocketSample[]): Upgrade {
  const opened = samples.filter(({ status }) => status === 101).length;
  const failed = samples.find(({ status }) => status !== 101);
  const { status = null, origin = null } = failed ?? { status: 101 };
  const facts = { status, originHttpVersion: origin?.httpVersion ?? null, opened, tried: samples.length };
  if (opened === samples.length && opened > 0) return { ...facts, kind: 'opens' };
  if (opened > 0) return { ...facts, kind: 'mixed' };
  if (status === null) return { ...facts, kind: 'unreachable' };
  return { ...facts, kind: origin !== null && origin.upgrade === null ? 'stripped' : 'refused' };
}

import type { RelayContext } from './attempt.ts';

/** The longest that a provider is read on for its usage after the client has left. */
export const READ_OUT_MS = 30_000;

/**
 * The client has left: true where the provider's policy is to read on for the usage. Reading ends by itself, or
 * after 30 s by `over`. A provider bills what it generated either way; reading on makes the figure exact.
 */
export function readOn({ record, control }: RelayContext, over: () => void): boolean {
  if (record.deployment.provider.data.onDisconnect !== 'readOut') return false;
  control.resume();
  const timer = setTimeout(() => {
    over();
    control.abort();
  }, READ_OUT_MS);
  timer.unref();
  return true;
}

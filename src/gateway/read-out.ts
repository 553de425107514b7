import type { RelayContext } from './attempt.ts';

/** The longest that a provider is read on for its usage after the client has left. */
export const READ_OUT_MS = 30_000;

/**
 * The client has left: true where somebody else waits for the answer, or the provider's policy is to read on for the
 * usage. Reading ends by itself; once nobody waits, or after 30 s, by `over`. A provider bills what it generated
 * either way; reading on makes the figure exact.
 */
export function readOn(context: RelayContext, over: () => void): boolean {
  const { call, record, control } = context;
  const stop = (): void => {
    over();
    control.abort();
  };
  if (call.flight?.isRead) {
    call.flight.onUnread(() => readOn(context, over) || stop());
    control.resume();
    return true;
  }
  if (record.deployment.provider.data.onDisconnect !== 'readOut') return false;
  control.resume();
  setTimeout(stop, READ_OUT_MS).unref();
  return true;
}

import type { ProviderFault } from './canonical.ts';

/** Longest text of a foreign error page that is worth repeating. */
const MAX_MESSAGE_CHARS = 4096;

type FaultType = ProviderFault['type'];

/** The type that a status alone tells: the dialect's own word for it, else its class. Null: it came inside a stream. */
export function faultTypeAt(status: number | null, byStatus: ReadonlyMap<number, FaultType>): FaultType {
  if (status === null) return 'server';
  return byStatus.get(status) ?? (status >= 400 && status < 500 ? 'invalid_request' : 'server');
}

/** What the provider wrote, cut to a bound; where it wrote nothing, that. */
export function faultMessage(text: string | null, status: number | null): string {
  return (text?.trim() || `The provider answered ${status ?? 'with an error'} without a message.`).slice(
    0,
    MAX_MESSAGE_CHARS,
  );
}

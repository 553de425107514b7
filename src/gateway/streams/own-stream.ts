import type { IncomingHttpHeaders } from 'node:http';
import type { CallId } from '#kernel/brand.ts';
import { HeadgateError } from '#kernel/errors.ts';
import type { LiveStream } from '#capabilities/streams/index.ts';
import type { Caller } from '#capabilities/tenants/index.ts';
import type { Gate } from '../gate.ts';

/** Whoever sent a request, by its headers; throws the refusal. */
export function callerOf(gate: Gate, headers: IncomingHttpHeaders): Caller {
  const caller = gate.tenants.authenticate(headers);
  if (!caller.ok) throw caller.error;
  return caller.value;
}

const AWAY = 'The log of streams does not answer: this stream may be there once it does.';
const FULL =
  'The log of this stream grew too large to keep. Its call goes on, or has an entry with its usage and cost.';

/** What was looked for, where it can be read; throws what keeps it from being read. */
export function here(found: LiveStream | null | 'away' | 'full'): LiveStream | null {
  if (found === 'away') throw new HeadgateError('store_unavailable', { message: AWAY });
  if (found === 'full') throw new HeadgateError('stream_gone', { message: FULL });
  return found;
}

/** The key's own stream, wherever it is produced; a 410 that names the entry where the log is gone, a 404 for whatever is not the key's. */
export async function streamOf(gate: Gate, caller: Caller, id: CallId): Promise<LiveStream> {
  const owner = { tenant: caller.tenant.id, key: caller.key.id };
  const stream = here(await gate.streams.seek(id, owner));
  if (stream) return stream;
  const entry = await gate.tenants.ownCall(caller, id);
  if (entry === null) throw new HeadgateError('not_found', { message: 'This key has no such stream.' });
  throw new HeadgateError('stream_gone', {
    message: `The log of this stream is gone. Its call ended as \`${entry.status}\`; the entry ${id} has its usage and cost.`,
  });
}

export const tooLargeText = ({ ended, id }: LiveStream): string =>
  ended
    ? `The log of this stream grew too large to keep. Its call ended as \`${ended.status}\`; the entry ${id} has its usage and cost.`
    : 'The log of this stream grew too large to keep. The call goes on for whoever reads it now; it can still be cancelled.';

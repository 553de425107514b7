import type { DialectName } from '#wire/canonical.ts';

const COMMENT = ': ping\n\n';
const MESSAGES_PING = 'event: ping\ndata: {"type": "ping"}\n\n';
/** Codex drops comments before its idle timer sees them, and passes over types that it does not know (clients.md 9). */
const UNKNOWN_EVENT = 'event: headgate.ping\ndata: {"type":"headgate.ping"}\n\n';

/**
 * A sign of life that the client's own idle timer counts: Anthropic's `ping` in its dialect, an event for clients that
 * drop comments, else a comment, which every parser passes over.
 */
export function heartbeatOf(dialect: DialectName, client: string | null): string {
  if (dialect === 'anthropic-messages') return MESSAGES_PING;
  return dialect === 'openai-responses' && client !== null && client.startsWith('codex') ? UNKNOWN_EVENT : COMMENT;
}

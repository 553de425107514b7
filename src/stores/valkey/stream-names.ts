import { createHash } from 'node:crypto';
import type { CallId, KeyId } from '#kernel/brand.ts';
import { keyPart } from '#kernel/whose.ts';
import type { ChatRef, StreamNames, StreamTicket } from '#ports/stream-names.ts';
import { AWAY } from './connection.ts';
import { NAME_SCRIPTS } from './name-scripts.ts';
import type { Scripts } from './open-connection.ts';

/** A chat's name outlives any log that it could lead to. */
const CHAT_MS = 48 * 3_600_000;

const ticketKey = (digest: string): string => `headgate:{ticket:${digest}}`;
/** Names of chats are the clients' own, of any length: a digest stands for one. */
const chatKey = ({ tenant, key, chat }: ChatRef): string =>
  `headgate:{${keyPart(tenant)}}:chat:${keyPart(key)}:${createHash('sha256').update(chat).digest('base64url')}`;

/** Tickets and names of chats in Valkey or Redis, for all gates on it. */
export function valkeyStreamNames(connection: Pick<Scripts, 'run'>): StreamNames {
  const run = (script: keyof typeof NAME_SCRIPTS, key: string, args: readonly string[] = []): Promise<unknown> =>
    connection.run(NAME_SCRIPTS[script], [key], args);
  return {
    putTicket: async (digest, { stream, key }, lifeMs) =>
      (await run('put', ticketKey(digest), [`${stream} ${key}`, String(lifeMs)])) !== AWAY,
    takeTicket: async (digest) => {
      const said = await run('take', ticketKey(digest));
      return said === AWAY ? 'away' : ticketOf(String(said));
    },
    nameChat: async (chat, stream) => (await run('put', chatKey(chat), [stream, String(CHAT_MS)])) !== AWAY,
    streamOf: async (chat) => {
      const said = await run('find', chatKey(chat));
      return said === AWAY ? 'away' : ((String(said) || null) as CallId | null);
    },
    dropChat: async (chat, stream) => void (await run('drop', chatKey(chat), [stream])),
  };
}

function ticketOf(text: string): StreamTicket | null {
  const [stream, key] = text.split(' ');
  return key === undefined ? null : { stream: stream as CallId, key: key as KeyId };
}

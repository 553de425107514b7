import type { CallId, KeyId, TenantId } from '#kernel/brand.ts';

/** One stream, for whoever holds the ticket; as the key that asked for it. */
export interface StreamTicket {
  readonly stream: CallId;
  readonly key: KeyId;
}

/** A chat of a key, by the name that its client gave it. */
export interface ChatRef {
  readonly tenant: TenantId;
  readonly key: KeyId;
  readonly chat: string;
}

/**
 * By what streams are found at every gate, beside their ids. Every call comes back within a bound, and nothing
 * rejects: `away` where the store does not answer.
 */
export interface StreamNames {
  /** Keeps a ticket under its digest. False: the store is away, and may have it all the same. */
  putTicket(digest: string, ticket: StreamTicket, lifeMs: number): Promise<boolean>;
  /** Spends a ticket: of all who ask at once, at whatever gates, one gets it. Null: there is none. */
  takeTicket(digest: string): Promise<StreamTicket | null | 'away'>;
  /** This is the chat's newest stream. False: the store is away. */
  nameChat(chat: ChatRef, stream: CallId): Promise<boolean>;
  /** Null: the chat has no stream that anybody is to have. */
  streamOf(chat: ChatRef): Promise<CallId | null | 'away'>;
  /** It was read to its end; a newer stream of the chat stays. */
  dropChat(chat: ChatRef, stream: CallId): Promise<void>;
}

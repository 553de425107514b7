import type { CallId } from '#kernel/brand.ts';
import { tenantKey, type TenantKey } from '#kernel/whose.ts';
import type { ChatRef, StreamNames } from '#ports/stream-names.ts';

const nameOf = ({ tenant, key, chat }: ChatRef): TenantKey<'chat'> => tenantKey(tenant, 'chat', key, chat);

/**
 * The newest stream of each chat of a key: of this process, and of all gates that share them. What stands here is
 * bounded by the logs, since it goes with its own.
 */
export class Chats {
  readonly #names: StreamNames | null;
  readonly #own = new Map<TenantKey<'chat'>, CallId>();
  /** Of streams that are in this process, whoever makes them. */
  readonly #chatOf = new Map<CallId, ChatRef>();
  /** Named while the store was away: other gates do not know of them. */
  readonly #untold = new Set<CallId>();

  constructor(names: StreamNames | null) {
    this.#names = names;
  }

  name(chat: ChatRef, stream: CallId): void {
    this.#own.set(nameOf(chat), stream);
    this.#chatOf.set(stream, chat);
    if (this.#names === null) return;
    this.#untold.add(stream);
    void this.#names.nameChat(chat, stream).then((told) => told && this.#untold.delete(stream));
  }

  /** Null: there is none that anybody is to have. */
  async streamOf(chat: ChatRef): Promise<CallId | null> {
    const own = this.#own.get(nameOf(chat)) ?? null;
    if (this.#names === null || (own !== null && this.#untold.has(own))) return own;
    const shared = await this.#names.streamOf(chat);
    if (shared === 'away') return own;
    if (shared !== null) this.#chatOf.set(shared, chat);
    return shared;
  }

  /** Somebody has it to its end: nobody is to have it again. */
  delivered(stream: CallId): void {
    const chat = this.#chatOf.get(stream);
    if (chat) void this.#names?.dropChat(chat, stream);
  }

  /** Its log is no longer in this process. */
  gone(stream: CallId): void {
    const chat = this.#chatOf.get(stream);
    if (!chat) return;
    this.#chatOf.delete(stream);
    this.#untold.delete(stream);
    if (this.#own.get(nameOf(chat)) === stream) this.#own.delete(nameOf(chat));
  }
}

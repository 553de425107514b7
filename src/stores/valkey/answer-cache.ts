import { setImmediate as afterReading } from 'node:timers';
import type { EpochMs, FeatureName, TenantId } from '#kernel/brand.ts';
import { concerns, tenantOf, type Whose } from '#kernel/whose.ts';
import type { AnswerCache, AnswerKey, ClearScope, KeepOptions, KeptReply, KeptShare } from '#ports/answer-cache.ts';
import { ANSWER_SCRIPTS } from './answer-scripts.ts';
import { AWAY, type ValkeyAddress } from './connection.ts';
import { openConnection, type Scripts } from './open-connection.ts';
import { AnswerSealer } from './sealed-answers.ts';

export interface ValkeyAnswersOptions extends ValkeyAddress {
  readonly bounds: () => { readonly totalBytes: number; readonly tenantBytes: number };
  /** The same at every gate. */
  readonly secret: string;
  /** How long a lookup may take, in milliseconds; then there is no answer. */
  readonly waitMs: number;
  /** `server`: clocks of gates may differ, and the time that they say is not used. */
  readonly time?: 'server' | 'given';
  /** Names of all keys begin with it. */
  readonly prefix?: string;
  /** The server answers, or does no more, and why. */
  readonly onChange?: (up: boolean, why: string | null) => void;
}

/** What an answer takes there beside its text: names in five places (measured on Redis 7.0: 995 bytes). */
const OVERHEAD_BYTES = 1_024;
/** Answers on their way to a server that takes them slowly; further ones are not kept. */
const MOST_PENDING_BYTES = 16 * 1024 * 1024;

/** Answers in Valkey or Redis, for all gates on it. Lookups come within their bound, or are misses. */
export class ValkeyAnswerCache implements AnswerCache {
  readonly #options: ValkeyAnswersOptions;
  readonly #connection: Scripts;
  readonly #sealer: AnswerSealer;
  readonly #prefix: string;
  #pendingBytes = 0;
  #given = 0;
  /** As the server said last. */
  bytes = 0;
  size = 0;
  /** Answers that went before their time, for want of room that this gate needed. */
  evicted = 0;
  /** Lookups that were misses because no answer came in time. */
  unanswered = 0;

  constructor({ onChange, ...options }: ValkeyAnswersOptions) {
    this.#options = options;
    this.#prefix = options.prefix ?? 'headgate:{answers}:';
    this.#sealer = new AnswerSealer(options.secret);
    const { url, username, password, cluster, nodes } = options;
    const address = { url, username, password, cluster, nodes };
    this.#connection = openConnection(address, onChange ?? (() => undefined), ANSWER_SCRIPTS);
  }

  get up(): boolean {
    return this.#connection.upFor(this.#prefix);
  }

  get(key: AnswerKey, now: EpochMs): KeptReply | null | Promise<KeptReply | null> {
    if (this.up) return this.#get(key, now);
    this.unanswered += 1;
    return null;
  }

  async #get(key: AnswerKey, now: EpochMs): Promise<KeptReply | null> {
    const name = nameOf(key);
    const said = await this.#inTime(this.#run('get', now, [name, key.tenant]));
    if (said === AWAY) this.unanswered += 1;
    if (!Array.isArray(said)) return null;
    const opened = this.#sealer.open(key.tenant, name, said[0] as Buffer);
    return opened && { at: (now - Number(said[1])) as EpochMs, ...opened };
  }

  async put(key: AnswerKey, reply: KeptReply, { now, ttlMs }: KeepOptions): Promise<boolean> {
    const name = nameOf(key);
    const sealed = this.#sealer.seal(key.tenant, name, reply);
    if (!this.up || this.#pendingBytes + sealed.length > MOST_PENDING_BYTES) return false;
    const { totalBytes, tenantBytes } = this.#options.bounds();
    const figures = [sealed.length + OVERHEAD_BYTES, ttlMs, totalBytes, tenantBytes].map(String);
    this.#pendingBytes += sealed.length;
    const said = await this.#run('put', now, [name, key.tenant, sealed, ...figures]);
    this.#pendingBytes -= sealed.length;
    if (!Array.isArray(said)) return false;
    [this.bytes, this.size] = [Number(said[1]), Number(said[2])];
    this.evicted += Number(said[3]);
    return said[0] === 1;
  }

  /** Throws where the server does not answer: nobody is to believe that something is gone. */
  async clear({ whose, feature }: ClearScope): Promise<number> {
    let [cursor, gone] = ['0', 0];
    do {
      const said = await this.#run('clear', null, [cursor, tenantOf(whose) ?? '', feature ?? '']);
      if (!Array.isArray(said)) throw new Error('the store of answers does not answer');
      cursor = String(said[0]);
      gone += Number(said[1]);
    } while (cursor !== '0');
    return gone;
  }

  async shares(whose: Whose): Promise<readonly KeptShare[]> {
    const said = await this.#run('shares', null, []);
    if (!Array.isArray(said)) return [];
    [this.bytes, this.size] = [Number(said[0]), Number(said[1])];
    return (said[2] as unknown[][])
      .map(([share, answers, bytes]): KeptShare => {
        const [tenant, feature] = JSON.parse(String(share)) as [TenantId, FeatureName];
        return { tenant, feature, answers: Number(answers), bytes: Number(bytes) };
      })
      .filter(({ tenant }) => concerns(whose, tenant));
  }

  close(): void {
    void this.#connection.close();
  }

  #run(name: keyof typeof ANSWER_SCRIPTS, now: EpochMs | null, args: readonly (string | Buffer)[]): Promise<unknown> {
    this.#given = now ?? this.#given;
    const at = this.#options.time === 'given' ? String(this.#given) : '';
    return this.#connection.run(ANSWER_SCRIPTS[name], [this.#prefix], [at, ...args]);
  }

  /** {@link AWAY} once the bound is over. What has come by then is read first: a busy loop is not the server's delay. */
  #inTime(said: Promise<unknown>): Promise<unknown> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => afterReading(() => resolve(AWAY)), this.#options.waitMs);
      void said.then((value) => {
        clearTimeout(timer);
        resolve(value);
      });
    });
  }
}

/** The tenant is a part of it, and neither of the three can pass for another. */
const nameOf = ({ tenant, feature, digest }: AnswerKey): string => JSON.stringify([tenant, feature, digest]);

import { fateOf, MOST_WAITING, pauseMs, type Fate, type Waiting } from './core/outbox.ts';
import { postWebhook } from './post.ts';
import type { Webhook } from './config.ts';

export interface OutboxParts {
  readonly webhook: (name: string) => Webhook | null;
  readonly now: () => number;
  readonly random: () => number;
  /** The list of what waits has changed. */
  readonly changed: () => void;
  readonly onTrouble: (webhook: string, why: string) => void;
}

export type OutboxResult = 'sent' | 'retried' | 'rejected' | 'dropped';

/**
 * Sends messages, each webhook's own in their order, so that a dead one holds no other. What waits is bounded and
 * outlives a restart: its owner keeps the list.
 */
export class Outbox {
  readonly #parts: OutboxParts;
  readonly results: Record<OutboxResult, number> = { sent: 0, retried: 0, rejected: 0, dropped: 0 };
  #waiting: Waiting[];
  readonly #busy = new Map<string, Promise<void>>();
  readonly #stop = new AbortController();
  #timers = new Set<() => void>();

  constructor(parts: OutboxParts, waiting: readonly Waiting[]) {
    this.#parts = parts;
    this.#waiting = [...waiting];
    for (const { webhook } of waiting) this.#work(webhook);
  }

  get waiting(): readonly Waiting[] {
    return this.#waiting;
  }

  send(message: Omit<Waiting, 'tries' | 'since'>): void {
    this.#waiting.push({ ...message, tries: 0, since: this.#parts.now() });
    while (this.#waiting.length > MOST_WAITING) this.#end(this.#waiting[0]!, 'dropped');
    this.#work(message.webhook);
  }

  #work(name: string): void {
    if (this.#busy.has(name) || this.#stop.signal.aborted) return;
    this.#busy.set(name, Promise.resolve());
    const running = this.#run(name).catch((error: unknown) => {
      // A mistake of ours must not end the process: the message goes with the next one.
      this.#busy.delete(name);
      this.#parts.onTrouble(name, String(error));
    });
    if (this.#busy.has(name)) this.#busy.set(name, running);
  }

  async #run(name: string): Promise<void> {
    for (;;) {
      const next = this.#waiting.find(({ webhook }) => webhook === name);
      if (!next || this.#stop.signal.aborted) return void this.#busy.delete(name);
      const webhook = this.#parts.webhook(name);
      // The file has it no more.
      if (!webhook) this.#end(next, 'dropped');
      else await this.#try(webhook, next);
    }
  }

  async #try(webhook: Webhook, message: Waiting): Promise<void> {
    const result = await postWebhook(webhook, message, this.#parts.now());
    if (!this.#waiting.includes(message)) return;
    const fate = fateOf(result, message.tries + 1);
    if (fate !== 'sent') this.#parts.onTrouble(webhook.name, `${fate}: ${result.status ?? result.errorCode}`);
    if (fate === 'again') await this.#again(message);
    else this.#end(message, COUNTED[fate]);
  }

  async #again(message: Waiting): Promise<void> {
    this.results.retried += 1;
    const at = this.#waiting.indexOf(message);
    const tried = { ...message, tries: message.tries + 1 };
    this.#waiting[at] = tried;
    this.#parts.changed();
    await this.#pause(pauseMs(tried.tries, this.#parts.random()));
  }

  #end(message: Waiting, result: OutboxResult): void {
    this.#waiting = this.#waiting.filter((one) => one !== message);
    this.results[result] += 1;
    this.#parts.changed();
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#timers.delete(done);
        resolve();
      };
      const timer = setTimeout(done, ms).unref();
      this.#timers.add(done);
    });
  }

  /** Lets what is under way end, for at most `limitMs`; the rest waits for the next start. */
  async close(limitMs: number): Promise<void> {
    this.#stop.abort();
    for (const wake of [...this.#timers]) wake();
    const limit = new Promise((resolve) => setTimeout(resolve, limitMs).unref());
    await Promise.race([Promise.all(this.#busy.values()), limit]);
  }
}

const COUNTED: Readonly<Record<Exclude<Fate, 'again'>, OutboxResult>> = {
  sent: 'sent',
  rejected: 'rejected',
  given_up: 'dropped',
};

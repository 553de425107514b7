import { timeOrderedId } from '#kernel/ids.ts';
import { epochMs } from '#kernel/brand.ts';
import type { Clock } from '#kernel/clock.ts';
import type { Rng } from '#kernel/rng.ts';
import { readAlerts, writeAlerts, type SavedRule } from './alerts-file.ts';
import type { AlertRule, AlertsFile, Severity, Webhook } from './config.ts';
import { bodyOf, type Notice } from './core/payload.ts';
import { step, type Change, type Instances } from './core/state.ts';
import { Outbox } from './outbox.ts';
import { postWebhook, type PostResult } from './post.ts';
import { readingsOf, type Sources } from './readings.ts';

/** What the rules are now: replaced whole by a reload. */
export interface AlertsNow {
  readonly alerts: AlertsFile;
  readonly webhooks: ReadonlyMap<string, Webhook>;
  readonly environment: string;
}

export interface AlertsOptions {
  readonly now: () => AlertsNow;
  readonly sources: Sources;
  readonly dataDir: string;
  /** Name of this gate in messages. */
  readonly instance: string;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly onTrouble: (what: string, facts: object) => void;
}

export interface RuleState {
  readonly rule: string;
  readonly settings: AlertRule;
  readonly instances: Instances;
  readonly leftOut: number;
  /** Wall clock of the last look that worked; null: none has since the start. */
  readonly lookedAt: number | null;
  /** Why the last look did not work; null: it did. */
  readonly trouble: string | null;
}

/** A rule's words for a message. */
type Told = Pick<AlertRule, 'kind' | 'severity'> & Partial<Pick<AlertRule, 'summary' | 'runbook' | 'notify'>>;

const RANK: Readonly<Record<Severity, number>> = { info: 0, warning: 1, critical: 2 };
const NOTHING: Instances = {};

/**
 * Looks at the rules from time to time, beside the calls, and tells webhooks what has changed. State and owed messages
 * are in a file, so that a restart in the middle of an alert says nothing twice.
 */
export class Alerts {
  readonly #options: AlertsOptions;
  readonly #outbox: Outbox;
  #rules: Record<string, SavedRule>;
  #lookedMono: number | null = null;
  readonly #looks = new Map<string, { leftOut: number; lookedAt: number | null; trouble: string | null }>();
  #timer: NodeJS.Timeout | null = null;
  #looking: Promise<void> | null = null;
  #closed = false;
  #dirty = false;
  failedLooks = 0;

  constructor(options: AlertsOptions) {
    this.#options = options;
    const saved = readAlerts(options.dataDir);
    this.#rules = { ...saved?.rules };
    this.#outbox = new Outbox(
      {
        webhook: (name) => options.now().webhooks.get(name) ?? null,
        now: () => options.clock.now(),
        random: () => options.rng.next(),
        changed: () => this.#touch(),
        onTrouble: (webhook, why) => options.onTrouble('a webhook did not take an alert', { webhook, why }),
      },
      saved?.waiting ?? [],
    );
    this.#arm();
  }

  #arm(): void {
    if (this.#closed) return;
    this.#timer = setTimeout(() => void this.look(), this.#options.now().alerts.interval).unref();
  }

  /** One look at every rule. Never two at once. */
  look(): Promise<void> {
    this.#looking ??= this.#look()
      .catch((error: unknown) => this.#options.onTrouble('alerts failed by a mistake of ours', { err: error }))
      .finally(() => {
        this.#looking = null;
        if (this.#timer) clearTimeout(this.#timer);
        this.#arm();
      });
    return this.#looking;
  }

  async #look(): Promise<void> {
    const now = this.#options.now();
    const mono = this.#options.clock.mono();
    const passedMs = this.#lookedMono === null ? 0 : mono - this.#lookedMono;
    this.#lookedMono = mono;
    for (const [name, rule] of Object.entries(now.alerts.rules)) await this.#lookAt(name, rule, passedMs, now);
    this.#forgetOthers(now);
    this.#save();
  }

  async #lookAt(name: string, rule: AlertRule, passedMs: number, now: AlertsNow): Promise<void> {
    const { sources, clock } = this.#options;
    const known = this.#looks.get(name) ?? { leftOut: 0, lookedAt: null, trouble: null };
    const at = clock.now();
    try {
      const readings = await readingsOf(rule, sources, at);
      const times = { forMs: rule.for, repeatMs: rule.repeat };
      const next = step(this.#rules[name]?.instances ?? NOTHING, { readings, passedMs, now: at }, times);
      this.#rules[name] = { kind: rule.kind, severity: rule.severity, instances: next.instances };
      this.#looks.set(name, { leftOut: next.leftOut, lookedAt: at, trouble: null });
      if (next.changes.length > 0) this.#tell(name, rule, next.changes, next.leftOut, now);
      this.#dirty ||= next.changes.length > 0 || Object.keys(next.instances).length > 0;
    } catch (error) {
      // With the store away nothing is known: what fires goes on, and nothing new does.
      const trouble = (error as Error).message.slice(0, 256);
      this.failedLooks += 1;
      this.#looks.set(name, { ...known, trouble });
      this.#options.onTrouble('a rule of alerts could not be looked at', { rule: name, why: trouble });
    }
  }

  /** A rule that the file has no more is over for those who were told of it. */
  #forgetOthers(now: AlertsNow): void {
    for (const name of Object.keys(this.#rules)) {
      if (Object.hasOwn(now.alerts.rules, name)) continue;
      const gone = this.#rules[name]!;
      const changes = Object.values(gone.instances)
        .filter(({ phase }) => phase === 'firing')
        .map((instance): Change => ({ event: 'resolved', instance: { ...instance, text: 'the rule was removed' } }));
      delete this.#rules[name];
      this.#looks.delete(name);
      this.#dirty = true;
      if (changes.length > 0) this.#tell(name, gone, changes, 0, now);
    }
  }

  /** One message a webhook and kind of event, whatever number of things it befell. */
  #tell(name: string, rule: Told, changes: readonly Change[], leftOut: number, now: AlertsNow): void {
    const { clock, rng } = this.#options;
    for (const event of ['firing', 'repeat', 'resolved'] as const) {
      const own = changes.filter((change) => change.event === event);
      if (own.length === 0) continue;
      const notice = this.#notice(name, rule, own, now, event === 'resolved' ? 0 : leftOut);
      for (const webhook of receivers(rule, now)) {
        const id = timeOrderedId('msg_', epochMs(clock.now()), rng);
        this.#outbox.send({ id, webhook: webhook.name, body: bodyOf(notice, webhook.format) });
      }
    }
  }

  #notice(name: string, rule: Told, changes: readonly Change[], { environment }: AlertsNow, leftOut: number): Notice {
    const { clock, instance } = this.#options;
    return {
      ...{ rule: name, kind: rule.kind, severity: rule.severity, event: changes[0]!.event },
      ...{ summary: rule.summary ?? null, runbook: rule.runbook ?? null, environment, instance },
      ...{ at: clock.now(), changes, leftOut },
    };
  }

  /** Sends a message to one webhook, now and once, whatever waits. Null: there is no such webhook. */
  async test(name: string): Promise<(PostResult & { readonly tookMs: number }) | null> {
    const { now, clock, rng, instance } = this.#options;
    const { environment, webhooks } = now();
    const webhook = webhooks.get(name);
    if (!webhook) return null;
    const notice: Notice = {
      ...{ rule: 'test', kind: 'test', severity: 'info', event: 'test', runbook: null, environment, instance },
      ...{ summary: 'A test of this webhook: nothing is wrong.', at: clock.now(), changes: [], leftOut: 0 },
    };
    const started = clock.mono();
    const id = timeOrderedId('msg_', epochMs(clock.now()), rng);
    const result = await postWebhook(webhook, { id, body: bodyOf(notice, webhook.format) }, clock.now());
    return { ...result, tookMs: Math.round((clock.mono() - started) * 10) / 10 };
  }

  states(): RuleState[] {
    return Object.entries(this.#options.now().alerts.rules).map(([rule, settings]) => {
      const look = this.#looks.get(rule) ?? { leftOut: 0, lookedAt: null, trouble: null };
      return { rule, settings, instances: this.#rules[rule]?.instances ?? NOTHING, ...look };
    });
  }

  get delivery() {
    return { waiting: this.#outbox.waiting.length, ...this.#outbox.results };
  }

  #touch(): void {
    this.#dirty = true;
    if (!this.#looking) this.#save();
  }

  #save(): void {
    if (!this.#dirty) return;
    this.#dirty = false;
    try {
      writeAlerts(this.#options.dataDir, { rules: this.#rules, waiting: this.#outbox.waiting });
    } catch (error) {
      this.#dirty = true;
      this.#options.onTrouble('the state of alerts could not be written', { why: (error as Error).message });
    }
  }

  /** Ends the looks; messages under way get `limitMs`, and what is left goes out after the next start. */
  async close(limitMs: number): Promise<void> {
    this.#closed = true;
    if (this.#timer) clearTimeout(this.#timer);
    await this.#looking;
    await this.#outbox.close(limitMs);
    this.#save();
  }
}

const receivers = (rule: Told, { webhooks }: AlertsNow): Webhook[] =>
  [...webhooks.values()].filter(
    ({ name, minSeverity }) =>
      (rule.notify === undefined || rule.notify.includes(name)) && RANK[rule.severity] >= RANK[minSeverity],
  );

import { setTimeout as sleep } from 'node:timers/promises';
import type { Said } from '#capabilities/streams/index.ts';
import { reasonsOutOfSight } from '#ledger/recount/index.ts';
import type { EpochMs } from '#kernel/brand.ts';
import { everyTenant } from '#kernel/whose.ts';
import type { DiedStream } from '#ports/died-stream.ts';
import type { LedgerEntry } from '#ports/entry.ts';
import type { LedgerStore } from '#ports/ledger-store.ts';
import { NO_USAGE, type Usage } from '#wire/usage.ts';
import type { Gate } from '../gate.ts';

/** Stands in an entry that is charged by the text that its log has. */
export const CHARGED_BY_LOG = 'charged_by_log';
/** Streams that wait to be looked up; a further one keeps its first charge. */
const MOST_WAITING = 10_000;
/** A log that is away is asked again. */
const TRIES = 10;
const WAIT_MS = 1_000;
/** Of an earlier process's streams so many are looked at, which began so long before their logs end. */
const MOST_LEFT = 1_000;
const LONGEST_MS = 3_600_000;
const ALL = everyTenant('streams of a process that died, whoever’s they were; each is asked for by its own tenant');

type Named = Pick<DiedStream, 'id' | 'tenant'>;

/**
 * Streams that died with their process are charged what was reserved, since nobody knows what their providers made.
 * Where a log beyond the process has what arrived, they are charged for that, and for nothing more (decision 0069).
 */
export class DiedStreams {
  readonly #ledger: Pick<LedgerStore, 'call' | 'calls'>;
  #gate: Gate | null = null;
  #waiting: Named[] = [];
  #works = false;

  constructor(ledger: Pick<LedgerStore, 'call' | 'calls'>) {
    this.#ledger = ledger;
  }

  /** Those that were told before have waited for it, and so have those over which an earlier process died as well. */
  begin(gate: Gate): void {
    this.#gate = gate;
    void this.#work();
    if (gate.streams.shared === null) return;
    void this.#left(gate).then(
      (left) => this.take(left),
      (error: unknown) =>
        gate.log.debug({ err: error }, 'the store is away: streams that died keep their first charge'),
    );
  }

  take(streams: readonly Named[]): void {
    this.#waiting.push(...streams.slice(0, MOST_WAITING - this.#waiting.length));
    void this.#work();
  }

  async #left({ clock, config }: Gate): Promise<readonly LedgerEntry[]> {
    const now = clock.now();
    const from = now - config.file.stream.resume.keep - LONGEST_MS;
    const window = { from: from as EpochMs, to: (now + 1) as EpochMs, whose: ALL };
    const rows = await this.#ledger.calls({ ...window, outcome: 'interrupted', counted: true, limit: MOST_LEFT });
    return rows.filter(({ stream, corrects, errorCode }) => stream && corrects === null && errorCode === null);
  }

  /** One after another: nobody waits for them. */
  async #work(): Promise<void> {
    if (this.#gate === null || this.#works) return;
    this.#works = true;
    for (let next = this.#waiting.shift(); next; next = this.#waiting.shift()) {
      try {
        await this.#settle(this.#gate, next);
      } catch (error) {
        // What is lost is exactness: the first row stands, and says that it is an estimate.
        this.#gate.log.debug({ err: error, call: next.id }, 'a stream that died keeps its first charge');
      }
    }
    this.#works = false;
  }

  async #settle(gate: Gate, { id, tenant }: Named): Promise<void> {
    const entry = gate.streams.shared && (await this.#ledger.call(id, tenant));
    const last = entry?.attempts.at(-1);
    if (!entry || !last?.usage || !stopsWithUs(gate, last.provider)) return;
    // Charged less, each death would give back what the budget holds for what nobody knows (decision 0010).
    if (gate.tenants.paysWorst(entry) || (await this.#isCorrected(entry))) return;
    const said = await saidOf(gate, entry);
    const model = last.deployment.slice(last.provider.length + 1);
    if (said === null || said.more || reasonsOutOfSight(model)) return;
    const { dialect, events: chunks, textBytes } = said;
    const tokens =
      (await gate.recounts.tokensOf(model, { dialect, chunks })) ?? gate.estimator.outputTokens(model, textBytes);
    await gate.recounts.settledAnew(entry, {
      ...{ n: last.n, usage: usageOf(said, last.usage, tokens), errorCode: CHARGED_BY_LOG },
    });
  }

  async #isCorrected({ id, at, tenant: whose }: LedgerEntry): Promise<boolean> {
    const rows = await this.#ledger.calls({ from: at, to: (at + 1) as EpochMs, whose, limit: MOST_LEFT });
    return rows.some(({ corrects }) => corrects === id);
  }
}

/** A provider that generates on behind a connection that is gone bills for more than arrived. */
const stopsWithUs = (gate: Gate, provider: string): boolean =>
  gate.config.providers.get(provider)?.data.onDisconnect === 'cancel';

async function saidOf({ streams, log }: Gate, { id, tenant, redriveOf }: LedgerEntry): Promise<Said | null> {
  for (let i = 0; i < TRIES; i++) {
    const said = await streams.shared!.said(id, { tenant, redriveOf });
    if (said !== 'away') return said;
    await sleep(WAIT_MS, undefined, { ref: false });
  }
  log.debug({ call: id }, 'the log of streams is away: a stream that died keeps its first charge');
  return null;
}

/** The provider's own counts are not lowered; of the prompt there is else the estimate of the admission. */
const usageOf = ({ usage }: Said, estimated: Usage, tokens: number): Usage => ({
  ...(usage ?? NO_USAGE),
  inputTokens: usage?.inputTokens ?? estimated.inputTokens,
  outputTokens: Math.max(usage?.outputTokens ?? 0, tokens),
});

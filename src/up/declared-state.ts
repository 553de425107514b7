import { randomBytes } from 'node:crypto';
import { ConfigError } from '#kernel/config/diagnostics.ts';
import { HeadgateError } from '#kernel/errors.ts';
import { applyDeclared, type Tenants } from '#capabilities/tenants/index.ts';
import type { GateConfig } from '#gateway/config/resolve.ts';
import type { Log } from '#gateway/gate.ts';
import { systemClock, systemRng } from './system.ts';

interface Parts {
  readonly tenants: Tenants;
  readonly log: Log;
}

/**
 * Brings what the file declares (tenants, keys, budgets, limits, layers) into the state. While the store is away it
 * waits: models and providers of a changed file must be of use in that very hour.
 */
export class DeclaredState {
  readonly #parts: Parts;
  #waiting: GateConfig | null = null;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Throws a {@link ConfigError} for what the state refuses; nothing has changed then. */
  async apply(config: GateConfig): Promise<void> {
    // Without a file nothing was taken out of one.
    if (config.path === null) return;
    this.#waiting = null;
    if (this.#parts.tenants.origin !== 'store') return this.#wait(config);
    try {
      await this.#take(config, config.path);
    } catch (error) {
      if (!(error instanceof HeadgateError && error.code === 'store_unavailable')) throw error;
      this.#wait(config);
    }
  }

  /** Takes what waits, where the store is back. */
  async retry(): Promise<void> {
    const config = this.#waiting;
    if (config === null || this.#parts.tenants.origin !== 'store') return;
    try {
      await this.apply(config);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      this.#parts.log.error({ file: config.path, why: error.message }, 'declared rows that waited are refused');
    }
  }

  async #take(config: GateConfig, file: string): Promise<void> {
    const { tenants, log } = this.#parts;
    const { declared, hash, placeOf } = config;
    const clock = systemClock;
    const steps = await applyDeclared({ tenants, declared, file, hash, placeOf, clock, rng: systemRng, randomBytes });
    for (const { path, subject } of steps.filter(({ takenOver }) => takenOver))
      log.warn({ path, id: subject }, 'a row that the API had made is taken over by the file');
    if (steps.length > 0) log.info({ hash, rows: steps.length, actions: counted(steps) }, 'declared rows applied');
  }

  #wait(config: GateConfig): void {
    this.#waiting = config;
    this.#parts.log.warn({ hash: config.hash }, 'the store is away: what the file declares waits for it');
  }
}

/** `{"key.create": 2, "budget.remove": 1}` */
const counted = (steps: readonly { readonly action: string }[]): Record<string, number> =>
  Object.fromEntries([...Map.groupBy(steps, ({ action }) => action)].map(([action, all]) => [action, all.length]));

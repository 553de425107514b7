import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { moduleUrl } from '#kernel/module-url.ts';
import type { GateConfig } from '#gateway/config/resolve.ts';
import type { ConfigurationReport } from '#gateway/operations/configuration.ts';
import type { ConfigSource } from './config-source.ts';
import type { ConfigWork, DescribedConfig } from './config-thread.ts';
import type { Description, Override, TakenConfig } from './effective-config.ts';

interface Taken extends TakenConfig {
  readonly hash: string;
  readonly at: string;
}

const iso = (at: number): string => new Date(at).toISOString();

/** Which configuration is in force, what the last reload changed, and whether a later file was refused. */
export class ConfigHistory {
  readonly #overrides: ReadonlyMap<string, Override['source']>;
  readonly #now: () => number;
  #taken: Taken;
  #before: Taken | null = null;
  #refused: ConfigurationReport['refused'] = null;
  /** Of the configuration in force; made when it is first asked for. */
  #described: Promise<Description> | null = null;

  constructor(
    config: GateConfig,
    options: {
      readonly source: ConfigSource;
      readonly overrides: ReadonlyMap<string, Override['source']>;
      readonly now: () => number;
    },
  ) {
    this.#overrides = options.overrides;
    this.#now = options.now;
    this.#taken = this.#take(config, options.source);
  }

  reloaded(config: GateConfig, source: ConfigSource): void {
    this.#before = this.#taken;
    this.#taken = this.#take(config, source);
    this.#described = null;
    this.#refused = null;
  }

  refused(why: string): void {
    this.#refused = { at: iso(this.#now()), why };
  }

  /** The file was put back as it is in force. */
  unchanged(): void {
    this.#refused = null;
  }

  async report(): Promise<ConfigurationReport> {
    const { file, hash, at } = this.#taken;
    const { values, changes } = await (this.#described ??= describe(this.#taken, this.#before));
    return {
      report: 'configuration',
      ...{ file, hash, loadedAt: at, values },
      lastReload: changes && { at, changes },
      refused: this.#refused,
    };
  }

  #take({ file, hash }: GateConfig, { text, path }: ConfigSource): Taken {
    const overrides = [...this.#overrides].map(([at, source]) => ({ path: at, source, value: valueAt(file, at) }));
    return { text, file: path, overrides, hash, at: iso(this.#now()) };
  }
}

const valueAt = (file: GateConfig['file'], path: string): string =>
  String(path.split('.').reduce((value: unknown, name) => (value as Record<string, unknown>)[name], file));

/** In a thread of its own: 10,000 declared keys take seconds (measured: 30,000 values and their lines). */
async function describe(now: TakenConfig, before: TakenConfig | null): Promise<Description> {
  const workerData: ConfigWork = { do: 'describe', now, before };
  const worker = new Worker(moduleUrl('./config-thread.ts', import.meta.url), { workerData, name: 'configuration' });
  const [described] = (await once(worker, 'message')) as [DescribedConfig];
  return described.description;
}

import { iso } from '#kernel/clock.ts';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { moduleUrl } from '#kernel/module-url.ts';
import type { Reload } from '#gateway/now/core/changes.ts';
import type { GateConfig } from '#gateway/config/resolve.ts';
import type { ConfigurationReport } from '#gateway/operations/configuration.ts';
import type { ConfigSource } from './config-source.ts';
import type { ConfigWork, DescribedConfig } from './config-thread.ts';
import type { Description, Override, TakenConfig } from './effective-config.ts';

interface Taken extends TakenConfig {
  readonly hash: string;
  readonly at: string;
  /** What it replaced; null: it is the one of the start. */
  readonly before: TakenConfig | null;
  /** Made when it is first asked for. */
  description: Promise<Description> | null;
}

/** Reloads that are remembered, each with the text that it brought. */
const MOST_RELOADS = 50;

/** Which configuration is in force, what the last reload changed, and whether a later file was refused. */
export class ConfigHistory {
  readonly #overrides: ReadonlyMap<string, Override['source']>;
  readonly #now: () => number;
  /** The one in force is the last. */
  readonly #taken: Taken[];
  #refused: ConfigurationReport['refused'] = null;

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
    this.#taken = [this.#take(config, options.source, null)];
  }

  reloaded(config: GateConfig, source: ConfigSource): void {
    const { text, file, overrides } = this.#taken.at(-1)!;
    this.#taken.push(this.#take(config, source, { text, file, overrides }));
    if (this.#taken.length > MOST_RELOADS) this.#taken.shift();
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
    const taken = [...this.#taken];
    // One after the other: each parses two files in a thread of its own.
    for (const one of taken) await (one.description ??= describe(one));
    const { file, hash, at, description } = taken.at(-1)!;
    const { values, changes } = await description!;
    return {
      report: 'configuration',
      ...{ file, hash, loadedAt: at, values },
      lastReload: changes && { at, changes },
      refused: this.#refused,
      reloads: await reloadsOf(taken),
    };
  }

  #take({ file, hash }: GateConfig, { text, path }: ConfigSource, before: TakenConfig | null): Taken {
    const overrides = [...this.#overrides].map(([at, source]) => ({ path: at, source, value: valueAt(file, at) }));
    return { text, file: path, overrides, hash, at: iso(this.#now()), before, description: null };
  }
}

const valueAt = (file: GateConfig['file'], path: string): string =>
  String(path.split('.').reduce((value: unknown, name) => (value as Record<string, unknown>)[name], file));

/** Each replacement of one by the next, with the paths that it changed. */
async function reloadsOf(taken: readonly Taken[]): Promise<Reload[]> {
  const reloads: Reload[] = [];
  for (const { at, hash, before, description } of taken) {
    if (before === null) continue;
    const { changes } = await description!;
    reloads.push({ at, hash, paths: (changes ?? []).map(({ path }) => path) });
  }
  return reloads;
}

/** In a thread of its own: 10,000 declared keys take seconds (measured: 30,000 values and their lines). */
async function describe({ text, file, overrides, before }: Taken): Promise<Description> {
  const now = { text, file, overrides };
  const workerData: ConfigWork = { do: 'describe', now, before };
  const worker = new Worker(moduleUrl('./config-thread.ts', import.meta.url), { workerData, name: 'configuration' });
  const [described] = (await once(worker, 'message')) as [DescribedConfig];
  return described.description;
}

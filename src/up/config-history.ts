import type { GateConfig } from '#gateway/config/resolve.ts';
import type { Reload } from '#gateway/now/core/changes.ts';
import type { ConfigurationReport } from '#gateway/operations/configuration.ts';
import type { ConfigSource } from './config-source.ts';
import { changesBetween, flatConfig, shown, type ConfigOrigin, type FlatValue } from './effective-config.ts';

interface Taken {
  readonly config: GateConfig;
  readonly values: readonly FlatValue[];
  readonly at: string;
}

/** An incident looks back by hours. */
const MOST_RELOADS = 50;

const iso = (at: number): string => new Date(at).toISOString();

/** Which configuration is in force, what the last reload changed, and whether a later file was refused. */
export class ConfigHistory {
  readonly #overrides: ConfigOrigin['overrides'];
  readonly #now: () => number;
  #source: ConfigSource;
  #taken: Taken;
  #lastReload: ConfigurationReport['lastReload'] = null;
  #refused: ConfigurationReport['refused'] = null;
  readonly #reloads: Reload[] = [];

  constructor(
    config: GateConfig,
    options: {
      readonly source: ConfigSource;
      readonly overrides: ConfigOrigin['overrides'];
      readonly now: () => number;
    },
  ) {
    this.#overrides = options.overrides;
    this.#now = options.now;
    this.#source = options.source;
    this.#taken = this.#read(config, options.source);
  }

  reloaded(config: GateConfig, source: ConfigSource): void {
    const next = this.#read(config, source);
    const changes = changesBetween(this.#taken.values, next.values);
    this.#lastReload = { at: next.at, changes };
    this.#reloads.push({ at: next.at, hash: config.hash, paths: changes.map(({ path }) => path) });
    if (this.#reloads.length > MOST_RELOADS) this.#reloads.shift();
    this.#taken = next;
    this.#source = source;
    this.#refused = null;
  }

  refused(why: string): void {
    this.#refused = { at: iso(this.#now()), why };
  }

  /** The file was put back as it is in force. */
  unchanged(): void {
    this.#refused = null;
  }

  report(): ConfigurationReport {
    const { config, values, at } = this.#taken;
    return {
      report: 'configuration',
      file: this.#source.path,
      hash: config.hash,
      loadedAt: at,
      values: values.map(shown),
      lastReload: this.#lastReload,
      refused: this.#refused,
      reloads: this.#reloads,
    };
  }

  #read(config: GateConfig, { text, path }: ConfigSource): Taken {
    const values = flatConfig(config.file, { text, file: path, overrides: this.#overrides });
    return { config, values, at: iso(this.#now()) };
  }
}

/** What the console shows of a configuration, and what two of them differ in. Pure. */
import { readConfig } from '#kernel/config/read.ts';
import { configSchema } from '#gateway/config/schema.ts';
import { configLeaves } from '#gateway/config/values.ts';
import type {
  ConfigurationChange,
  ConfigurationReport,
  ConfigurationValue,
} from '#gateway/operations/configuration.ts';

/** A value that something else than the file gave. */
export interface Override {
  readonly path: string;
  readonly value: string;
  readonly source: 'command line' | 'environment';
}

/** A configuration that was taken: its text, and what was said over it. */
export interface TakenConfig {
  readonly text: string;
  /** Null: no file; the text was made from the environment. */
  readonly file: string | null;
  readonly overrides: readonly Override[];
}

/** Value with what it really is, which stays inside where it may be a secret. */
export interface FlatValue extends ConfigurationValue {
  readonly raw: string;
}

export interface Description {
  readonly values: readonly ConfigurationValue[];
  /** Null: there was none before. */
  readonly changes: NonNullable<ConfigurationReport['lastReload']>['changes'] | null;
}

/** Values of the configuration in force, and what the one before was changed in. Parses both: not for a serving loop. */
export function describeConfig(now: TakenConfig, before: TakenConfig | null): Description {
  const values = flatConfig(now);
  return {
    values: values.map(({ path, value, source }) => ({ path, value, source })),
    changes: before && changesBetween(flatConfig(before), values),
  };
}

export function flatConfig({ text, file, overrides }: TakenConfig): readonly FlatValue[] {
  const over = new Map(overrides.map((one) => [one.path, one]));
  const lines = file === null ? null : file.split(/[\\/]/).at(-1)!;
  return configLeaves(readConfig(text, lines ?? 'default', configSchema), text).map(({ path, value, raw, line }) => {
    const said = over.get(path);
    if (said) return { path, value: said.value, raw: said.value, source: said.source };
    const source = line === null ? 'default' : lines === null ? 'environment' : `${lines}:${line}`;
    return { path, value, raw, source };
  });
}

export function changesBetween(before: readonly FlatValue[], after: readonly FlatValue[]): ConfigurationChange[] {
  const old = new Map(before.map((value) => [value.path, value]));
  const now = new Map(after.map((value) => [value.path, value]));
  const paths = [...new Set([...old.keys(), ...now.keys()])].sort();
  return paths.flatMap((path) => {
    const [was, is] = [old.get(path), now.get(path)];
    if (was && is && was.raw === is.raw) return [];
    const kind = !was ? 'added' : !is ? 'removed' : 'changed';
    return [{ path, before: was?.value ?? null, after: is?.value ?? null, kind, hidden: (is ?? was)!.value === null }];
  });
}

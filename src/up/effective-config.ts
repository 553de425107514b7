/** A configuration as a flat list of values with their sources, and what two of them differ in. Pure. */
import { LineCounter, parseDocument } from 'yaml';
import { nanoUsd, usdDecimal } from '#kernel/money.ts';
import type { ConfigFile } from '#gateway/config/schema.ts';
import type { ConfigurationChange, ConfigurationValue } from '#gateway/operations/configuration.ts';

export interface ConfigOrigin {
  readonly text: string;
  /** Null: no file; the text was made from the environment. */
  readonly file: string | null;
  /** Values that something else than the file gave, by path. */
  readonly overrides: ReadonlyMap<string, 'command line' | 'environment'>;
}

/** Value with what it really is, which stays inside where it may be a secret. */
export interface FlatValue extends ConfigurationValue {
  readonly raw: string;
}

/** Header and query values are the operator's free text: some hold a credential, as the address of a chat's webhook does. The hash of a key is nobody's to read. */
const HIDDEN = /^providers\.[^.]+\.(headers|query)\.|^keys\.[^.]+\.sha256$|^alerts\.webhooks\.[^.]+\.url$/;

export function flatConfig(file: ConfigFile, origin: ConfigOrigin): readonly FlatValue[] {
  const lineOf = linesOf(origin.text);
  return leaves(file, []).map(([path, value]) => {
    const name = path.map(String).join('.');
    const raw = written(value);
    return { path: name, value: HIDDEN.test(name) ? null : raw, raw, source: sourceOf(name, lineOf(path), origin) };
  });
}

/** Without what stays inside. */
export const shown = ({ path, value, source }: FlatValue): ConfigurationValue => ({ path, value, source });

function sourceOf(path: string, line: number | null, { file, overrides }: ConfigOrigin): string {
  const override = overrides.get(path);
  if (override) return override;
  if (line === null) return 'default';
  return file === null ? 'environment' : `${file.split(/[\\/]/).at(-1)}:${line}`;
}

type Path = readonly (string | number)[];

function leaves(value: unknown, path: Path): (readonly [Path, unknown])[] {
  if (value === undefined) return [];
  if (typeof value !== 'object' || value === null || isReference(value)) return [[path, value]];
  const entries = Array.isArray(value) ? value.map((part, i) => [i, part] as const) : Object.entries(value);
  if (entries.length === 0) return [[path, value]];
  return entries.flatMap(([name, part]) => leaves(part, [...path, name]));
}

const isReference = (value: object): value is { from: 'env' | 'file'; name?: string; path?: string } =>
  'from' in value && (('name' in value && value.from === 'env') || ('path' in value && value.from === 'file'));

function written(value: unknown): string {
  if (typeof value === 'object' && value !== null && isReference(value))
    return `\${${value.from}:${value.name ?? value.path ?? ''}}`;
  // Money, the only big integers of a configuration, as the file writes it.
  if (typeof value === 'bigint') return usdDecimal(nanoUsd(value));
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** Line of a value in the text; null: the text does not have it. */
function linesOf(text: string): (path: Path) => number | null {
  const counter = new LineCounter();
  const document = parseDocument(text, { lineCounter: counter });
  return (path) => {
    if (!document.hasIn(path)) return null;
    const node = document.getIn(path, true) as { range?: readonly number[] } | undefined;
    const at = node?.range?.[0];
    return at === undefined ? null : counter.linePos(at).line;
  };
}

export function changesBetween(before: readonly FlatValue[], after: readonly FlatValue[]): ConfigurationChange[] {
  const old = new Map(before.map((value) => [value.path, value]));
  const now = new Map(after.map((value) => [value.path, value]));
  const paths = [...new Set([...old.keys(), ...now.keys()])].sort();
  return paths.flatMap((path) => {
    const [was, is] = [old.get(path), now.get(path)];
    if (was && is && was.raw === is.raw) return [];
    const kind = !was ? 'added' : !is ? 'removed' : 'changed';
    return [{ path, before: was?.value ?? null, after: is?.value ?? null, kind, hidden: HIDDEN.test(path) }];
  });
}

import { LineCounter, isAlias, isMap, isNode, isScalar, isSeq, parseDocument, visit, type Document } from 'yaml';
import { readText } from '../connect/address.ts';
import { CliFailure, EXIT } from '../failure.ts';

/** Generated files repeat an anchor for each of hundreds of models; a YAML bomb is far beyond. */
const MAX_ALIASES = 10_000;

/** A file of another gateway: its value, and where each part of it stands. */
export interface SourceFile {
  readonly name: string;
  readonly value: Readonly<Record<string, unknown>>;
  /** `config.yaml:12`; the nearest parent where the path itself has no place. */
  place(path: readonly (string | number)[]): string;
  /** Sections of the first level that hold an anchor: other parts of the file are made of them. */
  readonly anchored: ReadonlySet<string>;
  /** Keys that stand twice in one mapping: the later one counts. */
  readonly duplicates: readonly { readonly key: string; readonly place: string }[];
}

/** The text of a file that the caller named. */
export function textOf(file: string): string {
  const text = readText(file);
  if (text !== null) return text;
  throw new CliFailure({
    code: 'file_missing',
    message: `There is no file ${file}.`,
    hint: 'check the path',
    exit: EXIT.usage,
  });
}

/**
 * Reads YAML 1.1 as PyYAML does (`yes` is true, `<<` merges, of two equal keys the later one counts), and JSON, which
 * is part of it.
 */
export function readSourceFile(text: string, name: string): SourceFile {
  const lines = new LineCounter();
  const document = parseDocument(text, { version: '1.1', uniqueKeys: false, lineCounter: lines, merge: true });
  const [error] = document.errors;
  if (error) throw unreadable(`${name}:${lines.linePos(error.pos[0]).line}`, error.message.split('\n')[0]!);
  const value = valueOf(document, name);
  const placeOf = (offset: number | null): string => (offset === null ? name : `${name}:${lines.linePos(offset).line}`);
  return {
    name,
    value,
    place: (path) => placeOf(offsetOf(document, path)),
    anchored: anchoredIn(document),
    duplicates: duplicatesOf(document).map(({ key, offset }) => ({ key, place: placeOf(offset) })),
  };
}

const unreadable = (place: string, why: string): CliFailure =>
  new CliFailure({
    code: 'import_unreadable',
    message: `${place}: ${why}`,
    hint: 'nothing was changed; mend the file, or export it again',
    exit: EXIT.usage,
  });

function valueOf(document: Document, name: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: MAX_ALIASES });
  } catch (error) {
    throw unreadable(name, (error as Error).message);
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as never;
  throw unreadable(name, 'this is no mapping of settings');
}

function offsetOf(document: Document, path: readonly (string | number)[]): number | null {
  let node: unknown = document.contents;
  let at: number | null = null;
  for (const step of path) {
    if (isAlias(node)) node = node.resolve(document);
    if (isMap(node)) {
      const pair = node.items.findLast(({ key }) => isScalar(key) && String(key.value) === String(step));
      if (!pair) return at;
      at = startOf(pair.key) ?? at;
      node = pair.value;
    } else if (isSeq(node)) {
      node = node.items[Number(step)];
      at = startOf(node) ?? at;
    } else return at;
  }
  return at;
}

const startOf = (node: unknown): number | null => (node as { range?: readonly number[] } | null)?.range?.[0] ?? null;

function anchoredIn(document: Document): Set<string> {
  const out = new Set<string>();
  if (!isMap(document.contents)) return out;
  for (const { key, value } of document.contents.items) {
    let found = false;
    if (isNode(value))
      visit(value, (_, node) => void (found ||= isNode(node) && !isAlias(node) && node.anchor !== undefined));
    if (found) out.add(String(isScalar(key) ? key.value : ''));
  }
  return out;
}

function duplicatesOf(document: Document): { readonly key: string; readonly offset: number | null }[] {
  const found: { key: string; offset: number | null }[] = [];
  visit(document, {
    Map: (_, { items }) => {
      const seen = new Set<string>();
      for (const { key } of items) {
        const text = isScalar(key) ? String(key.value) : '';
        if (text !== '<<' && seen.has(text)) found.push({ key: text, offset: startOf(key) });
        seen.add(text);
      }
    },
  });
  return found;
}

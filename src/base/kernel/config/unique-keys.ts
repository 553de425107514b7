import { isScalar, visit, YAMLParseError, type Document, type LineCounter, type YAMLMap } from 'yaml';

/**
 * Adds to a document's errors each key that stands a second time in its mapping, with the words and the place of
 * `uniqueKeys: true`, for a document that was parsed without: the library compares each key with all before it, which
 * was 6 of the 7 seconds in which 30,000 declared rows started.
 */
export function requireUniqueKeys(document: Document, lines: LineCounter): void {
  const found: YAMLParseError[] = [];
  visit(document, { Map: (_, map) => void found.push(...repeated(map, lines)) });
  if (found.length === 0) return;
  document.errors.push(...found);
  document.errors.sort((a, b) => a.pos[0] - b.pos[0]);
}

/** Keys are equal as in the library: scalars of the same value. Of aliases and collections none equals another. */
function repeated(map: YAMLMap, lines: LineCounter): YAMLParseError[] {
  const seen = new Set<unknown>();
  return map.items.flatMap(({ key }) => {
    // NaN is the one value that a set finds and that does not equal itself.
    if (!isScalar(key) || Number.isNaN(key.value)) return [];
    if (!seen.has(key.value)) {
      seen.add(key.value);
      return [];
    }
    const at = key.range?.[0] ?? 0;
    const { line, col } = lines.linePos(at);
    const message = `Map keys must be unique at line ${line}, column ${col}:`;
    return [new YAMLParseError([at, at + 1], 'DUPLICATE_KEY', message)];
  });
}

/** Edit distance with adjacent transpositions (optimal string alignment). O(a·b); callers bound both lengths. */
export function editDistance(a: string, b: string): number {
  const rows = Array.from({ length: a.length + 1 }, (_, i) => {
    const row = new Array<number>(b.length + 1).fill(0);
    row[0] = i;
    return row;
  });
  for (let j = 0; j <= b.length; j++) rows[0]![j] = j;
  for (let i = 1; i <= a.length; i++) {
    for (let j = 1; j <= b.length; j++) rows[i]![j] = cell(rows, a, b, i, j);
  }
  return rows[a.length]![b.length]!;
}

function cell(rows: number[][], a: string, b: string, i: number, j: number): number {
  const substitution = rows[i - 1]![j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
  const best = Math.min(rows[i - 1]![j]! + 1, rows[i]![j - 1]! + 1, substitution);
  const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
  return swapped ? Math.min(best, rows[i - 2]![j - 2]! + 1) : best;
}

// Longer names come from an attacker, not from a slip of the finger.
const LONGEST_NAME = 128;

/** The known names nearest to a wrong one, best first; none where nothing is near. */
export function nearest(wrong: string, known: Iterable<string>, most = 3): string[] {
  if (wrong.length > LONGEST_NAME) return [];
  const folded = wrong.toLowerCase();
  const limit = Math.max(2, Math.floor(wrong.length / 3));
  return [...known]
    .filter((name) => name.length <= LONGEST_NAME && Math.abs(name.length - wrong.length) <= Math.max(limit, 12))
    .map((name) => ({ name, distance: rank(folded, name.toLowerCase()) }))
    .filter(({ distance }) => distance <= limit)
    .sort((a, b) => a.distance - b.distance || a.name.localeCompare(b.name))
    .slice(0, most)
    .map(({ name }) => name);
}

/** A name that extends the wrong one ("gpt-5" for "gpt-5-mini") is near however long its tail is. */
const rank = (wrong: string, name: string): number =>
  wrong.length >= 3 && (name.startsWith(wrong) || wrong.startsWith(name)) ? 1 : editDistance(wrong, name);

/** One line of a diff: as it was, as it is, or in both. */
export interface DiffLine {
  readonly is: ' ' | '-' | '+';
  readonly text: string;
}

/** Pairs of lines that are compared: templates have at most 32 KB, and a text of empty lines is still a text. */
const MOST_PAIRS = 4_000_000;

/**
 * Two texts line by line, by their longest common subsequence. Beyond the bound the whole of both is shown: what is
 * common is then not looked for.
 */
export function diffLines(before: string, after: string): readonly DiffLine[] {
  const [a, b] = [before.split('\n'), after.split('\n')];
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head++;
  let tail = 0;
  while (tail < a.length - head && tail < b.length - head && a.at(-1 - tail) === b.at(-1 - tail)) tail++;
  const [left, right] = [a.slice(head, a.length - tail), b.slice(head, b.length - tail)];
  const same = (lines: readonly string[]): DiffLine[] => lines.map((text) => ({ is: ' ', text }));
  return [...same(a.slice(0, head)), ...middle(left, right), ...same(a.slice(a.length - tail))];
}

function middle(a: readonly string[], b: readonly string[]): DiffLine[] {
  if (a.length * b.length > MOST_PAIRS)
    return [...a.map((text) => ({ is: '-', text }) as const), ...b.map((text) => ({ is: '+', text }) as const)];
  const common = lengths(a, b);
  const out: DiffLine[] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      out.push({ is: ' ', text: a[i]! });
      i++;
      j++;
    } else if (j >= b.length || (i < a.length && common[i + 1]![j]! >= common[i]![j + 1]!))
      out.push({ is: '-', text: a[i++]! });
    else out.push({ is: '+', text: b[j++]! });
  }
  return out;
}

/** `[i][j]`: length of the longest common subsequence of `a` from `i` and `b` from `j`. */
function lengths(a: readonly string[], b: readonly string[]): readonly Uint16Array[] {
  const rows = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i--)
    for (let j = b.length - 1; j >= 0; j--)
      rows[i]![j] = a[i] === b[j] ? rows[i + 1]![j + 1]! + 1 : Math.max(rows[i + 1]![j]!, rows[i]![j + 1]!);
  return rows;
}

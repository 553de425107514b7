import { scan, type Span } from './scan.ts';
import { MAX_DEPTH } from './strict.ts';

/** New values of members of one object, as JSON text; `null` leaves the member out. Absent members are added. */
export type MemberEdits = ReadonlyMap<string, string | null>;

/** A text that goes in between two bytes, or takes the place of some. */
export interface Insertion {
  readonly at: number;
  /** End of the bytes whose place it takes; absent: none go. */
  readonly until?: number;
  readonly text: string;
}

interface Cut {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

const OPEN_OBJECT = 0x7b;

/**
 * The object text with the edits made; every byte outside them stays (clients.md 1, 7: a changed byte in a prompt
 * costs the provider's cache). A member that is left out takes its comma and the space before it along. New members
 * stand first, where no trailing space can be hit. `spans` are those of `bytes` itself, in order of appearance.
 */
export function splice(bytes: Buffer, spans: ReadonlyMap<string, Span>, edits: MemberEdits): Buffer {
  if (edits.size === 0) return bytes;
  const pieces = splicePieces(bytes, spans, { edits, insertions: NO_INSERTIONS });
  return pieces.length === 1 ? bytes : Buffer.concat(pieces);
}
const NO_INSERTIONS: readonly Insertion[] = [];

/** What changes in one pass: members, and texts inside members that do not change. */
export interface SpliceChanges {
  readonly edits: MemberEdits;
  readonly insertions: readonly Insertion[];
}

/** The same in pieces that are not joined yet; the bytes alone where nothing changes. */
export function splicePieces(
  bytes: Buffer,
  spans: ReadonlyMap<string, Span>,
  { edits, insertions }: SpliceChanges,
): Buffer[] {
  const cuts: Cut[] = [];
  const left = memberCuts(spans, edits, cuts);
  const added = [...edits].filter(([name, json]) => json !== null && !spans.has(name));
  if (added.length > 0) {
    const at = bytes.indexOf(OPEN_OBJECT) + 1;
    const text = added.map(([name, json]) => `${JSON.stringify(name)}:${json}`).join(',');
    cuts.unshift({ start: at, end: at, text: left > 0 ? `${text},` : text });
  }
  if (insertions.length > 0) {
    for (const { at, until = at, text } of insertions) cuts.push({ start: at, end: until, text });
    cuts.sort((a, b) => a.start - b.start);
  }
  return cuts.length === 0 ? [bytes] : piecesOf(bytes, cuts);
}

/** Replacements and removals in byte order; returns how many members stay. */
function memberCuts(spans: ReadonlyMap<string, Span>, edits: MemberEdits, cuts: Cut[]): number {
  const members = [...spans];
  let left = 0;
  for (const [i, [name, span]] of members.entries()) {
    const json = edits.get(name);
    if (json === null) {
      // Behind a member that stays, its comma goes along; before the first that stays, the next one's comma goes.
      const start = left > 0 ? members[i - 1]![1].end : span.keyStart;
      const end = left > 0 ? span.end : (members[i + 1]?.[1].keyStart ?? span.end);
      cuts.push({ start, end, text: '' });
      continue;
    }
    left++;
    if (json !== undefined) cuts.push({ start: span.start, end: span.end, text: json });
  }
  return left;
}

function piecesOf(bytes: Buffer, cuts: readonly Cut[]): Buffer[] {
  const pieces: Buffer[] = [];
  let at = 0;
  for (const cut of cuts) {
    if (cut.start > at) pieces.push(bytes.subarray(at, cut.start));
    if (cut.text !== '') pieces.push(Buffer.from(cut.text, 'utf8'));
    at = cut.end;
  }
  pieces.push(bytes.subarray(at));
  return pieces;
}

/** JSON text of the object that stands at `span`, with the edits made: for a member of a nested object. */
export function spliceNested(bytes: Buffer, span: Span, edits: MemberEdits): string {
  const inner = bytes.subarray(span.start, span.end);
  return splice(inner, scan(inner, MAX_DEPTH).spans, edits).toString('utf8');
}

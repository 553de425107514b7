import type { CanonicalCall, Part } from '#wire/canonical.ts';
import type { Dialect } from '#wire/dialect.ts';
import { parseStrict } from '#wire/json/strict.ts';

/** One thing that a request says: a tool, a part of a message, a setting. */
interface Piece {
  /** `tools[2] “search”`, `messages[3] user, part 1 text`, `temperature`. */
  readonly where: string;
  readonly text: string;
  /** Belongs to what a provider's cache keeps: tools, system, messages, in that order. */
  readonly prefix: boolean;
}

export interface DiffSide {
  readonly text: string;
  readonly dialect: Dialect;
}

export interface BodyDiff {
  /** `canonical`: compared by meaning, over dialects; `json`: by the fields of one and the same dialect. */
  readonly by: 'canonical' | 'json';
  readonly equal: boolean;
  /** Null: nothing differs. `a` or `b` null: it is in the other alone. */
  readonly first: { readonly where: string; readonly a: string | null; readonly b: string | null } | null;
  /** Other places that differ, in order. */
  readonly others: readonly string[];
  readonly prefix: {
    /** Pieces that both begin with. */
    readonly shared: number;
    readonly ofA: number;
    readonly ofB: number;
    /** Characters of the shared pieces, and of all of them. */
    readonly sharedChars: number;
    readonly charsOfA: number;
    readonly charsOfB: number;
    /** `equal`; `continues`: the whole of a is the start of b, so that a cache of a serves b; `differs`. */
    readonly verdict: 'equal' | 'continues' | 'differs';
    /** Where the first piece of the prefix differs; null where it does not. */
    readonly until: string | null;
  };
}

const MOST_OTHERS = 20;

/** Where two request bodies differ first. Null: one of them is no request of its dialect that can be read. */
export function diffBodies(a: DiffSide, b: DiffSide): BodyDiff | null {
  const canonical = [a, b].map(canonicalPieces);
  if (canonical[0] && canonical[1]) return compared('canonical', canonical[0], canonical[1]);
  if (a.dialect !== b.dialect) return null;
  const plain = [a, b].map(({ text }) => jsonPieces(text));
  return plain[0] && plain[1] ? compared('json', plain[0], plain[1]) : null;
}

function compared(by: BodyDiff['by'], a: readonly Piece[], b: readonly Piece[]): BodyDiff {
  const ofB = new Map(b.map((piece) => [piece.where, piece]));
  const ofA = new Map(a.map((piece) => [piece.where, piece]));
  const differing = [
    ...a.filter(({ where, text }) => ofB.get(where)?.text !== text).map(({ where }) => where),
    ...b.filter(({ where }) => !ofA.has(where)).map(({ where }) => where),
  ];
  // What both begin with comes first in the order of the body, also where one of them has a piece more in between.
  const order = (where: string): number => Math.max(placeOf(a, where), placeOf(b, where));
  differing.sort((one, other) => order(one) - order(other));
  const [where] = differing;
  return {
    by,
    equal: where === undefined,
    first: where === undefined ? null : { where, a: ofA.get(where)?.text ?? null, b: ofB.get(where)?.text ?? null },
    others: differing.slice(1, MOST_OTHERS + 1),
    prefix: prefixOf(
      a.filter(({ prefix }) => prefix),
      b.filter(({ prefix }) => prefix),
    ),
  };
}

const placeOf = (pieces: readonly Piece[], where: string): number => pieces.findIndex((piece) => piece.where === where);

const charsOf = (pieces: readonly Piece[]): number => pieces.reduce((sum, { text }) => sum + text.length, 0);

function prefixOf(a: readonly Piece[], b: readonly Piece[]): BodyDiff['prefix'] {
  let shared = 0;
  while (shared < a.length && shared < b.length && same(a[shared]!, b[shared]!)) shared++;
  const verdict = shared < a.length ? 'differs' : shared < b.length ? 'continues' : 'equal';
  return {
    ...{ shared, ofA: a.length, ofB: b.length, verdict },
    sharedChars: charsOf(a.slice(0, shared)),
    charsOfA: charsOf(a),
    charsOfB: charsOf(b),
    until: verdict === 'differs' ? (a[shared] ?? b[shared])!.where : null,
  };
}

const same = (a: Piece, b: Piece): boolean => a.where === b.where && a.text === b.text;

function canonicalPieces({ text, dialect }: DiffSide): Piece[] | null {
  const parsed = parseStrict(Buffer.from(text));
  if (!parsed.ok) return null;
  const call = dialect.decodeCall(parsed.value);
  return call.ok ? piecesOf(call.value) : null;
}

function piecesOf(call: CanonicalCall): Piece[] {
  if (call.kind === 'embed')
    return [...call.inputs.map((input, i) => piece(`input[${i}]`, input)), ...settings(call, ['inputs'])];
  if (call.kind !== 'generate') return settings(call, []);
  const { tools, turns } = call;
  const system = turns.filter(({ role }) => role === 'system' || role === 'developer');
  const rest = turns.filter(({ role }) => role !== 'system' && role !== 'developer');
  return [
    ...tools.map((tool, i) => piece(`tools[${i}] “${tool.name}”`, tool)),
    ...system.flatMap((turn, i) => turn.parts.map((part, n) => partPiece(`system[${i}], part ${n + 1}`, part))),
    ...rest.flatMap((turn, i) =>
      turn.parts.map((part, n) => partPiece(`messages[${i}] ${turn.role}, part ${n + 1}`, part)),
    ),
    ...settings(call, ['tools', 'turns']),
  ];
}

const partPiece = (where: string, part: Part): Piece =>
  piece(`${where} (${part.type})`, part.type === 'text' && part.cache === undefined ? part.text : part);

const piece = (where: string, value: unknown): Piece => ({ where, text: textOf(value), prefix: true });

/** In one order of keys: the order in which a client wrote them means nothing here. */
const textOf = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(sorted(value), null, 1));

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, part]) => part !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, part]) => [name, sorted(part)]),
  );
}

const settings = (call: CanonicalCall, without: readonly string[]): Piece[] =>
  Object.entries(call)
    .filter(([name, value]) => !without.includes(name) && value !== null && name !== 'kind')
    .map(([name, value]) => ({ where: name, text: textOf(value), prefix: false }));

/** Fields of one dialect that has no canonical form for this body: items of the long lists one by one. */
const PREFIX_FIELDS: ReadonlySet<string> = new Set(['tools', 'system', 'instructions', 'messages', 'input']);

function jsonPieces(text: string): Piece[] | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null;
  const fields = Object.entries(value);
  const inOrder = [...PREFIX_FIELDS].flatMap((name) => fields.filter(([field]) => field === name));
  const rest = fields.filter(([field]) => !PREFIX_FIELDS.has(field)).sort(([a], [b]) => (a < b ? -1 : 1));
  return [
    ...inOrder.flatMap(([name, part]) =>
      Array.isArray(part) ? part.map((item, i) => piece(`${name}[${i}]`, item)) : [piece(name, part)],
    ),
    ...rest.map(([name, part]) => ({ where: name, text: textOf(part), prefix: false })),
  ];
}

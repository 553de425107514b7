import { err, ok, type Result } from '#kernel/result.ts';
import type { FieldFault } from './dialect.ts';
import { isEmptyAt, itemsIn, memberIn, memberOf, type Place } from './json/items.ts';
import { isObject } from './json/read.ts';
import { spliceNested, type Insertion, type SpliceChanges } from './json/splice.ts';
import type { StrictJson } from './json/strict.ts';

/** Instructions of the gate's own; an empty text is none. */
export interface Prompt {
  /** Stands before the caller's own instructions: the provider's prompt cache has another key then. */
  readonly before: string;
  readonly after: string;
}

export type SeamParameter = 'temperature' | 'topP' | 'maxOutputTokens';

/** Where a dialect has a parameter: the names under which a caller may send it; the first is the one that is set. */
export interface ParameterPlace {
  /** The member around it, in the forms that it may have; absent: the body itself. */
  readonly within?: readonly string[];
  readonly names: readonly string[];
}

/** How one dialect takes what the gate adds to a request. Every byte of the caller's own instructions stays. */
export interface Seams {
  /** Absent: the dialect has no instructions. `model`: as the path names it, for a body that has to repeat it. */
  readonly instruct?: (request: StrictJson, prompt: Prompt, model?: string) => Result<SpliceChanges, FieldFault>;
  /** Where a body names the model again inside a member of its own; absent: nowhere. */
  readonly nameModel?: (request: StrictJson, model: string) => readonly Insertion[];
  readonly parameters: Readonly<Partial<Record<SeamParameter, ParameterPlace>>>;
  /** Names of the tools that a request offers, beside those that `PolicyView.hostedTools` has. */
  readonly toolNames: (request: StrictJson) => readonly string[];
  /** The object that describes the first tool of the caller's own; null: it offers none. Absent: the dialect has none. */
  readonly firstTool?: (request: StrictJson) => Place | null;
  /** A text at the very front of a prompt; absent: that is the front of its instructions. */
  readonly lead?: (request: StrictJson, text: string) => Result<SpliceChanges, FieldFault>;
}

export const NO_TOOLS = (): readonly string[] => [];
const NO_EDITS: SpliceChanges['edits'] = new Map();

export const insertions = (list: readonly Insertion[]): Result<SpliceChanges, FieldFault> =>
  ok({ edits: NO_EDITS, insertions: list });

export const setMember = (name: string, json: string): Result<SpliceChanges, FieldFault> =>
  ok({ edits: new Map([[name, json]]), insertions: [] });

export const seamFault = (field: string, message: string): Result<never, FieldFault> =>
  err({ code: 'invalid_request', field, message });

const QUOTE = 0x22;
const NULL = 0x6e;
export const OPEN_ARRAY = 0x5b;

/** Is the member absent, or `null`? */
export function isAbsent({ bytes, spans }: StrictJson, name: string): boolean {
  const span = spans.get(name);
  return span === undefined || bytes[span.start] === NULL;
}

const both = ({ before, after }: Prompt): string => [before, after].filter((text) => text !== '').join('\n\n');
export const hasText = (text: string): boolean => text !== '';

/** Instructions that are one text: the gate's go to its end or its beginning, with an empty line between. */
export function instructText(request: StrictJson, name: string, prompt: Prompt): Result<SpliceChanges, FieldFault> {
  const span = isAbsent(request, name) ? undefined : request.spans.get(name);
  if (span === undefined || span.end - span.start === EMPTY) return setMember(name, JSON.stringify(both(prompt)));
  if (request.bytes[span.start] !== QUOTE) return seamFault(name, `\`${name}\` must be a text.`);
  return insertions([
    ...(hasText(prompt.before) ? [{ at: span.start + 1, text: `${inner(prompt.before)}\\n\\n` }] : []),
    ...(hasText(prompt.after) ? [{ at: span.end - 1, text: `\\n\\n${inner(prompt.after)}` }] : []),
  ]);
}
const EMPTY = '""'.length;

/** A text as it stands within quotes of JSON. */
export const inner = (text: string): string => JSON.stringify(text).slice(1, -1);

/** The first of a list's items that `pick` finds an object in; null: there is none. */
export function firstObject(bytes: Buffer, list: Place | null | undefined, pick: (item: Place) => Place | null) {
  if (!list || !isOpen(bytes[list.start])) return null;
  for (const item of itemsIn(bytes, list)) {
    const found = bytes[item.start] === OPEN_OBJECT ? pick(item) : null;
    if (found !== null && bytes[found.start] === OPEN_OBJECT) return found;
  }
  return null;
}
const OPEN_OBJECT = 0x7b;
const isOpen = (byte: number | undefined): boolean => byte === OPEN_ARRAY || byte === OPEN_OBJECT;

/**
 * A text before everything that a model reads: in front of the instructions and, since some providers read tools before
 * them and others do not say, in front of what the first tool says of itself.
 */
export function inFront(
  seams: Seams | undefined,
  request: StrictJson,
  text: string,
  model?: string,
): Result<SpliceChanges, FieldFault> {
  const changes = seams?.lead?.(request, text) ?? seams?.instruct?.(request, { before: text, after: '' }, model);
  if (!changes)
    return err({ code: 'unsupported_field', field: 'model', message: 'This endpoint has no front to put a text at.' });
  const tool = changes.ok && seams?.firstTool?.(request);
  const described = tool && beforeDescription(request.bytes, tool, text);
  if (!described || !changes.ok) return changes;
  return ok({ ...changes.value, insertions: [...changes.value.insertions, described] });
}

/** Null: its description is no text. */
function beforeDescription(bytes: Buffer, tool: Place, text: string): Insertion | null {
  const place = memberIn(bytes, tool, 'description');
  if (place === null) return { at: tool.start + 1, text: `"description":${JSON.stringify(text)},` };
  return bytes[place.start] === QUOTE ? { at: place.start + 1, text: `${inner(text)}\\n\\n` } : null;
}

/** Items before the first and behind the last of the array at a place. */
export function aroundItems(bytes: Buffer, place: Place, { before, after }: Prompt, item: (text: string) => string) {
  const empty = isEmptyAt(bytes, place);
  const comma = (text: string): string => (empty && before !== '' && after !== '' ? `,${text}` : text);
  return [
    ...(hasText(before) ? [{ at: place.start + 1, text: empty ? item(before) : `${item(before)},` }] : []),
    ...(hasText(after) ? [{ at: place.end - 1, text: empty ? comma(item(after)) : `,${item(after)}` }] : []),
  ];
}

/** An array of the prompt's parts, where a request has none. */
export const itemList = ({ before, after }: Prompt, item: (text: string) => string): string =>
  `[${[before, after].filter(hasText).map(item).join(',')}]`;

/** What a parameter of a request becomes, asked once for each name under which it stands; null: it stays. */
export type Wanted = (asked: number | null) => number | null;

/** Adds the changes of parameters to the edits of a body. */
export function setParameters(
  request: StrictJson,
  places: Seams['parameters'],
  wanted: ReadonlyMap<SeamParameter, Wanted>,
  edits: Map<string, string | null>,
): void {
  const nested = new Map<readonly string[], Map<string, string>>();
  for (const [parameter, want] of wanted) {
    const place = places[parameter];
    if (place === undefined) continue;
    const found = place.within === undefined ? request.value : containerOf(request, place.within).value;
    for (const [name, value] of changesOf(found, place.names, want)) {
      if (place.within === undefined) edits.set(name, value);
      else nested.set(place.within, (nested.get(place.within) ?? new Map<string, string>()).set(name, value));
    }
  }
  for (const [within, inside] of nested) {
    const { name, value } = containerOf(request, within);
    const span = request.spans.get(name);
    const json = span && value ? spliceNested(request.bytes, span, inside) : objectText(inside);
    edits.set(name, json);
  }
}

const objectText = (members: ReadonlyMap<string, string>): string =>
  `{${[...members].map(([name, json]) => `${JSON.stringify(name)}:${json}`).join(',')}}`;

type Members = Readonly<Record<string, unknown>>;

function changesOf(found: Members | null, names: readonly string[], want: Wanted): (readonly [string, string])[] {
  const there = names.filter((name) => found?.[name] !== undefined && found[name] !== null);
  const asked =
    there.length > 0 ? there.map((name) => [name, numberIn(found![name])] as const) : [[names[0]!, null] as const];
  return asked.flatMap(([name, value]) => {
    const becomes = want(value);
    return becomes === null ? [] : [[name, String(becomes)] as const];
  });
}

/** Google's numbers may be texts. */
const numberIn = (value: unknown): number | null => {
  const number = typeof value === 'string' ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) ? number : null;
};

function containerOf(request: StrictJson, forms: readonly string[]): { name: string; value: Members | null } {
  const name = forms.find((form) => request.spans.has(form)) ?? forms[0]!;
  const value = memberOf(request, name);
  return { name, value: isObject(value) ? value : null };
}

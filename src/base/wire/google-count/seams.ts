import { ok, type Result } from '#kernel/result.ts';
import type { FieldFault } from '../dialect.ts';
import { nameOf } from '../google-generate/member.ts';
import { seams as generate } from '../google-generate/seams.ts';
import { isEmptyAt, type Place } from '../json/items.ts';
import { scan } from '../json/scan.ts';
import type { Insertion, SpliceChanges } from '../json/splice.ts';
import { MAX_DEPTH, type StrictJson } from '../json/strict.ts';
import { isAbsent, type Prompt, type Seams } from '../seams.ts';

const REQUEST = nameOf('generateContentRequest');
const MODEL = 'model';
const OPEN = 0x7b;

/** The counted call where it stands in a member of its own, and where that begins; null: the body itself is the call. */
function wholeIn(request: StrictJson): { readonly call: StrictJson; readonly at: Place } | null {
  const form = formOf(request);
  const span = form === undefined ? undefined : request.spans.get(form);
  if (span === undefined || request.bytes[span.start] !== OPEN) return null;
  const bytes = request.bytes.subarray(span.start, span.end);
  // Whoever reads a member that is not in `value` reads it from the bytes.
  return { call: { bytes, value: {}, spans: scan(bytes, MAX_DEPTH).spans, longNumberAt: null }, at: span };
}

const formOf = ({ spans }: StrictJson): string | undefined =>
  [REQUEST.camel, REQUEST.snake].find((name) => spans.has(name));

/** Changes of the inner call as changes of the body: a member that holds a whole call is never replaced as one. */
function outward({ bytes, spans }: StrictJson, at: Place, { edits, insertions }: SpliceChanges): readonly Insertion[] {
  const comma = isEmptyAt(bytes, { start: 0, end: bytes.length }) ? '' : ',';
  const members = [...edits].map(([name, json]): Insertion => {
    const span = spans.get(name);
    if (span) return { at: at.start + span.start, until: at.start + span.end, text: json! };
    return { at: at.start + 1, text: `${JSON.stringify(name)}:${json}${comma}` };
  });
  return [...members, ...insertions.map((one) => ({ ...one, at: at.start + one.at }))];
}

/**
 * `contents` alone have no place for instructions: the body becomes the whole call, which names its model, with every
 * byte of the caller's in it.
 */
function instruct(request: StrictJson, prompt: Prompt, model?: string): Result<SpliceChanges, FieldFault> {
  const whole = wholeIn(request);
  const changes = generate.instruct!(whole?.call ?? request, prompt);
  if (!changes.ok) return changes;
  if (whole) return ok({ edits: new Map(), insertions: outward(whole.call, whole.at, changes.value) });
  const edits = new Map(changes.value.edits);
  const form = formOf(request);
  if (form !== undefined) edits.set(form, null);
  if (model !== undefined && isAbsent(request, MODEL)) edits.set(MODEL, JSON.stringify(`models/${model}`));
  return ok({ edits, insertions: [...changes.value.insertions, ...around(request.bytes)] });
}

const around = (bytes: Buffer): readonly Insertion[] => [
  { at: bytes.indexOf(OPEN), text: `{"${REQUEST.camel}":` },
  { at: bytes.length, text: '}' },
];

function nameModel(request: StrictJson, model: string): readonly Insertion[] {
  const whole = wholeIn(request);
  const span = whole?.call.spans.get(MODEL);
  if (!whole || !span) return [];
  const edits = new Map([[MODEL, JSON.stringify(`models/${model}`)]]);
  return outward(whole.call, whole.at, { edits, insertions: [] });
}

function firstTool(request: StrictJson): Place | null {
  const whole = wholeIn(request);
  if (!whole) return generate.firstTool!(request);
  const place = generate.firstTool!(whole.call);
  return place && { start: whole.at.start + place.start, end: whole.at.start + place.end };
}

/** Those of `generateContent`, in the call that is counted. How a model answers is not counted. */
export const seams: Seams = {
  instruct,
  nameModel,
  parameters: {},
  toolNames: (request) => generate.toolNames(wholeIn(request)?.call ?? request),
  firstTool,
};

import { ok, type Result } from '#kernel/result.ts';
import type { CanonicalCall, EmbedCall, Extra } from '../canonical.ts';
import type { BodyChanges, EncodedCall, FieldFault, PathFacts } from '../dialect.ts';
import { camelOf, integerIn, manyOf, member, nameOf } from '../google-generate/member.ts';
import { isObject, isUnset, listOf, objectOf, textOf, type JsonObject } from '../json/read.ts';
import type { Span } from '../json/scan.ts';
import { splice, spliceNested } from '../json/splice.ts';
import type { StrictJson } from '../json/strict.ts';
import { elementsOf } from './elements.ts';
import { policyBatch, policyOne } from './policy.ts';

const CONTENT = nameOf('content');
const SIZE = nameOf('outputDimensionality');
const PLACED: ReadonlySet<string> = new Set(['model', 'content', 'outputDimensionality']);

export function decodeOne(request: StrictJson, path?: PathFacts): Result<EmbedCall, FieldFault> {
  const checked = policyOne(request, path);
  return checked.ok ? ok(callOf([request.value], '', path)) : checked;
}

export function decodeBatch(request: StrictJson, path?: PathFacts): Result<EmbedCall, FieldFault> {
  const checked = policyBatch(request, path);
  return checked.ok ? ok(callOf(listOf(request.value['requests']).map(objectOf), 'requests', path)) : checked;
}

/** All requests of one call must ask for vectors of one size; what else they say of their text is meaning. */
function callOf(requests: readonly JsonObject[], list: string, path: PathFacts | undefined): EmbedCall {
  const at = (index: number): string => (list === '' ? '' : `${list}[${index}].`);
  const dimensions = integerIn(member(requests[0]!, SIZE));
  const extras: Extra[] = [];
  const inputs = requests.map((request, index) => {
    for (const [name, value] of Object.entries(request)) {
      const camel = camelOf(name);
      const differs = camel === SIZE.camel && integerIn(value) !== dimensions;
      if ((!PLACED.has(camel) || differs) && !isUnset(value))
        extras.push({ field: at(index) + camel, value, class: 'meaning' });
    }
    return textIn(member(request, CONTENT), `${at(index)}content`, extras);
  });
  const encoding = 'float';
  return { kind: 'embed', model: path?.model ?? '', inputs, dimensions, encoding, endUser: null, extras };
}

/** One text; several parts and other media have no form in other dialects. */
function textIn(content: unknown, field: string, extras: Extra[]): string {
  const parts = manyOf(objectOf(content)['parts']);
  const text = textOf(objectOf(parts[0])['text']);
  if (parts.length !== 1 || text === null) extras.push({ field: `${field}.parts`, value: parts, class: 'meaning' });
  return text ?? '';
}

/** Always a batch, so that one input and many read alike. Lists of token ids have no form. */
export function encodeBatch(call: CanonicalCall): EncodedCall {
  if (call.kind !== 'embed') return { value: {}, unsupported: [{ field: 'messages', class: 'meaning' }] };
  const size = call.dimensions === null ? {} : { outputDimensionality: call.dimensions };
  const texts = call.inputs.filter((input) => typeof input === 'string');
  const requests = texts.map((text) => ({ model: `models/${call.model}`, content: { parts: [{ text }] }, ...size }));
  const unsupported: EncodedCall['unsupported'][number][] = call.extras.map(({ field, class: kind }) => ({
    field,
    class: kind,
  }));
  if (texts.length < call.inputs.length) unsupported.push({ field: 'input', class: 'meaning' });
  if (call.endUser !== null) unsupported.push({ field: 'user', class: 'hint' });
  return { value: { requests }, unsupported };
}

/** The one request of an `embedContent`; of several inputs none is said. */
export function encodeOne(call: CanonicalCall): EncodedCall {
  const { value, unsupported } = encodeBatch(call);
  const requests = listOf(value['requests']);
  const [first] = requests;
  if (requests.length === 1 && isObject(first)) return { value: first, unsupported };
  return { value: {}, unsupported: [...unsupported, { field: 'input', class: 'meaning' }] };
}

const modelEdit = (model: string): ReadonlyMap<string, string> =>
  new Map([['model', JSON.stringify(`models/${model}`)]]);

/** The body with another model where it names one; every other byte stays. */
export function patchOne(request: StrictJson, { model }: BodyChanges): Uint8Array {
  if (model === undefined || !request.spans.has('model')) return request.bytes;
  return splice(request.bytes, request.spans, modelEdit(model));
}

/** The same in each request of a batch, which must name the model of the path. */
export function patchBatch(request: StrictJson, { model }: BodyChanges): Uint8Array {
  const span = request.spans.get('requests');
  if (model === undefined || !span) return request.bytes;
  const edits = new Map([['requests', withModel(request.bytes, span, model)]]);
  if (request.spans.has('model')) edits.set('model', JSON.stringify(`models/${model}`));
  return splice(request.bytes, request.spans, edits);
}

/** Text of the array at `span` with the model in each of its objects. */
function withModel(bytes: Buffer, span: Span, model: string): string {
  const pieces: string[] = [];
  let at = span.start;
  for (const element of elementsOf(bytes, span)) {
    pieces.push(bytes.toString('utf8', at, element.start), spliceNested(bytes, element, modelEdit(model)));
    at = element.end;
  }
  return [...pieces, bytes.toString('utf8', at, span.end)].join('');
}

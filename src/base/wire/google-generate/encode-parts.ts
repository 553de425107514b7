import { inputOf } from '../anthropic-messages/encode-parts.ts';
import { cannotSay, type Encoding } from '../anthropic-messages/encoding.ts';
import type { DocumentPart, Part, ReasoningPart, TextPart, ToolCallPart, ToolResultPart, Turn } from '../canonical.ts';
import { isObject } from '../json/read.ts';
import { encodeMedia, soundType } from './media.ts';
import { FOREIGN_CALL_SIGNATURE, ownSignatureOf } from './signature.ts';

export type GooglePart = Readonly<Record<string, unknown>>;

interface Place {
  readonly to: Encoding;
  /** Names of functions by the id of their call: a result names the function. */
  readonly names: Map<string, string>;
}

/**
 * Parts of one turn. A signature of Google's goes onto the part that follows it; calls of a model that signed none get
 * Google's word for that on the first of them.
 */
export function encodeParts(to: Encoding, turn: Turn, path: string, names: Map<string, string>): GooglePart[] {
  const out: GooglePart[] = [];
  let signature: string | null = null;
  let signed = false;
  for (const [index, part] of turn.parts.entries()) {
    if (part.cache) cannotSay(to, `${path}.cache`, 'hint');
    if (part.type === 'reasoning') {
      out.push(...thoughtOf(to, part, `${path}.content[${index}]`));
      signature = ownSignatureOf(part) ?? signature;
      continue;
    }
    const parts = encodePart({ to, names }, part, `${path}.content[${index}]`);
    const isCall = part.type === 'tool_call';
    const mark: string | null = signature ?? (isCall && !signed ? FOREIGN_CALL_SIGNATURE : null);
    for (const [i, one] of parts.entries())
      out.push(i === 0 && mark !== null ? { ...one, thoughtSignature: mark } : one);
    if (parts.length > 0) signature = null;
    if (isCall) signed = true;
  }
  return signature === null ? out : [...out, { text: '', thoughtSignature: signature }];
}

/** Thoughts go back where Google signed them; thinking of another family stays behind (clients.md 8). */
function thoughtOf(to: Encoding, part: ReasoningPart, path: string): GooglePart[] {
  if (ownSignatureOf(part) === null) return (cannotSay(to, path, 'hint'), []);
  return part.text === '' ? [] : [{ text: part.text, thought: true }];
}

function encodePart(place: Place, part: Exclude<Part, ReasoningPart>, path: string): GooglePart[] {
  const { to } = place;
  switch (part.type) {
    case 'text':
      return encodeText(to, part, path);
    case 'refusal':
      return part.text === '' ? [] : [{ text: part.text }];
    case 'image':
      if (part.detail !== undefined && part.detail !== 'auto') cannotSay(to, `${path}.detail`, 'hint');
      return orUnsaid(to, path, part.media.at === 'text' ? null : encodeMedia(part.media, 'image/jpeg'));
    case 'document':
      return encodeDocument(to, part, path);
    case 'audio':
      return [{ inlineData: { mimeType: soundType(part.format), data: part.data } }];
    case 'tool_call':
      return encodeCall(place, part, path);
    case 'tool_result':
      return encodeResult(place, part, path);
    case 'opaque':
      return orUnsaid(to, path, part.dialect === 'google-generate' && isObject(part.value) ? part.value : null);
  }
}

const orUnsaid = (to: Encoding, path: string, part: object | null): GooglePart[] =>
  part === null ? (cannotSay(to, path, 'meaning'), []) : [part as GooglePart];

function encodeText(to: Encoding, part: TextPart, path: string): GooglePart[] {
  if ((part.annotations?.length ?? 0) > 0) cannotSay(to, `${path}.annotations`, 'hint');
  return [{ text: part.text }];
}

function encodeDocument(to: Encoding, part: DocumentPart, path: string): GooglePart[] {
  if (part.name !== undefined) cannotSay(to, `${path}.name`, 'hint');
  if (part.citations) cannotSay(to, `${path}.citations`, 'meaning');
  return orUnsaid(to, path, encodeMedia(part.media, 'application/pdf'));
}

function encodeCall({ to, names }: Place, part: ToolCallPart, path: string): GooglePart[] {
  if (part.custom) return orUnsaid(to, path, null);
  names.set(part.id, part.name);
  return [{ functionCall: { id: part.id, name: part.name, args: inputOf(part.args) } }];
}

/** Text stands under `output` or `error`, the keys that the SDK documents; pictures stand beside the result. */
function encodeResult({ to, names }: Place, part: ToolResultPart, path: string): GooglePart[] {
  if (part.custom) return orUnsaid(to, path, null);
  const texts = part.content.flatMap((one) => (one.type === 'text' ? [one.text] : []));
  const others = part.content.filter((one) => one.type !== 'text' && one.type !== 'reasoning');
  const response = { [part.isError ? 'error' : 'output']: texts.join('') };
  return [
    { functionResponse: { id: part.id, name: names.get(part.id) ?? part.id, response } },
    ...others.flatMap((one, i) =>
      encodePart({ to, names }, one as Exclude<Part, ReasoningPart>, `${path}.content[${i}]`),
    ),
  ];
}

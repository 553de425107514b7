import type { FieldFault } from '#wire/dialect.ts';
import { isObject, listOf, textOf, type JsonObject } from '#wire/json/read.ts';
import { isMinted, type KeptKind } from './kept-ids.ts';
import { isHosted } from './tool-types.ts';
import { typeOf } from './shape.ts';

/** What the walk over input, tools and prompt variables finds for policy. */
export interface Found {
  readonly keptIds: { kind: KeptKind; id: string; field: string }[];
  readonly hostedTools: string[];
  images: number;
  audios: number;
  files: number;
  fault: FieldFault | null;
}

export const nothingFound = (): Found => ({
  keptIds: [],
  hostedTools: [],
  images: 0,
  audios: 0,
  files: 0,
  fault: null,
});

export const wrong = (field: string, message: string): FieldFault => ({ code: 'invalid_request', field, message });

/** `input`: a string, or items. Item types that we do not know pass; only what policy reads is checked. */
export function walkInput(input: unknown, found: Found): void {
  if (!Array.isArray(input)) return;
  for (let i = 0; i < input.length; i++) {
    const item: unknown = input[i];
    if (isObject(item)) walkItem(item, `input[${i}]`, found);
    else found.fault ??= wrong(`input[${i}]`, `\`input[${i}]\` must be an object.`);
  }
}

function walkItem(item: JsonObject, field: string, found: Found): void {
  switch (item['type']) {
    case undefined:
    case null:
    case 'message':
      // An item with an id and nothing else is a reference even without its type (ResponseInputItem.ItemReference).
      if (item['role'] === undefined && item['content'] === undefined) keep(found, 'item', item['id'], `${field}.id`);
      return walkContent(item['content'], `${field}.content`, found);
    case 'function_call':
    case 'custom_tool_call':
      return;
    case 'function_call_output':
    case 'custom_tool_call_output':
      return walkContent(item['output'], `${field}.output`, found);
    case 'reasoning':
      // Without its encrypted content the provider looks the item up by its id.
      if (!item['encrypted_content']) keep(found, 'item', item['id'], `${field}.id`);
      return;
    case 'item_reference':
      return keep(found, 'item', item['id'], `${field}.id`);
    case 'additional_tools':
    case 'tool_search_output':
      return walkTools(item['tools'], `${field}.tools`, found);
    default:
      return walkAny(item, field, found);
  }
}

function walkContent(content: unknown, field: string, found: Found): void {
  if (typeof content === 'string' || content == null) return;
  if (!Array.isArray(content)) {
    found.fault ??= wrong(field, `\`${field}\` must be a string or an array.`);
    return;
  }
  for (let i = 0; i < content.length; i++) {
    const part: unknown = content[i];
    if (!isObject(part)) found.fault ??= wrong(`${field}[${i}]`, `\`${field}[${i}]\` must be an object.`);
    else if (part['type'] !== 'input_text' && part['type'] !== 'output_text') walkAny(part, `${field}[${i}]`, found);
  }
}

export function walkTools(tools: unknown, field: string, found: Found): void {
  listOf(tools).forEach((tool, i) => {
    if (!isObject(tool)) {
      found.fault ??= wrong(`${field}[${i}]`, `\`${field}[${i}]\` must be an object.`);
      return;
    }
    const type = typeOf(tool);
    if (type === 'function' || type === 'custom') return;
    if (type === 'namespace') return walkTools(tool['tools'], `${field}[${i}].tools`, found);
    if (isHosted(tool)) found.hostedTools.push(type);
    if (type === 'code_interpreter') keep(found, 'container', tool['container'], `${field}[${i}].container`);
    walkAny(tool, `${field}[${i}]`, found);
  });
}

const KIND_OF_FIELD: Readonly<Record<string, KeptKind>> = {
  file_id: 'file',
  file_ids: 'file',
  container_id: 'container',
  vector_store_ids: 'vector_store',
  skill_id: 'skill',
  tunnel_id: 'tunnel',
};
/** Values under these are the caller's own schema or argument text, where `file_id` may be a name of theirs. */
const OPAQUE_FIELDS: ReadonlySet<string> = new Set(['parameters', 'input_schema', 'output_schema', 'arguments']);

/** The rest, by the names of its fields: `parseStrict` bounds the depth. */
export function walkAny(value: JsonObject, field: string, found: Found): void {
  countMedia(value['type'], found);
  for (const name in value) {
    const inner = value[name];
    const kind = Object.hasOwn(KIND_OF_FIELD, name) ? KIND_OF_FIELD[name] : undefined;
    if (kind) keepAll(found, kind, inner, `${field}.${name}`);
    else if (typeof inner !== 'object' || inner === null || OPAQUE_FIELDS.has(name)) continue;
    else if (!Array.isArray(inner)) walkAny(inner as JsonObject, `${field}.${name}`, found);
    else inner.forEach((entry, i) => isObject(entry) && walkAny(entry, `${field}.${name}[${i}]`, found));
  }
}

function countMedia(type: unknown, found: Found): void {
  if (type === 'input_image' || type === 'computer_screenshot' || type === 'image_generation_call') found.images++;
  else if (type === 'input_file') found.files++;
  else if (type === 'input_audio') found.audios++;
}

function keepAll(found: Found, kind: KeptKind, value: unknown, field: string): void {
  if (!Array.isArray(value)) return keep(found, kind, value, field);
  value.forEach((id, i) => keep(found, kind, id, `${field}[${i}]`));
}

export function keep(found: Found, kind: KeptKind, value: unknown, field: string): void {
  const id = textOf(value);
  if (id && !isMinted(id)) found.keptIds.push({ kind, id, field });
}

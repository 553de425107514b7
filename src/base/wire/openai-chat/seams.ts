import { ok, type Result } from '#kernel/result.ts';
import type { FieldFault } from '#wire/dialect.ts';
import { isEmptyAt, itemsIn, memberIn, memberOf } from '#wire/json/items.ts';
import { listOf, objectOf, textOf } from '#wire/json/read.ts';
import type { Insertion, SpliceChanges } from '#wire/json/splice.ts';
import type { StrictJson } from '#wire/json/strict.ts';
import {
  firstObject,
  hasText,
  inner,
  insertions,
  OPEN_ARRAY,
  seamFault,
  type Prompt,
  type Seams,
} from '#wire/seams.ts';

const OWN_ROLES: ReadonlySet<unknown> = new Set(['system', 'developer']);

/** A message of its own behind those of the caller that begin the conversation, in the role that they have. */
function instruct(request: StrictJson, { before, after }: Prompt): Result<SpliceChanges, FieldFault> {
  const { bytes, spans } = request;
  const span = spans.get('messages');
  if (!span || bytes[span.start] !== OPEN_ARRAY) return seamFault('messages', '`messages` must be an array.');
  let role = 'system';
  let end = span.start + 1;
  let more = false;
  for (const item of itemsIn(bytes, span)) {
    const at = memberIn(bytes, item, 'role');
    const said: unknown = at && JSON.parse(bytes.toString('utf8', at.start, at.end));
    if (!OWN_ROLES.has(said)) {
      more = true;
      break;
    }
    role = said as string;
    end = item.end;
  }
  const message = (content: string): string => JSON.stringify({ role, content });
  const none = end === span.start + 1;
  const list: Insertion[] = [];
  // One place for both, where the caller has no instructions of its own.
  if (none) {
    const both = [before, after].filter(hasText).map(message).join(',');
    list.push({ at: end, text: more ? `${both},` : both });
  } else {
    if (hasText(before)) list.push({ at: span.start + 1, text: `${message(before)},` });
    if (hasText(after)) list.push({ at: end, text: `,${message(after)}` });
  }
  return ok({ edits: new Map(), insertions: list });
}

/** Into the message that begins the conversation, where that is the caller's own: some models' templates take one alone. */
function lead(request: StrictJson, text: string): Result<SpliceChanges, FieldFault> {
  const { bytes, spans } = request;
  const list = spans.get('messages');
  const first = list && bytes[list.start] === OPEN_ARRAY ? itemsIn(bytes, list).next().value : undefined;
  const at = first && memberIn(bytes, first, 'role');
  if (first && at && OWN_ROLES.has(JSON.parse(bytes.toString('utf8', at.start, at.end)))) {
    const content = memberIn(bytes, first, 'content');
    if (content && bytes[content.start] === QUOTE)
      return insertions([{ at: content.start + 1, text: `${inner(text)}\\n\\n` }]);
    if (content && bytes[content.start] === OPEN_ARRAY && !isEmptyAt(bytes, content))
      return insertions([{ at: content.start + 1, text: `${JSON.stringify({ type: 'text', text })},` }]);
  }
  return instruct(request, { before: text, after: '' });
}
const QUOTE = 0x22;

function toolNames(request: StrictJson): readonly string[] {
  const tools = listOf(memberOf(request, 'tools')).flatMap((tool) => {
    const { type } = objectOf(tool);
    const name = textOf(objectOf(objectOf(tool)[String(type)])['name']);
    return type === 'function' || type === 'custom' ? (name ?? []) : [];
  });
  // What `tools` was before: servers that copy the API still read it.
  const older = listOf(memberOf(request, 'functions')).flatMap((tool) => textOf(objectOf(tool)['name']) ?? []);
  return [...tools, ...older];
}

export const seams: Seams = {
  instruct,
  lead,
  parameters: {
    temperature: { names: ['temperature'] },
    topP: { names: ['top_p'] },
    maxOutputTokens: { names: ['max_completion_tokens', 'max_tokens'] },
  },
  toolNames,
  firstTool: ({ bytes, spans }) =>
    firstObject(
      bytes,
      spans.get('tools'),
      (tool) => memberIn(bytes, tool, 'function') ?? memberIn(bytes, tool, 'custom'),
    ),
};

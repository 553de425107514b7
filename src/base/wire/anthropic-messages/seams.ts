import type { Result } from '#kernel/result.ts';
import type { FieldFault } from '../dialect.ts';
import { memberIn, memberOf } from '../json/items.ts';
import { listOf, objectOf, textOf } from '../json/read.ts';
import type { SpliceChanges } from '../json/splice.ts';
import type { StrictJson } from '../json/strict.ts';
import {
  aroundItems,
  firstObject,
  insertions,
  isAbsent,
  itemList,
  OPEN_ARRAY,
  seamFault,
  setMember,
  type Prompt,
  type Seams,
} from '../seams.ts';

const block = (text: string): string => JSON.stringify({ type: 'text', text });
const QUOTE = 0x22;

/**
 * A block of its own behind the caller's. The prompt cache is keyed by what stands before a mark: blocks of the caller
 * that stay first keep their key (clients.md 1). One text becomes the first of the blocks, byte by byte.
 */
function instruct(request: StrictJson, prompt: Prompt): Result<SpliceChanges, FieldFault> {
  if (isAbsent(request, 'system')) return setMember('system', itemList(prompt, block));
  const span = request.spans.get('system')!;
  const first = request.bytes[span.start];
  if (first === OPEN_ARRAY) return insertions(aroundItems(request.bytes, span, prompt, block));
  if (first !== QUOTE) return seamFault('system', '`system` must be a text or an array of text blocks.');
  const before = prompt.before === '' ? '' : `${block(prompt.before)},`;
  const after = prompt.after === '' ? '' : `,${block(prompt.after)}`;
  // A block with an empty text is refused by the API; an empty `system` is not.
  if (span.end - span.start === 2) return setMember('system', itemList(prompt, block));
  return insertions([
    { at: span.start, text: `[${before}{"type":"text","text":` },
    { at: span.end, text: `}${after}]` },
  ]);
}

function toolNames(request: StrictJson): readonly string[] {
  return listOf(memberOf(request, 'tools')).flatMap((tool) => {
    const { name, type } = objectOf(tool);
    return textOf(name) ?? textOf(type) ?? [];
  });
}

export const seams: Seams = {
  instruct,
  parameters: {
    temperature: { names: ['temperature'] },
    topP: { names: ['top_p'] },
    maxOutputTokens: { names: ['max_tokens'] },
  },
  toolNames,
  // A tool that Anthropic runs has no words of its own.
  firstTool: ({ bytes, spans }) =>
    firstObject(bytes, spans.get('tools'), (tool) => (memberIn(bytes, tool, 'input_schema') ? tool : null)),
};

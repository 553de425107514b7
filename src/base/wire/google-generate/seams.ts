import type { Result } from '#kernel/result.ts';
import type { FieldFault } from '../dialect.ts';
import { isEmptyAt, memberIn, memberOf, type Place } from '../json/items.ts';
import { objectOf, textOf } from '../json/read.ts';
import type { SpliceChanges } from '../json/splice.ts';
import type { StrictJson } from '../json/strict.ts';
import {
  aroundItems,
  firstObject,
  insertions,
  isAbsent,
  itemList,
  OPEN_ARRAY,
  setMember,
  type Prompt,
  type Seams,
} from '../seams.ts';
import { manyOf, member, nameOf } from './member.ts';

const SYSTEM = nameOf('systemInstruction');
const CONFIG = nameOf('generationConfig');
const DECLARATIONS = nameOf('functionDeclarations');
const part = (text: string): string => JSON.stringify({ text });

/** Parts of their own around those of the caller. */
function instruct(request: StrictJson, prompt: Prompt): Result<SpliceChanges, FieldFault> {
  const { bytes, spans } = request;
  const form = spans.has(SYSTEM.snake) ? SYSTEM.snake : SYSTEM.camel;
  if (isAbsent(request, form)) return setMember(form, `{"parts":${itemList(prompt, part)}}`);
  const whole = spans.get(form)!;
  const parts = memberIn(bytes, whole, 'parts');
  if (parts === null) {
    const comma = isEmptyAt(bytes, whole) ? '' : ',';
    return insertions([{ at: whole.start + 1, text: `"parts":${itemList(prompt, part)}${comma}` }]);
  }
  if (bytes[parts.start] === OPEN_ARRAY) return insertions(aroundItems(bytes, parts, prompt, part));
  // The parser takes one part for a list of one.
  const before = prompt.before === '' ? '' : `${part(prompt.before)},`;
  const after = prompt.after === '' ? '' : `,${part(prompt.after)}`;
  return insertions([
    { at: parts.start, text: `[${before}` },
    { at: parts.end, text: `${after}]` },
  ]);
}

function toolNames(request: StrictJson): readonly string[] {
  return manyOf(memberOf(request, 'tools')).flatMap((tool) =>
    manyOf(member(objectOf(tool), DECLARATIONS)).flatMap((one) => textOf(objectOf(one)['name']) ?? []),
  );
}

/** The parser takes one tool, and one function, for a list of one. */
function firstTool({ bytes, spans }: StrictJson): Place | null {
  const declared = (tool: Place): Place | null => {
    const list = memberIn(bytes, tool, DECLARATIONS.camel) ?? memberIn(bytes, tool, DECLARATIONS.snake);
    return list && bytes[list.start] === OPEN_ARRAY ? firstObject(bytes, list, (one) => one) : list;
  };
  const tools = spans.get('tools');
  if (!tools) return null;
  return bytes[tools.start] === OPEN_ARRAY ? firstObject(bytes, tools, declared) : declared(tools);
}

const within = [CONFIG.camel, CONFIG.snake];
const names = (camel: string): readonly string[] => [...new Set(Object.values(nameOf(camel)) as string[])];

export const seams: Seams = {
  instruct,
  parameters: {
    temperature: { within, names: names('temperature') },
    topP: { within, names: names('topP') },
    maxOutputTokens: { within, names: names('maxOutputTokens') },
  },
  toolNames,
  firstTool,
};

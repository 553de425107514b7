import type { Result } from '#kernel/result.ts';
import type { FieldFault } from '../dialect.ts';
import { memberIn, objectIn } from '../json/items.ts';
import { listOf, objectOf, textOf } from '../json/read.ts';
import type { SpliceChanges } from '../json/splice.ts';
import type { StrictJson } from '../json/strict.ts';
import {
  aroundItems,
  firstObject,
  insertions,
  isAbsent,
  itemList,
  setMember,
  type Prompt,
  type Seams,
} from '../seams.ts';

const block = (text: string): string => JSON.stringify({ text });

/** Blocks of their own around those of the caller: a cache point of the caller's covers what it covered. */
function instruct(request: StrictJson, prompt: Prompt): Result<SpliceChanges, FieldFault> {
  if (isAbsent(request, 'system')) return setMember('system', itemList(prompt, block));
  return insertions(aroundItems(request.bytes, request.spans.get('system')!, prompt, block));
}

const toolNames = (request: StrictJson): readonly string[] =>
  listOf(objectIn(request, 'toolConfig')['tools']).flatMap(
    (tool) => textOf(objectOf(objectOf(tool)['toolSpec'])['name']) ?? [],
  );

const within = ['inferenceConfig'];

export const seams: Seams = {
  instruct,
  parameters: {
    temperature: { within, names: ['temperature'] },
    topP: { within, names: ['topP'] },
    maxOutputTokens: { within, names: ['maxTokens'] },
  },
  toolNames,
  firstTool: (request) => {
    if (isAbsent(request, 'toolConfig')) return null;
    const { bytes, spans } = request;
    const list = memberIn(bytes, spans.get('toolConfig')!, 'tools');
    return firstObject(bytes, list, (tool) => memberIn(bytes, tool, 'toolSpec'));
  },
};

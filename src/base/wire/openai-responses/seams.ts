import { memberIn, memberOf } from '#wire/json/items.ts';
import { listOf, objectOf, textOf } from '#wire/json/read.ts';
import type { StrictJson } from '#wire/json/strict.ts';
import { firstObject, instructText, type Seams } from '#wire/seams.ts';

/** Tools of the request, and those that its input brings along. */
function toolNames(request: StrictJson): readonly string[] {
  const inputs = listOf(memberOf(request, 'input')).flatMap((item) => namesOf(objectOf(item)['tools']));
  return [...namesOf(memberOf(request, 'tools')), ...inputs];
}

function namesOf(tools: unknown): readonly string[] {
  return listOf(tools).flatMap((tool) => {
    const { type, name, tools: within } = objectOf(tool);
    if (type === 'namespace') return namesOf(within);
    // Whatever is no function is known by what it does: an MCP server is a tool under one name.
    return (type === 'function' || type === 'custom' ? textOf(name) : textOf(type)) ?? [];
  });
}

/** `instructions` hold for one call: a call that goes on from an earlier response has them anew. */
export const seams: Seams = {
  instruct: (request, prompt) => instructText(request, 'instructions', prompt),
  parameters: {
    temperature: { names: ['temperature'] },
    topP: { names: ['top_p'] },
    maxOutputTokens: { names: ['max_output_tokens'] },
  },
  toolNames,
  // A hosted tool has no name of its own.
  firstTool: ({ bytes, spans }) =>
    firstObject(bytes, spans.get('tools'), (tool) => (memberIn(bytes, tool, 'name') ? tool : null)),
};

import { objectIn } from '#wire/json/items.ts';
import { firstObject, instructText, type Seams } from '#wire/seams.ts';

export const seams: Seams = {
  instruct: (request, prompt) => instructText(request, 'system', prompt),
  parameters: {
    temperature: { names: ['temperature'] },
    topP: { names: ['topP'] },
    maxOutputTokens: { names: ['maxOutputTokens'] },
  },
  toolNames: (request) => Object.keys(objectIn(request, 'tools')),
  firstTool: ({ bytes, spans }) => firstObject(bytes, spans.get('tools'), (tool) => tool),
};

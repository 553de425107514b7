import type { ToolChoice, ToolDefinition } from '../canonical.ts';
import { noteUnknown, optional, wanted, type Decoding } from '../anthropic-messages/decoding.ts';
import { anArray, anObject, aString } from '../json/checks.ts';
import { objectOf, type JsonObject } from '../json/read.ts';
import { booleanOrNull, decodeCachePoint } from './decode-parts.ts';

const SPEC_FIELDS = new Set(['name', 'description', 'inputSchema', 'strict']);

/** `toolConfig.tools`; a cache point marks the tool before it. */
export function decodeTools(to: Decoding, value: unknown): ToolDefinition[] {
  const tools: ToolDefinition[] = [];
  const list = optional<readonly unknown[]>(to, value, 'toolConfig.tools', anArray) ?? [];
  for (const [index, entry] of list.entries()) {
    const path = `toolConfig.tools[${index}]`;
    const tool = wanted<JsonObject>(to, entry, path, anObject, {});
    const last = tools.at(-1);
    if (!('cachePoint' in tool)) tools.push(decodeTool(to, tool, path));
    else if (last?.type === 'function') tools[tools.length - 1] = { ...last, cache: decodeCachePoint(to, tool, path) };
  }
  return tools;
}

function decodeTool(to: Decoding, tool: JsonObject, path: string): ToolDefinition {
  if (!('toolSpec' in tool)) return { type: 'hosted', dialect: 'bedrock-converse', name: nameOf(tool), value: tool };
  const at = `${path}.toolSpec`;
  const spec = wanted<JsonObject>(to, tool['toolSpec'], at, anObject, {});
  noteUnknown(to, spec, at, SPEC_FIELDS);
  const description = optional<string>(to, spec['description'], `${at}.description`, aString);
  const strict = booleanOrNull(to, spec['strict'], `${at}.strict`);
  const schema = wanted<JsonObject>(to, spec['inputSchema'], `${at}.inputSchema`, anObject, {});
  return {
    type: 'function',
    name: wanted(to, spec['name'], `${at}.name`, aString, ''),
    schema: wanted<unknown>(to, schema['json'], `${at}.inputSchema.json`, anObject, {}),
    ...(description !== null && { description }),
    ...(strict !== null && { strict }),
  };
}

const nameOf = (tool: JsonObject): string => {
  const { name } = objectOf(tool['systemTool']);
  return typeof name === 'string' ? name : (Object.keys(tool)[0] ?? 'tool');
};

export function decodeChoice(to: Decoding, value: unknown): ToolChoice | null {
  const choice = optional<JsonObject>(to, value, 'toolConfig.toolChoice', anObject);
  if (!choice) return null;
  if ('any' in choice) return { type: 'required' };
  if (!('tool' in choice)) return { type: 'auto' };
  const tool = wanted<JsonObject>(to, choice['tool'], 'toolConfig.toolChoice.tool', anObject, {});
  const name = wanted(to, tool['name'], 'toolConfig.toolChoice.tool.name', aString, '');
  return { type: 'named', name, custom: false };
}

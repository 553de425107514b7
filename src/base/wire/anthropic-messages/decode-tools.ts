import type { ToolChoice, ToolDefinition } from '../canonical.ts';
import { aBoolean, anArray, anObject, aString, oneOf } from '../json/checks.ts';
import { isObject, type JsonObject } from '../json/read.ts';
import { decodeCache } from './decode-parts.ts';
import { noteExtra, noteUnknown, optional, wanted, type Decoding } from './decoding.ts';

const KNOWN = new Set(['type', 'name', 'description', 'input_schema', 'strict', 'cache_control', 'allowed_callers']);
/** How a tool is loaded, shown by example and streamed; its schema says what it is. */
const HINTS = new Set(['defer_loading', 'eager_input_streaming', 'input_examples']);

/** `tools`. One with a `type` of its own is known to Anthropic's models alone, whoever runs it: kept as it is. */
export function decodeTools(to: Decoding, value: unknown): ToolDefinition[] {
  const tools = optional<readonly unknown[]>(to, value, 'tools', anArray) ?? [];
  return tools.map((tool, index) => decodeTool(to, tool, `tools[${index}]`));
}

function decodeTool(to: Decoding, value: unknown, path: string): ToolDefinition {
  const tool = wanted<JsonObject>(to, value, path, anObject, {});
  const type = optional<string>(to, tool['type'], `${path}.type`, aString);
  if (type !== null && type !== 'custom') {
    const name = typeof tool['name'] === 'string' ? tool['name'] : type;
    return { type: 'hosted', dialect: 'anthropic-messages', name, value: tool };
  }
  noteUnknown(to, tool, path, KNOWN, HINTS);
  noteCallers(to, tool['allowed_callers'], path);
  const description = optional<string>(to, tool['description'], `${path}.description`, aString);
  const strict = optional<boolean>(to, tool['strict'], `${path}.strict`, aBoolean);
  const cache = decodeCache(to, tool['cache_control'], `${path}.cache_control`);
  return {
    type: 'function',
    name: wanted(to, tool['name'], `${path}.name`, aString, ''),
    schema: wanted<unknown>(to, tool['input_schema'], `${path}.input_schema`, anObject, {}),
    ...(description !== null && { description }),
    ...(strict !== null && { strict }),
    ...(cache && { cache }),
  };
}

/** A tool that only hosted code may call is another tool; one that the model may call too is the same. */
function noteCallers(to: Decoding, callers: unknown, path: string): void {
  const direct = Array.isArray(callers) && callers.includes('direct');
  if (direct && callers.length === 1) return;
  noteExtra(to, `${path}.allowed_callers`, callers, direct ? 'hint' : 'meaning');
}

export interface DecodedChoice {
  readonly toolChoice: ToolChoice | null;
  readonly parallelTools: boolean | null;
}

export function decodeToolChoice(to: Decoding, value: unknown): DecodedChoice {
  const choice = optional<JsonObject>(to, value, 'tool_choice', anObject);
  if (!choice) return { toolChoice: null, parallelTools: null };
  const type = wanted<string>(to, choice['type'], 'tool_choice.type', oneOf('auto', 'any', 'tool', 'none'), 'auto');
  const disabled = optional<boolean>(
    to,
    choice['disable_parallel_tool_use'],
    'tool_choice.disable_parallel_tool_use',
    aBoolean,
  );
  const name = type === 'tool' ? wanted(to, choice['name'], 'tool_choice.name', aString, '') : '';
  return {
    toolChoice:
      type === 'tool'
        ? { type: 'named', name, custom: false }
        : { type: type === 'any' ? 'required' : type === 'none' ? 'none' : 'auto' },
    parallelTools: disabled === null ? null : !disabled,
  };
}

/** The JSON schema of an answer, in `output_config.format` or the older `output_format`. */
export function decodeFormat(to: Decoding, value: unknown, path: string) {
  const format = optional<JsonObject>(to, value, path, anObject);
  if (!format) return null;
  wanted(to, format['type'], `${path}.type`, oneOf('json_schema'), 'json_schema');
  const schema = wanted<unknown>(to, format['schema'], `${path}.schema`, anObject, {});
  // Anthropic names no schema and always holds the answer to it.
  return { type: 'json_schema' as const, name: 'answer', schema: isObject(schema) ? schema : {}, strict: true };
}

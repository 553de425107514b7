import { noteExtra, optional, wanted, type Decoding } from '../anthropic-messages/decoding.ts';
import type { ToolChoice, ToolDefinition } from '../canonical.ts';
import { anObject, aString, listOfStrings } from '../json/checks.ts';
import { isObject, type JsonObject } from '../json/read.ts';
import { aMany, camelOf, manyOf, member, nameOf } from './member.ts';
import { toJsonSchema } from './schema.ts';

const FUNCTIONS = nameOf('functionDeclarations');

/** `tools`: each object holds functions, tools that Google runs, or both. */
export function decodeTools(to: Decoding, value: unknown): ToolDefinition[] {
  return manyOf(optional<unknown>(to, value, 'tools', aMany)).flatMap((tool, index) =>
    decodeTool(to, tool, `tools[${index}]`),
  );
}

function decodeTool(to: Decoding, value: unknown, path: string): ToolDefinition[] {
  const tool = wanted<JsonObject>(to, value, path, anObject, {});
  const field = `${path}.functionDeclarations`;
  const functions = manyOf(optional<unknown>(to, member(tool, FUNCTIONS), field, aMany));
  const others = Object.entries(tool).filter(([name]) => name !== FUNCTIONS.camel && name !== FUNCTIONS.snake);
  return [
    ...functions.map((one, index) => decodeFunction(to, one, `${field}[${index}]`)),
    ...others.map(([name, config]): ToolDefinition => ({
      type: 'hosted',
      dialect: 'google-generate',
      name: camelOf(name),
      value: { [name]: config },
    })),
  ];
}

/** What an answer of the function looks like tells the model, and whether it waits for it. */
const HINTS: ReadonlySet<string> = new Set(['response', 'responseJsonSchema', 'behavior']);
const KNOWN: ReadonlySet<string> = new Set(['name', 'description', 'parameters', 'parametersJsonSchema']);

function decodeFunction(to: Decoding, value: unknown, path: string): ToolDefinition {
  const one = wanted<JsonObject>(to, value, path, anObject, {});
  for (const [name, field] of Object.entries(one)) {
    const camel = camelOf(name);
    if (!KNOWN.has(camel)) noteExtra(to, `${path}.${camel}`, field, HINTS.has(camel) ? 'hint' : 'meaning');
  }
  const description = optional<string>(to, one['description'], `${path}.description`, aString);
  const json = member(one, nameOf('parametersJsonSchema'));
  return {
    type: 'function',
    name: wanted(to, one['name'], `${path}.name`, aString, ''),
    ...(description !== null && { description }),
    schema: isObject(json) ? json : toJsonSchema(one['parameters'] ?? null),
  };
}

export interface DecodedChoice {
  readonly toolChoice: ToolChoice | null;
}

/** `toolConfig`: only whether functions are called has a word elsewhere. */
export function decodeToolConfig(to: Decoding, value: unknown): DecodedChoice {
  const config = optional<JsonObject>(to, value, 'toolConfig', anObject);
  if (!config) return { toolChoice: null };
  const calling = nameOf('functionCallingConfig');
  for (const [name, field] of Object.entries(config)) {
    const camel = camelOf(name);
    if (camel !== calling.camel) noteExtra(to, `toolConfig.${camel}`, field, 'hint');
  }
  const path = 'toolConfig.functionCallingConfig';
  const choice = optional<JsonObject>(to, member(config, calling), path, anObject);
  return { toolChoice: choice && decodeChoice(to, choice, path) };
}

function decodeChoice(to: Decoding, choice: JsonObject, path: string): ToolChoice | null {
  const mode = optional<string>(to, choice['mode'], `${path}.mode`, aString);
  const field = `${path}.allowedFunctionNames`;
  const names = optional<string[]>(to, member(choice, nameOf('allowedFunctionNames')), field, listOfStrings) ?? [];
  const streamed = member(choice, nameOf('streamFunctionCallArguments'));
  noteExtra(to, `${path}.streamFunctionCallArguments`, streamed, 'hint');
  switch (mode?.toUpperCase()) {
    case 'ANY':
      if (names.length > 1) noteExtra(to, field, names, 'meaning');
      return names.length === 1 ? { type: 'named', name: names[0]!, custom: false } : { type: 'required' };
    case 'NONE':
      return { type: 'none' };
    case 'AUTO':
      return { type: 'auto' };
    case undefined:
    case 'MODE_UNSPECIFIED':
      return null;
    default:
      // `VALIDATED`: functions or text, with the schema held to.
      noteExtra(to, `${path}.mode`, mode, 'hint');
      return { type: 'auto' };
  }
}

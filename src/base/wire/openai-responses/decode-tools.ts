import type { Extra, ToolChoice, ToolDefinition } from '#wire/canonical.ts';
import { booleanOf, isObject, isUnset, textOf, type JsonObject } from '#wire/json/read.ts';
import { objectsOf, typeOf } from './shape.ts';

/** Fields of a tool that the canonical definition carries; others tune how OpenAI loads and calls it. */
const CARRIED: ReadonlySet<string> = new Set(['type', 'name', 'description', 'parameters', 'strict', 'format']);

export function toolsOf(tools: unknown, extras: Extra[]): ToolDefinition[] {
  return objectsOf(tools).map((tool, i) => {
    const definition = definitionOf(tool);
    if (definition.type !== 'hosted') noteRest(tool, `tools[${i}]`, extras);
    return definition;
  });
}

function definitionOf(tool: JsonObject): ToolDefinition {
  const type = typeOf(tool);
  const name = textOf(tool['name']);
  const description = textOf(tool['description']);
  if (type === 'function' && name !== null) {
    const strict = booleanOf(tool['strict']);
    return {
      type,
      name,
      ...(description !== null && { description }),
      // Null parameters mean that the tool takes none.
      schema: tool['parameters'] ?? { type: 'object', properties: {} },
      ...(strict !== null && { strict }),
    };
  }
  if (type === 'custom' && name !== null) {
    const format = tool['format'];
    return { type, name, ...(description !== null && { description }), ...(isUnset(format) ? {} : { format }) };
  }
  // Tools that the client runs by OpenAI's own definition (shell, apply_patch, computer) are as foreign elsewhere.
  return { type: 'hosted', dialect: 'openai-responses', name: type, value: tool };
}

function noteRest(tool: JsonObject, field: string, extras: Extra[]): void {
  for (const [name, value] of Object.entries(tool)) {
    if (CARRIED.has(name) || isUnset(value)) continue;
    extras.push({ field: `${field}.${name}`, value, class: 'hint' });
  }
}

/** Choices that only this API knows (`allowed_tools`, hosted tools) become an extra with meaning. */
export function toolChoiceOf(choice: unknown, extras: Extra[]): ToolChoice | null {
  if (isUnset(choice)) return null;
  if (choice === 'auto' || choice === 'none' || choice === 'required') return { type: choice };
  const name = isObject(choice) ? textOf(choice['name']) : null;
  const type = isObject(choice) ? typeOf(choice) : '';
  if (name !== null && (type === 'function' || type === 'custom')) {
    return { type: 'named', name, custom: type === 'custom' };
  }
  extras.push({ field: 'tool_choice', value: choice, class: 'meaning' });
  return null;
}

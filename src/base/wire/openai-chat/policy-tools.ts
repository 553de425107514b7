import type { FieldFault, PolicyView } from '#wire/dialect.ts';
import { wrongField } from '#wire/json/checks.ts';
import { isObject, isUnset, listOf, objectOf, textOf, type JsonObject } from '#wire/json/read.ts';

/** Tools that the caller runs itself; any other type is run and billed by the provider. */
const OWN_TOOLS: ReadonlySet<unknown> = new Set(['function', 'custom']);

/** Shape of `tools`: each an object with a type, each function or custom tool with a name. */
export function checkTools(body: JsonObject): FieldFault | null {
  const tools = listOf(body['tools']);
  for (let i = 0; i < tools.length; i++) {
    const fault = toolFault(tools[i], `tools[${i}]`);
    if (fault) return fault;
  }
  return null;
}

function toolFault(tool: unknown, at: string): FieldFault | null {
  if (!isObject(tool)) return wrongField(at, 'an object', tool);
  const type = tool['type'];
  if (typeof type !== 'string') return wrongField(`${at}.type`, '"function" or "custom"', type);
  if (!OWN_TOOLS.has(type)) return null;
  const definition = tool[type];
  if (!isObject(definition)) return wrongField(`${at}.${type}`, 'an object', definition);
  const name = definition['name'];
  return typeof name === 'string' ? null : wrongField(`${at}.${type}.name`, 'a string', name);
}

/** Names of what the provider runs and bills itself, in whichever field its dialect asks for it. */
export function hostedTools(body: JsonObject): readonly string[] {
  const names: string[] = [];
  if (!isUnset(body['web_search_options'])) names.push('web_search');
  for (const tool of listOf(body['tools'])) {
    const type = objectOf(tool)['type'];
    if (typeof type === 'string' && !OWN_TOOLS.has(type)) names.push(type);
  }
  // OpenRouter `plugins: [{id: "web"}]`, xAI `search_parameters`, Qwen `enable_search`.
  for (const plugin of listOf(body['plugins'])) names.push(textOf(objectOf(plugin)['id']) ?? 'plugin');
  if (!isUnset(body['search_parameters'])) names.push('web_search');
  if (body['enable_search'] === true) names.push('web_search');
  return [...new Set(names)];
}

/** Ids inside hosted tools: vector stores, containers and their files. */
export function toolKeptIds(tools: readonly unknown[]): PolicyView['keptIds'] {
  return tools.flatMap((tool, i) => {
    const { vector_store_ids: stores, container } = objectOf(tool) as Record<string, unknown>;
    const id = textOf(container);
    return [
      ...idsOf(stores, 'vector_store', `tools[${i}].vector_store_ids`),
      ...(id === null ? [] : [{ kind: 'container', id, field: `tools[${i}].container` }]),
      ...idsOf(objectOf(container)['file_ids'], 'file', `tools[${i}].container.file_ids`),
    ];
  });
}

const idsOf = (ids: unknown, kind: string, field: string): PolicyView['keptIds'] =>
  listOf(ids).flatMap((id, i) => (typeof id === 'string' ? [{ kind, id, field: `${field}[${i}]` }] : []));

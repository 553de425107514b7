import { isObject, textOf, type JsonObject } from '#wire/json/read.ts';
import { typeOf } from './shape.ts';

/** Who executes a tool: `provider` also bills it; `free` is run by the provider without a price of its own. */
type Runner = 'client' | 'provider' | 'free';

/**
 * Every tool type of the Responses API and who runs it. Source: union `Tool` and its doc comments in
 * openai 7.57.0 `resources/responses/responses.d.ts`, and the guides that they link. An unknown type counts as the
 * provider's: its price is unknown, and a strict budget must not let it pass.
 */
const RUNNER_OF_TOOL: Readonly<Record<string, Runner>> = {
  function: 'client',
  custom: 'client',
  // Groups functions and custom tools under one name.
  namespace: 'client',
  local_shell: 'client',
  apply_patch: 'client',
  computer: 'client',
  computer_use: 'client',
  computer_use_preview: 'client',
  // Loads deferred definitions into the context; only the tokens are paid.
  tool_search: 'free',
  web_search: 'provider',
  web_search_2025_08_26: 'provider',
  web_search_preview: 'provider',
  web_search_preview_2025_03_11: 'provider',
  file_search: 'provider',
  code_interpreter: 'provider',
  image_generation: 'provider',
  mcp: 'provider',
  programmatic_tool_calling: 'provider',
};

export const KNOWN_TOOL_TYPES: readonly string[] = [...Object.keys(RUNNER_OF_TOOL), 'shell'];

/** Does the provider run and bill this tool? `shell` runs where its environment says; without one, at the client. */
export function isHosted(tool: JsonObject): boolean {
  const type = typeOf(tool);
  if (type !== 'shell') return (Object.hasOwn(RUNNER_OF_TOOL, type) ? RUNNER_OF_TOOL[type] : 'provider') === 'provider';
  const environment = tool['environment'];
  return isObject(environment) && textOf(environment['type']) !== 'local';
}

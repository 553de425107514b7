/** Who runs a tool that Anthropic knows by its `type`: the caller's own program, or Anthropic (and bills it). */
export type ToolSide = 'client' | 'server';

/**
 * Families of typed tools, without their date. Client side: SDK 1.12.0 `ClientToolUnion` and the beta tools of the
 * same kind: the model knows their schema and the caller runs them. Server side: `ServerToolUseBlock.name`,
 * `mcp_toolset` and `advisor`, which the provider runs within the call.
 */
export const TYPED_TOOLS: Readonly<Record<string, ToolSide>> = {
  bash: 'client',
  text_editor: 'client',
  computer: 'client',
  computer_toolset: 'client',
  browser_toolset: 'client',
  memory: 'client',
  web_search: 'server',
  web_fetch: 'server',
  code_execution: 'server',
  tool_search_tool_bm25: 'server',
  tool_search_tool_regex: 'server',
  mcp_toolset: 'server',
  advisor: 'server',
};

/** `web_search_20260318` → `web_search`: dates change with each version, prices go with the family. */
export const toolFamily = (type: string): string => type.replace(/_\d{8}$/, '');

/** Typed tools that we do not know count as the provider's own: policy must see what it cannot price. */
export function hostedFamily(type: unknown): string | null {
  if (typeof type !== 'string' || type === 'custom') return null;
  const family = toolFamily(type);
  return Object.hasOwn(TYPED_TOOLS, family) && TYPED_TOOLS[family] === 'client' ? null : family;
}

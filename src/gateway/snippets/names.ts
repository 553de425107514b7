/** Names alone, for a command line that must not load every snippet to draw its help. */
export const CLIENT_NAMES = [
  ...(['claude-code', 'codex', 'gemini-cli', 'opencode', 'pi', 'cursor'] as const),
  ...(['openai', 'anthropic', 'google', 'ai-sdk', 'langchain', 'llamaindex', 'open-webui'] as const),
] as const;
export type ClientName = (typeof CLIENT_NAMES)[number];

/** Every client that `headgate connect` knows. */
import { claudeCode, codex, cursor, geminiCli, opencode, pi } from './agents.ts';
import { openWebui } from './apps.ts';
import { aiSdk, anthropic, google, langchain, llamaindex, openai } from './libraries.ts';
import type { ClientSnippets } from './snippet.ts';

export { fill, fillAll, type ClientSnippets, type Filling, type ProbeStep, type Snippet } from './snippet.ts';

export const CLIENTS: readonly ClientSnippets[] = [
  ...[claudeCode, codex, geminiCli, opencode, pi, cursor],
  ...[openai, anthropic, google, aiSdk, langchain, llamaindex],
  openWebui,
];

export const clientNamed = (name: string): ClientSnippets | null => CLIENTS.find((one) => one.name === name) ?? null;

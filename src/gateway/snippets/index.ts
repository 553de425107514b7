/** Every client that `headgate connect` knows. */
import { claudeCode, codex, cursor, opencode, pi } from './agents.ts';
import { openWebui } from './apps.ts';
import { aiSdk, anthropic, langchain, llamaindex, openai } from './libraries.ts';
import type { ClientSnippets } from './snippet.ts';

export { fill, fillAll, type ClientSnippets, type Filling, type ProbeStep, type Snippet } from './snippet.ts';

export const CLIENTS: readonly ClientSnippets[] = [
  ...[claudeCode, codex, opencode, pi, cursor],
  ...[openai, anthropic, aiSdk, langchain, llamaindex],
  openWebui,
];

export const clientNamed = (name: string): ClientSnippets | null => CLIENTS.find((one) => one.name === name) ?? null;

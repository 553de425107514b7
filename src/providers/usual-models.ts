import type { ProviderData } from './provider-data.ts';

/** Names by which callers usually reach a provider's models: what a configuration made for them routes. */
export const USUAL_MODELS: Readonly<Record<string, readonly string[]>> = {
  openai: [
    'gpt-*',
    'o1*',
    'o3*',
    'o4*',
    'chatgpt-*',
    'codex-*',
    'text-embedding-*',
    'omni-moderation-*',
    'whisper-*',
    'tts-*',
  ],
  anthropic: ['claude-*'],
  mistral: ['mistral-*', 'ministral-*', 'codestral-*', 'magistral-*', 'devstral-*', 'pixtral-*'],
  deepseek: ['deepseek-*'],
  groq: ['groq/*'],
  together: ['together/*'],
  fireworks: ['accounts/fireworks/*'],
  openrouter: ['openrouter/*'],
  gemini: ['gemini-*'],
  cohere: ['command-*', 'embed-*', 'rerank-v*'],
  voyage: ['voyage-*', 'rerank-2*'],
  jina: ['jina-*'],
};

/**
 * Providers that work as they are: their whole address is known and their key is in the environment. Where two kinds read one
 * variable (Google's own API and its OpenAI-compatible endpoint), the one with usual models stands for both.
 */
export const usableProviders = (
  providers: Readonly<Record<string, ProviderData>>,
  env: Readonly<Record<string, string | undefined>>,
): ProviderData[] =>
  Object.values(providers).filter(
    (one) => one.keyVariable && one.baseUrl && !one.options && env[one.keyVariable] && !hasBetter(providers, one),
  );

const hasBetter = (providers: Readonly<Record<string, ProviderData>>, one: ProviderData): boolean =>
  USUAL_MODELS[one.name] === undefined &&
  Object.values(providers).some(
    (other) => other.keyVariable === one.keyVariable && USUAL_MODELS[other.name] !== undefined,
  );

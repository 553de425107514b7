/**
 * Provider prefixes of LiteLLM's model names, and the data file of ours that speaks to the same service. `keyVariable`
 * is the variable that LiteLLM reads where the file names no key; `suffix` is what LiteLLM adds to an `api_base` by
 * itself. Facts from its provider pages, docs.litellm.ai, read 2026-11-25.
 */
export interface PrefixData {
  readonly kind: string;
  readonly keyVariable: string | null;
  /** Where the file names no address; null: the data file knows it, or the file must. */
  readonly defaultBase?: string;
  readonly suffix?: string;
  /** Kind where the address is not the provider's own. */
  readonly elsewhere?: string;
}

const COMPATIBLE = 'openai-compatible';

export const PREFIXES: Readonly<Record<string, PrefixData>> = {
  openai: { kind: 'openai', keyVariable: 'OPENAI_API_KEY', elsewhere: COMPATIBLE },
  custom_openai: { kind: COMPATIBLE, keyVariable: null },
  openai_like: { kind: COMPATIBLE, keyVariable: null },
  litellm_proxy: { kind: COMPATIBLE, keyVariable: 'LITELLM_PROXY_API_KEY' },
  lm_studio: { kind: COMPATIBLE, keyVariable: null },
  azure: { kind: 'azure-deployments', keyVariable: 'AZURE_API_KEY', suffix: '/openai' },
  anthropic: { kind: 'anthropic', keyVariable: 'ANTHROPIC_API_KEY', suffix: '/v1', elsewhere: 'anthropic-compatible' },
  gemini: { kind: 'google', keyVariable: 'GEMINI_API_KEY' },
  mistral: { kind: 'mistral', keyVariable: 'MISTRAL_API_KEY', elsewhere: COMPATIBLE },
  deepseek: { kind: 'deepseek', keyVariable: 'DEEPSEEK_API_KEY', elsewhere: COMPATIBLE },
  groq: { kind: 'groq', keyVariable: 'GROQ_API_KEY', elsewhere: COMPATIBLE },
  together_ai: { kind: 'together', keyVariable: 'TOGETHERAI_API_KEY', elsewhere: COMPATIBLE },
  fireworks_ai: { kind: 'fireworks', keyVariable: 'FIREWORKS_AI_API_KEY', elsewhere: COMPATIBLE },
  openrouter: { kind: 'openrouter', keyVariable: 'OPENROUTER_API_KEY', elsewhere: COMPATIBLE },
  cohere: { kind: 'cohere', keyVariable: 'COHERE_API_KEY' },
  cohere_chat: { kind: 'cohere', keyVariable: 'COHERE_API_KEY' },
  voyage: { kind: 'voyage', keyVariable: 'VOYAGE_API_KEY' },
  jina_ai: { kind: 'jina', keyVariable: 'JINA_AI_API_KEY' },
  ollama: { kind: 'ollama', keyVariable: null, defaultBase: 'http://localhost:11434', suffix: '/v1' },
  ollama_chat: { kind: 'ollama', keyVariable: null, defaultBase: 'http://localhost:11434', suffix: '/v1' },
  hosted_vllm: { kind: 'vllm', keyVariable: null },
};

/** Names without a prefix whose provider LiteLLM knows by heart. */
const BARE: readonly (readonly [RegExp, string])[] = [
  [/^(gpt-|chatgpt-|o[134](-|$)|text-embedding-|codex-|ft:gpt-|dall-e-|whisper-|tts-|omni-moderation-)/, 'openai'],
  [/^claude-/, 'anthropic'],
];

export interface NamedModel {
  readonly prefix: string;
  readonly model: string;
}

/** `azure/gpt-4o` is `azure` and `gpt-4o`; null: no prefix, and no name that is known. */
export function splitModel(name: string, customProvider: string | undefined): NamedModel | null {
  const cut = name.indexOf('/');
  const prefix = cut < 0 ? null : name.slice(0, cut);
  if (customProvider !== undefined)
    return { prefix: customProvider, model: prefix === customProvider ? name.slice(cut + 1) : name };
  if (prefix !== null) return { prefix, model: withoutBridge(name.slice(cut + 1)) };
  const known = BARE.find(([pattern]) => pattern.test(name));
  return known ? { prefix: known[1], model: name } : null;
}

/** `openai/responses/gpt-5` asks LiteLLM to cross to the Responses API; here the client's path decides. */
const withoutBridge = (model: string): string => model.replace(/^responses\//, '');

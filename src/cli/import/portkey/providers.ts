/** Portkey's names of providers, and the data file of ours that speaks to the same service (portkey.ai/docs, 2026-11-25). */
export const PORTKEY_PROVIDERS: Readonly<Record<string, string>> = {
  openai: 'openai',
  anthropic: 'anthropic',
  'azure-openai': 'azure-deployments',
  google: 'google',
  'mistral-ai': 'mistral',
  deepseek: 'deepseek',
  groq: 'groq',
  'together-ai': 'together',
  'fireworks-ai': 'fireworks',
  openrouter: 'openrouter',
  cohere: 'cohere',
  voyage: 'voyage',
  jina: 'jina',
  ollama: 'ollama',
};

/** A virtual key is named after its provider unless somebody chose otherwise: `azure-test-4110dd`, `openai-prod`. */
export function providerOfSlug(slug: string): string | null {
  const names = Object.keys(PORTKEY_PROVIDERS).sort((a, b) => b.length - a.length);
  const found = names.find((name) => slug === name || slug.startsWith(`${name}-`) || slug.startsWith(`${name}_`));
  return (
    found ??
    (/^azure([-_]|$)/.test(slug)
      ? 'azure-openai'
      : /^(mistral|together|fireworks)([-_]|$)/.exec(slug)
        ? `${/^[a-z]+/.exec(slug)![0]}-ai`
        : null)
  );
}

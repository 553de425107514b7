/**
 * What OpenTelemetry's conventions for generative AI call our things
 * (https://github.com/open-telemetry/semantic-conventions-genai, as of November 2026).
 */
import type { Attempt, CallKind, LedgerEntry } from '#ports/entry.ts';

/** A provider of the file, as its spans name it. */
export interface ProviderFacts {
  /** `gen_ai.provider.name`. */
  readonly genAiName: string;
  readonly address: string;
  readonly port: number;
}
export type ProviderTable = Readonly<Record<string, ProviderFacts>>;

/** Well-known values by kind of provider; any other kind is its own name, as the conventions allow. */
const WELL_KNOWN: Readonly<Record<string, string>> = {
  anthropic: 'anthropic',
  azure: 'azure.ai.openai',
  'azure-deployments': 'azure.ai.openai',
  'azure-foundry': 'azure.ai.inference',
  bedrock: 'aws.bedrock',
  cohere: 'cohere',
  deepseek: 'deepseek',
  gemini: 'gcp.gemini',
  google: 'gcp.gemini',
  groq: 'groq',
  mistral: 'mistral_ai',
  moonshot: 'moonshot_ai',
  openai: 'openai',
  perplexity: 'perplexity',
  vertex: 'gcp.vertex_ai',
  watsonx: 'ibm.watsonx.ai',
  xai: 'x_ai',
};

export const genAiProviderName = (kind: string): string => WELL_KNOWN[kind] ?? kind;

/** Where a call went by the file's own name, which may be gone from it since. */
export const providerFacts = (table: ProviderTable, name: string): ProviderFacts =>
  table[name] ?? { genAiName: name, address: '', port: 0 };

const OF_KIND: Readonly<Partial<Record<CallKind, string>>> = { embed: 'embeddings', count: 'count_tokens' };

/** `gen_ai.operation.name`. Counting tokens has no well-known value. */
export function operationOf({ kind, dialect }: Pick<LedgerEntry, 'kind' | 'dialect'>): string {
  const ofKind = OF_KIND[kind];
  if (ofKind !== undefined) return ofKind;
  const name: string = dialect;
  if (name.startsWith('google') || name.startsWith('gemini')) return 'generate_content';
  return name === 'openai-completions' ? 'text_completion' : 'chat';
}

/** Model id that was sent: a deployment is named `provider/model-id`. */
export const modelOf = ({ deployment, provider }: Pick<Attempt, 'deployment' | 'provider'>): string =>
  deployment.startsWith(`${provider}/`) ? deployment.slice(provider.length + 1) : deployment;

const FAILED: ReadonlySet<string> = new Set([
  'provider_error',
  'timeout',
  'truncated',
  'refused',
  'internal_error',
  'interrupted',
]);

/**
 * `error.type`: the provider's or our own code, else the HTTP status, else the outcome's word; null where nothing
 * failed. A caller who left is no error.
 */
export function errorTypeOf(one: Pick<Attempt, 'status' | 'errorCode' | 'httpStatus'>): string | null {
  if (!FAILED.has(one.status)) return null;
  if (one.errorCode !== null) return one.errorCode;
  const status = one.httpStatus;
  return status !== null && status >= 400 ? String(status) : one.status;
}

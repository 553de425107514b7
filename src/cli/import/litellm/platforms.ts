/** Cloud platforms of LiteLLM: which of our kinds serves a model there, and what the file says of place and credential. */
import type { Findings, WantedProvider } from '../plan.ts';
import type { Taken } from '../taken.ts';
import { plainText, secretReference, type Env } from './reference.ts';

type OptionName = 'region' | 'project' | 'location' | 'profile';

export interface PlatformData {
  /** Kind and model id of ours; null: not served. */
  readonly target: (model: string) => { readonly kind: string; readonly model: string } | null;
  /** Settings of `litellm_params` that are ours under another name. */
  readonly options: Readonly<Record<string, OptionName>>;
  /** Secrets among them, with the variable for one that stands in the clear. */
  readonly secrets: Readonly<
    Record<string, { readonly name: 'accessKeyId' | 'secretAccessKey'; readonly variable: string }>
  >;
  /** Ways to a credential that the platform's own chain finds by itself. */
  readonly chain: readonly string[];
}

const ROUTE = /^(converse|converse_like|invoke)\//;
const REGION = /^([a-z]{2}(?:-[a-z]+)+-\d)\//;

/** docs.litellm.ai/docs/providers/bedrock and /vertex, read 2026-11-25. */
export const PLATFORMS: Readonly<Record<string, PlatformData>> = {
  bedrock: {
    target: (name) => {
      const model = name.replace(ROUTE, '').replace(REGION, '');
      return { kind: /anthropic\.claude/.test(model) ? 'bedrock-claude' : 'bedrock', model };
    },
    options: { aws_region_name: 'region', aws_profile_name: 'profile' },
    secrets: {
      aws_access_key_id: { name: 'accessKeyId', variable: 'AWS_ACCESS_KEY_ID' },
      aws_secret_access_key: { name: 'secretAccessKey', variable: 'AWS_SECRET_ACCESS_KEY' },
    },
    chain: ['aws_role_name', 'aws_session_name', 'aws_web_identity_token', 'aws_session_token'],
  },
  vertex_ai: {
    target: (model) =>
      /^claude-/.test(model)
        ? { kind: 'vertex-claude', model }
        : /^(gemini|gemma)-/.test(model)
          ? { kind: 'vertex-gemini', model }
          : null,
    options: { vertex_project: 'project', vertex_location: 'location' },
    secrets: {},
    chain: ['vertex_credentials'],
  },
};

const BY_CHAIN = [
  'the platform’s own chain finds the credential',
  'its library must be installed: see the guide of the platform',
] as const;

/** Place and credential of a platform's deployment. The region in a model's name counts where no setting says one. */
export function readPlatform(
  params: Taken,
  { data, kind, named }: { readonly data: PlatformData; readonly kind: string; readonly named: string },
  { env, findings }: { readonly env: Env; readonly findings: Findings },
): WantedProvider {
  const options: Partial<Record<OptionName, string>> = {};
  const region = REGION.exec(named.replace(ROUTE, ''))?.[1];
  if (region !== undefined) options.region = region;
  for (const [field, name] of Object.entries(data.options)) {
    const value = plainText(params, field, env, findings);
    if (value !== undefined) options[name] = value;
  }
  const secrets: Record<string, string> = {};
  for (const [field, { name, variable }] of Object.entries(data.secrets)) {
    const reference = secretReference(params, field, variable, findings);
    if (reference !== undefined) secrets[name] = reference;
  }
  for (const field of data.chain)
    if (params.take(field) !== undefined) findings.add('changed', params.place(field), params.what(field), BY_CHAIN);
  // Half a pair signs nothing, and the schema refuses it.
  const paired = Object.keys(secrets).length === 2 ? secrets : {};
  return { kind, ...options, ...paired };
}

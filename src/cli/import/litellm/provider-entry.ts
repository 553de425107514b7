/** Where a deployment of LiteLLM is served, and with which credential: an entry of `providers`. */
import { PROVIDERS } from '#providers/index.ts';
import type { Findings, WantedProvider } from '../plan.ts';
import type { Taken } from '../taken.ts';
import type { PrefixData } from './providers.ts';
import { plainText, secretReference, variableOf, type Env } from './reference.ts';

export interface ProviderReading {
  readonly env: Env;
  readonly findings: Findings;
  /** Sections of `credential_list`, by name. */
  readonly credentials: ReadonlyMap<string, Taken>;
}

/** Null where there is no address, which is listed. */
export function readProvider(
  params: Taken,
  prefix: string,
  data: PrefixData,
  reading: ProviderReading,
): WantedProvider | null {
  const { findings, env } = reading;
  const credential = credentialOf(params, reading);
  const baseField = ['api_base', 'base_url'].find((name) => params.take(name) !== undefined);
  const base = baseField
    ? plainText(params, baseField, env, findings)
    : credential && plainText(credential, 'api_base', env, findings);
  if (baseField && base === undefined) return null;
  const address = addressOf(base, data);
  if (address === 'missing') {
    findings.add('left', params.place('model'), `${params.what('model')} (${prefix})`, [
      `\`${prefix}\` has no address of its own, and the file gives none`,
      'add `api_base` there and import again',
    ]);
    return null;
  }
  const key = keyOf([params, ...(credential ? [credential] : [])], { prefix, data, address }, findings);
  const version =
    plainText(params, 'api_version', env, findings) ??
    (credential && plainText(credential, 'api_version', env, findings));
  const timers = timersOf(params);
  const headers = headersOf(params, findings);
  return {
    kind: address.kind,
    ...(address.baseUrl !== undefined && { baseUrl: address.baseUrl }),
    ...(key !== undefined && { apiKey: key }),
    ...(timers && { timers }),
    ...(headers && { headers }),
    ...(version !== undefined && address.kind === 'azure-deployments' && { query: { 'api-version': version } }),
  };
}

/** Texts that people write where a server of their own asks for no key. */
const PLACEHOLDER = /^(none|null|dummy|fake.*|empty|anything|sk-?1234|no-?key.*|not-?needed|placeholder|x+)$/i;

interface KeyFacts {
  readonly prefix: string;
  readonly data: PrefixData;
  readonly address: Address;
}

function keyOf(
  sections: readonly Taken[],
  { prefix, data, address }: KeyFacts,
  findings: Findings,
): string | undefined {
  // Another host gets a variable of its own: the provider's real key must not go there.
  const isElsewhere = address.baseUrl !== undefined && address.kind !== data.kind;
  const own = data.keyVariable ?? `${prefix.toUpperCase()}_API_KEY`;
  const standIn = isElsewhere ? `${hostLabel(address.baseUrl!)}_API_KEY` : own;
  for (const section of sections) {
    if (PLACEHOLDER.test(section.text('api_key') ?? '')) return undefined;
    const key = secretReference(section, 'api_key', standIn, findings);
    if (key !== undefined) return key;
  }
  if (data.keyVariable === null) return undefined;
  if (!isElsewhere) return `\${env:${data.keyVariable}}`;
  const [params] = sections;
  findings.add('changed', params!.place(), `${params!.what()} without api_key`, [
    `LiteLLM sent ${data.keyVariable} to ${address.baseUrl}; here no key goes to another host unasked`,
    'set `apiKey` of the provider if that server wants one',
  ]);
  return undefined;
}

const hostLabel = (url: string): string =>
  (URL.canParse(url) ? new URL(url).hostname : 'provider')
    .split('.')[0]!
    .toUpperCase()
    .replace(/[^A-Z0-9]+/g, '_') || 'PROVIDER';

function credentialOf(params: Taken, { credentials, findings }: ProviderReading): Taken | undefined {
  const name = params.text('litellm_credential_name');
  if (name === undefined) return undefined;
  const found = credentials.get(name);
  if (!found)
    findings.add('left', params.place('litellm_credential_name'), params.what('litellm_credential_name'), [
      `the credential \`${name}\` is not in \`credential_list\` of this file`,
      'give its provider an `apiKey` in headgate.yaml',
    ]);
  return found;
}

type Address = { readonly kind: string; readonly baseUrl?: string };

function addressOf(base: string | undefined, data: PrefixData): Address | 'missing' {
  const given = base?.replace(/\/+$/, '') ?? data.defaultBase;
  const { kind, elsewhere = kind, suffix = '' } = data;
  if (given === undefined) return SELF_HOSTED.has(kind) ? 'missing' : { kind };
  if (kind === 'azure-deployments' && given.endsWith('/openai/v1')) return { kind: 'azure', baseUrl: given };
  const baseUrl = suffix === '' || given.endsWith(suffix) ? given : given + suffix;
  return isOwn(given, kind) ? { kind } : { kind: elsewhere, baseUrl };
}

/** Kinds whose address the operator gives. */
const SELF_HOSTED: ReadonlySet<string> = new Set(['azure-deployments', 'vllm', 'openai-compatible', 'ollama']);

/** Is the address the provider's own, which its data file knows? */
const isOwn = (url: string, kind: string): boolean => {
  const own = PROVIDERS[kind]?.baseUrl ?? null;
  return own !== null && URL.canParse(url) && new URL(url).host === new URL(own).host;
};

/** LiteLLM's `timeout` is one figure for the whole call, in seconds. */
function timersOf(params: Taken): Record<string, string> | null {
  const [total, firstByte] = [params.number('timeout'), params.number('stream_timeout')];
  if (total === undefined && firstByte === undefined) return null;
  return {
    ...(total !== undefined && { total: seconds(total) }),
    ...(firstByte !== undefined && { firstByte: seconds(firstByte) }),
  };
}

/** Bounds of timers in headgate.yaml. */
const SHORTEST_S = 0.01;
const LONGEST_S = 86_400;

function seconds(value: number): string {
  const bounded = Math.min(LONGEST_S, Math.max(SHORTEST_S, value));
  return Number.isInteger(bounded) ? `${bounded}s` : `${Math.round(bounded * 1000)}ms`;
}

const SECRET_HEADER = /auth|key|token|secret|cookie/i;

function headersOf(params: Taken, findings: Findings): Record<string, string> | null {
  const headers: Record<string, string> = {};
  const organization = params.text('organization');
  if (organization !== undefined && variableOf(organization) === null) headers['openai-organization'] = organization;
  else if (organization !== undefined)
    findings.add('left', params.place('organization'), params.what('organization'), [
      'a header of headgate.yaml is a plain text, and this one is a reference',
      'write it as `headers: { openai-organization: … }` of the provider',
    ]);
  for (const [name, value] of Object.entries((params.take('extra_headers') as object | undefined) ?? {})) {
    if (!SECRET_HEADER.test(name) && variableOf(String(value)) === null) headers[name.toLowerCase()] = String(value);
    else
      findings.add('left', params.place('extra_headers'), `${params.what('extra_headers')}.${name}`, [
        'it may carry a secret, and a header of headgate.yaml is a plain text',
        'where it is the credential, it belongs to `apiKey` of the provider',
      ]);
  }
  return Object.keys(headers).length > 0 ? headers : null;
}

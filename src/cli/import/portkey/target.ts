import { didYouMean } from '#kernel/config/diagnostics.ts';
import { parseReference } from '#kernel/config/primitives.ts';
import { MOST_NAME_CHARS, type Findings, type WantedProvider } from '../plan.ts';
import type { ProviderBook } from '../provider-book.ts';
import type { Taken } from '../taken.ts';
import { PORTKEY_PROVIDERS, providerOfSlug } from './providers.ts';
import { PARAMS_REASONS, TARGET_REASONS } from './reasons.ts';

export interface ReadTarget {
  readonly provider: string;
  /** Null: the name that the caller asked for. */
  readonly model: string | null;
}

/** One target at the end of the tree: a provider, and perhaps a model of its own. Null where it cannot be served. */
export function readTarget(target: Taken, book: ProviderBook, findings: Findings): ReadTarget | null {
  const params = target.section('override_params');
  const model = splitSlug(params.text('model'));
  const slug = slugOf(target, model.slug);
  const given = target.text('provider');
  const vendor = given?.startsWith('@')
    ? providerOfSlug(given.slice(1))
    : (given ?? (slug === null ? null : providerOfSlug(slug)));
  const isKnown = vendor !== null && Object.hasOwn(PORTKEY_PROVIDERS, vendor);
  const kind = isKnown ? PORTKEY_PROVIDERS[vendor] : undefined;
  if (kind === undefined) {
    findings.add('left', target.place(), `target ${vendor ?? slug ?? 'without a provider'}`, [
      vendor === null
        ? 'nothing here says which provider it is'
        : `Headgate has no data file for the provider \`${vendor}\``,
      (vendor && didYouMean(vendor, Object.keys(PORTKEY_PROVIDERS))?.replace(/^known: .*/, '')) ||
        'add `provider` to the target and import again',
    ]);
    return null;
  }
  const deployment = target.text('deployment_id');
  const provider = providerEntry(target, { kind, slug }, findings);
  if (!provider) return null;
  params.rest(findings, PARAMS_REASONS);
  target.rest(findings, TARGET_REASONS);
  const id = deployment ?? model.name ?? null;
  if (id === null || id.length <= MOST_NAME_CHARS) return { provider: book.name(provider), model: id };
  findings.add('left', target.place(), `model ${id.slice(0, 40)}…`, [
    `a model id has at most ${MOST_NAME_CHARS} characters`,
  ]);
  return null;
}

/** `@openai-prod/gpt-5` names the vault's entry and the model. */
function splitSlug(model: string | undefined): { readonly slug: string | null; readonly name: string | undefined } {
  const match = /^@([^/]+)\/(.+)$/.exec(model ?? '');
  return match ? { slug: match[1]!, name: match[2]! } : { slug: null, name: model };
}

function slugOf(target: Taken, fromModel: string | null): string | null {
  const provider = target.text('provider');
  return target.text('virtual_key') ?? (provider?.startsWith('@') ? provider.slice(1) : fromModel);
}

interface EntryFacts {
  readonly kind: string;
  readonly slug: string | null;
}

function providerEntry(target: Taken, { kind, slug }: EntryFacts, findings: Findings): WantedProvider | null {
  const baseUrl = addressOf(target, kind);
  if (baseUrl === null) {
    findings.add('left', target.place(), `target ${slug ?? kind}`, [
      'its address is in Portkey’s vault',
      kind === 'ollama' ? 'add `custom_host` and import again' : 'add `resource_name` and import again',
    ]);
    return null;
  }
  const version = target.text('api_version');
  const timeout = target.number('request_timeout');
  return {
    kind: baseUrl !== undefined && kind !== 'azure-deployments' && kind !== 'ollama' ? elsewhere(kind) : kind,
    ...(baseUrl !== undefined && { baseUrl }),
    apiKey: keyOf(target, { kind, slug }, findings),
    ...(timeout !== undefined && { timers: { total: `${Math.min(86_400_000, Math.max(10, Math.round(timeout)))}ms` } }),
    ...(version !== undefined && kind === 'azure-deployments' && { query: { 'api-version': version } }),
  };
}

const elsewhere = (kind: string): string => (kind === 'anthropic' ? 'anthropic-compatible' : 'openai-compatible');

/** Undefined: the data file knows it. Null: nobody does. */
function addressOf(target: Taken, kind: string): string | undefined | null {
  const host = target.text('custom_host')?.replace(/\/+$/, '');
  const resource = target.text('resource_name');
  if (host !== undefined) return host;
  if (kind === 'azure-deployments')
    return resource === undefined ? null : `https://${resource}.openai.azure.com/openai`;
  return kind === 'ollama' ? null : undefined;
}

/** Credentials of Portkey stand in its vault or in the clear: both become a variable of the environment. */
function keyOf(target: Taken, { kind, slug }: EntryFacts, findings: Findings): string {
  const clear = target.text('api_key');
  if (clear !== undefined && parseReference(clear)) return clear;
  const variable = `${(slug ?? kind).toUpperCase().replace(/[^A-Z0-9]+/g, '_')}_API_KEY`;
  if (slug !== null)
    findings.add('left', target.place('virtual_key'), `virtual key ${slug}`, [
      'its secret is in Portkey’s vault, which gives it to nobody',
      `put the provider’s own key into the environment as ${variable}`,
    ]);
  else if (clear !== undefined)
    findings.add('left', target.place('api_key'), target.what('api_key'), [
      'a secret in the clear: Headgate keeps references alone, and it is not repeated here',
      `put it into the environment as ${variable}`,
    ]);
  return `\${env:${variable}}`;
}

import type { CredentialChain } from '../provider-data.ts';
import { bearerAuthorizer, signingAuthorizer, type Authorizer } from './authorizer.ts';
import { awsChain, azureChain, CHAIN_LIBRARY, CHAIN_NAME, googleChain, type AwsCredential } from './chains.ts';
import { CredentialSource, type Expiring } from './credential-source.ts';
import { needLibrary } from './optional-library.ts';

export type { Authorizer } from './authorizer.ts';
export type { SourceState } from './credential-source.ts';
export { PEERS } from './optional-library.ts';

/** Keys that the operator gives by themselves: they need no library and are not refreshed. */
export interface StaticAwsKeys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string | null;
}

export interface Credentials {
  readonly name: string;
  readonly chain: CredentialChain;
  readonly host: string;
  readonly region: string | null;
  readonly profile: string | null;
  readonly keys: StaticAwsKeys | null;
}

/** How the requests of a provider are authorized where no key is configured. Throws a RangeError at what is missing. */
export function authorizerOf(credentials: Credentials): Authorizer {
  const { name, chain, keys, profile, region } = credentials;
  if (chain.platform !== 'aws') {
    needLibrary(name, CHAIN_LIBRARY[chain.platform]);
    const ask = chain.platform === 'google' ? googleChain(chain.scope) : azureChain(chain.scope);
    return bearerAuthorizer(sourceOf(credentials, ask));
  }
  if (keys) return signing(credentials, chain.service, { ...keys, expiresMs: null });
  needLibrary(name, CHAIN_LIBRARY.aws);
  return signing(credentials, chain.service, sourceOf(credentials, awsChain({ profile, region: region! })));
}

const signing = (
  { host, region }: Credentials,
  service: string,
  keys: AwsCredential | CredentialSource<AwsCredential>,
): Authorizer => signingAuthorizer({ keys, host, scope: { region: region!, service }, now: Date.now });

/**
 * Providers that ask the same chain for the same thing share what it gave, and a reload of the configuration keeps it.
 * As many as operators' files have named.
 */
const SOURCES = new Map<string, CredentialSource<Expiring>>();

function sourceOf<T extends Expiring>(
  { chain, profile, region }: Credentials,
  fetch: () => Promise<T>,
): CredentialSource<T> {
  const asked = chain.platform === 'aws' ? [profile, region] : [chain.scope];
  const key = JSON.stringify([chain.platform, ...asked]);
  const known = SOURCES.get(key);
  if (known) return known as CredentialSource<T>;
  // No secret hangs on the random number: it spreads the refreshes of many nodes.
  const parts = { chain: CHAIN_NAME[chain.platform], fetch, now: Date.now, random: Math.random };
  const made = new CredentialSource(parts);
  SOURCES.set(key, made as unknown as CredentialSource<Expiring>);
  return made;
}

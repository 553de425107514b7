import { loadLibrary, type Peer } from './optional-library.ts';

/** Keys that sign, as AWS hands them out. */
export interface AwsCredential {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string | null;
  readonly expiresMs: number | null;
}

export interface BearerCredential {
  readonly token: string;
  readonly expiresMs: number | null;
}

/** The parts of the libraries that are used, as their own types say (versions in `PEERS`). */
interface AwsLibrary {
  fromNodeProviderChain(init: object): () => Promise<{
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
    readonly sessionToken?: string;
    readonly expiration?: Date;
  }>;
}
interface GoogleClient {
  readonly credentials: { readonly expiry_date?: number | null };
  getAccessToken(): Promise<{ readonly token?: string | null }>;
}
interface GoogleLibrary {
  readonly GoogleAuth: new (options: object) => { getClient(): Promise<GoogleClient> };
}
interface AzureLibrary {
  readonly DefaultAzureCredential: new (options?: object) => {
    getToken(scope: string): Promise<{ readonly token: string; readonly expiresOnTimestamp: number } | null>;
  };
}

export const CHAIN_LIBRARY: Readonly<Record<'aws' | 'google' | 'azure', Peer>> = {
  aws: '@aws-sdk/credential-providers',
  google: 'google-auth-library',
  azure: '@azure/identity',
};

export const CHAIN_NAME: Readonly<Record<'aws' | 'google' | 'azure', string>> = {
  aws: 'AWS credential chain',
  google: 'Google application default credentials',
  azure: 'Azure default credential chain',
};

/** The chain keeps what it got: every refresh asks a new one, since it is asked when ours is nearly over. */
export const awsChain =
  ({ profile, region }: { readonly profile: string | null; readonly region: string }) =>
  async (): Promise<AwsCredential> => {
    const { fromNodeProviderChain } = await loadLibrary<AwsLibrary>('@aws-sdk/credential-providers');
    const chain = fromNodeProviderChain({ clientConfig: { region }, ...(profile !== null && { profile }) });
    const { accessKeyId, secretAccessKey, sessionToken, expiration } = await chain();
    return {
      accessKeyId,
      secretAccessKey,
      sessionToken: sessionToken ?? null,
      expiresMs: expiration ? expiration.getTime() : null,
    };
  };

/** To find out where it runs takes this library seconds, so a client is kept; but not one that repeats itself. */
export function googleChain(scope: string): () => Promise<BearerCredential> {
  let client: GoogleClient | null = null;
  let given: string | null = null;
  const anew = async (): Promise<GoogleClient> => {
    const { GoogleAuth } = await loadLibrary<GoogleLibrary>('google-auth-library');
    return new GoogleAuth({ scopes: [scope] }).getClient();
  };
  return async () => {
    client ??= await anew();
    let { token } = await client.getAccessToken();
    if (token === given) {
      client = await anew();
      ({ token } = await client.getAccessToken());
    }
    if (!token) throw new Error('an answer without a token');
    given = token;
    return { token, expiresMs: client.credentials.expiry_date ?? null };
  };
}

export const azureChain = (scope: string) => async (): Promise<BearerCredential> => {
  const { DefaultAzureCredential } = await loadLibrary<AzureLibrary>('@azure/identity');
  const got = await new DefaultAzureCredential().getToken(scope);
  if (!got) throw new Error('an answer without a token');
  return { token: got.token, expiresMs: got.expiresOnTimestamp };
};

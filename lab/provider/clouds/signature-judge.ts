import { createRequire } from 'node:module';
import type { IncomingMessage } from 'node:http';
import { LabError } from '../errors.ts';

/** Keys that the simulated AWS knows. */
export interface AwsAccount {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Null: lasting keys. */
  readonly sessionToken: string | null;
  readonly region: string;
  /** Keys are expired after this moment. */
  readonly expiresMs?: number;
}

interface Library {
  readonly SignatureV4: new (options: object) => {
    sign(request: object, options: object): Promise<{ readonly headers: Readonly<Record<string, string>> }>;
  };
  readonly Sha256: unknown;
}

/** AWS's own signer, from the folder of the tests: the judge shares no code with what it judges. */
function library(): Library {
  const need = createRequire(new URL('../../../test/platforms/package.json', import.meta.url));
  return {
    ...(need('@smithy/signature-v4') as Pick<Library, 'SignatureV4'>),
    ...(need('@aws-crypto/sha256-js') as Pick<Library, 'Sha256'>),
  };
}

const AUTHORIZATION =
  /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$/;
/** AWS refuses a signature whose date is further away. */
const SKEW_MS = 5 * 60_000;

/** Throws what the real service answers to a request that is not signed by a known key for this very body and path. */
export async function judgeSignature(
  accounts: readonly AwsAccount[],
  request: IncomingMessage,
  body: Uint8Array,
): Promise<void> {
  const header = request.headers.authorization ?? '';
  const match = AUTHORIZATION.exec(header);
  if (!match) throw refusal('MissingAuthenticationTokenException', 'Missing Authentication Token');
  const [, keyId, , region, service, names] = match as unknown as string[];
  const account = accounts.find((one) => one.accessKeyId === keyId);
  if (!account) throw refusal('UnrecognizedClientException', 'The security token included in the request is invalid.');
  const wanted = request.url!.startsWith('/model/') ? 'bedrock' : 'bedrock-mantle';
  if (region !== account.region || service !== wanted)
    throw refusal('InvalidSignatureException', 'Credential should be scoped to a valid region.');
  if ((request.headers['x-amz-security-token'] ?? null) !== account.sessionToken)
    throw refusal('UnrecognizedClientException', 'The security token included in the request is invalid.');
  if (account.expiresMs !== undefined && Date.now() > account.expiresMs)
    throw refusal('ExpiredTokenException', 'The security token included in the request is expired');
  const signed = await signatureOf({ account, service: wanted }, request, names!.split(';'), body);
  if (signed !== header)
    throw refusal('InvalidSignatureException', 'The request signature we calculated does not match.');
}

async function signatureOf(
  { account, service }: { readonly account: AwsAccount; readonly service: string },
  request: IncomingMessage,
  names: readonly string[],
  body: Uint8Array,
): Promise<string> {
  const { SignatureV4, Sha256 } = library();
  const at = dateOf(String(request.headers['x-amz-date'] ?? ''));
  if (Math.abs(at.getTime() - Date.now()) > SKEW_MS) throw refusal('InvalidSignatureException', 'Signature expired');
  const { accessKeyId, secretAccessKey, sessionToken, region } = account;
  const signer = new SignatureV4({
    ...{ service, region, sha256: Sha256, applyChecksum: false },
    credentials: { accessKeyId, secretAccessKey, ...(sessionToken !== null && { sessionToken }) },
  });
  const url = new URL(request.url ?? '/', `http://${request.headers.host}`);
  const headers = names.filter((name) => !/^x-amz-(date|security-token)$/.test(name));
  const signed = await signer.sign(
    {
      ...{ method: request.method, protocol: 'http:', hostname: url.hostname, path: url.pathname, body },
      query: Object.fromEntries(url.searchParams),
      headers: Object.fromEntries(headers.map((name) => [name, String(request.headers[name])])),
    },
    { signingDate: at, signableHeaders: new Set(names) },
  );
  return signed.headers['authorization']!;
}

const dateOf = (text: string): Date =>
  new Date(text.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'));

const refusal = (code: string, message: string): LabError => new LabError(403, message, { code });

import { andThen, type MaybePromise } from '#ports/shared-state.ts';
import { bodyHash, sigV4Signer, type SigV4Scope, type SigV4Signer } from '#wire/sigv4/index.ts';
import type { AwsCredential, BearerCredential } from './chains.ts';
import type { CredentialSource, SourceState } from './credential-source.ts';
import { hashOf } from './hash-large.ts';

/** What a credential says of one request. */
export interface Asking {
  readonly method: 'POST' | 'GET';
  /** Path and query as they are sent. */
  readonly path: string;
  readonly body: Uint8Array;
}

/** Gives the headers that carry the credential of exactly this request, as a flat list. */
export interface Authorizer {
  headers(asking: Asking): MaybePromise<readonly string[]>;
  /** The platform said that the credential is no longer good: the next request gets another. */
  refused(): void;
  /** Null: keys that never change. */
  readonly state: SourceState | null;
  /** What must not reach a client in a provider's error. */
  readonly secrets: readonly string[];
}

export function bearerAuthorizer(source: CredentialSource<BearerCredential>): Authorizer {
  let last: BearerCredential | null = null;
  const write = (credential: BearerCredential): readonly string[] => {
    last = credential;
    return ['authorization', `Bearer ${credential.token}`];
  };
  return {
    headers: () => andThen(source.current(), write),
    refused: () => void (last && source.refused(last)),
    get state() {
      return source.state;
    },
    get secrets() {
      return last ? [last.token] : [];
    },
  };
}

interface Signing {
  readonly keys: AwsCredential | CredentialSource<AwsCredential>;
  readonly host: string;
  readonly scope: SigV4Scope;
  readonly now: () => number;
}

export function signingAuthorizer({ keys, host, scope, now }: Signing): Authorizer {
  const source = 'current' in keys ? keys : null;
  let last: AwsCredential | null = null;
  let signer: SigV4Signer | null = null;
  const signerOf = (credential: AwsCredential): SigV4Signer => {
    if (!signer || credential !== last) signer = sigV4Signer(credential, scope);
    last = credential;
    return signer;
  };
  const sign = (credential: AwsCredential, { method, path, body }: Asking): MaybePromise<readonly string[]> =>
    andThen(hashOf(body, bodyHash), (hash) =>
      // The hash of a large body takes a while: what is signed carries the time of its end.
      Object.entries(
        signerOf(credential)({
          ...{ method, host, path, bodyHash: hash, nowMs: now() },
          headers: { 'content-type': 'application/json' },
        }),
      ).flat(),
    );
  return {
    headers: (asking) =>
      source
        ? andThen(source.current(), (credential) => sign(credential, asking))
        : sign(keys as AwsCredential, asking),
    refused: () => void (source && last && source.refused(last)),
    get state() {
      return source?.state ?? null;
    },
    get secrets() {
      return last ? [last.secretAccessKey, last.accessKeyId, ...(last.sessionToken ? [last.sessionToken] : [])] : [];
    },
  };
}

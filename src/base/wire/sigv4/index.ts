import { createHash, createHmac } from 'node:crypto';

export interface SigV4Keys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string | null;
}

/** Where a signature is good: one region, one service. */
export interface SigV4Scope {
  readonly region: string;
  readonly service: string;
}

export interface SigV4Request {
  readonly method: string;
  readonly host: string;
  /** Path and query as they are sent. */
  readonly path: string;
  /** Further headers to sign, names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** SHA-256 of the body in hex: {@link bodyHash}. */
  readonly bodyHash: string;
  readonly nowMs: number;
}

export const bodyHash = (body: Uint8Array): string => createHash('sha256').update(body).digest('hex');

/** Signs requests with one pair of keys. */
export type SigV4Signer = (request: SigV4Request) => Readonly<Record<string, string>>;

const ALGORITHM = 'AWS4-HMAC-SHA256';

/**
 * AWS Signature Version 4 by header
 * (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html). Returns the headers
 * to add: `x-amz-date`, `x-amz-security-token` for temporary keys, `authorization`. The day's key is kept.
 */
export function sigV4Signer(keys: SigV4Keys, scope: SigV4Scope): SigV4Signer {
  let day = '';
  let dayKey: Buffer | null = null;
  return (request) => {
    const at = new Date(request.nowMs).toISOString().replace(/[-:]|\.\d{3}/g, '');
    if (day !== at.slice(0, 8)) {
      day = at.slice(0, 8);
      dayKey = signingKey(keys.secretAccessKey, day, scope);
    }
    const own = {
      'x-amz-date': at,
      ...(keys.sessionToken !== null && { 'x-amz-security-token': keys.sessionToken }),
    };
    const { canonical, signed } = canonicalRequest(request, { ...request.headers, ...own, host: request.host });
    const scopeText = `${day}/${scope.region}/${scope.service}/aws4_request`;
    const toSign = [ALGORITHM, at, scopeText, createHash('sha256').update(canonical).digest('hex')].join('\n');
    const signature = createHmac('sha256', dayKey!).update(toSign).digest('hex');
    const authorization = `${ALGORITHM} Credential=${keys.accessKeyId}/${scopeText}, SignedHeaders=${signed}, Signature=${signature}`;
    return { ...own, authorization };
  };
}

function signingKey(secret: string, day: string, { region, service }: SigV4Scope): Buffer {
  let key: Buffer = Buffer.from(`AWS4${secret}`);
  for (const part of [day, region, service, 'aws4_request']) key = createHmac('sha256', key).update(part).digest();
  return key;
}

function canonicalRequest(
  { method, path, bodyHash: hash }: SigV4Request,
  headers: Readonly<Record<string, string>>,
): { canonical: string; signed: string } {
  const cut = path.indexOf('?');
  const names = Object.keys(headers).sort();
  const signed = names.join(';');
  const lines = names.map((name) => `${name}:${headers[name]!.trim().replace(/ +/g, ' ')}`);
  const canonical = [
    method,
    canonicalPath(cut < 0 ? path : path.slice(0, cut)),
    cut < 0 ? '' : canonicalQuery(path.slice(cut + 1)),
    ...lines,
    '',
    signed,
    hash,
  ].join('\n');
  return { canonical, signed };
}

/** Each segment of the path as sent is encoded once more: every service but S3 signs it twice encoded. */
const canonicalPath = (path: string): string => path.split('/').map(encoded).join('/') || '/';

/** RFC 3986: of what `encodeURIComponent` leaves alone, AWS keeps `-_.~` only. */
const encoded = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);

function canonicalQuery(query: string): string {
  const pairs = query.split('&').filter((pair) => pair !== '');
  return pairs
    .map((pair) => {
      const [name, ...value] = pair.split('=');
      return [encoded(decoded(name!)), encoded(decoded(value.join('=')))] as const;
    })
    .sort(([a, b], [c, d]) => (a === c ? order(b, d) : order(a, c)))
    .map(([name, value]) => `${name}=${value}`)
    .join('&');
}

const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

import { HeadgateError } from '#kernel/errors.ts';
import { err, ok, type Result } from '#kernel/result.ts';

/** Headers as node:http gives them: lower-case names. */
export type Headers = Readonly<Record<string, string | readonly string[] | undefined>>;

/** Headers that carry a key: OpenAI's, Anthropic's, Azure OpenAI's and Google's. */
const CREDENTIAL_HEADERS = ['authorization', 'x-api-key', 'api-key', 'x-goog-api-key'] as const;
/** Hashing is linear in the length: a longer credential is nobody's key. */
const LONGEST_CREDENTIAL = 512;
const BEARER = /^bearer +/i;

/** Names our key beside a credential that is somebody else's: that one is neither read nor passed on (clients.md 10). */
const OWN_HEADER = 'x-headgate-key';

/** The raw key of a request. Several headers with one and the same key are fine; two different keys are a 401. */
export function readCredential(headers: Headers): Result<string, HeadgateError> {
  const own = credentialIn(headers, OWN_HEADER);
  if (own !== '') return own.length > LONGEST_CREDENTIAL ? err(new HeadgateError('invalid_api_key')) : ok(own);
  let found = '';
  for (const name of CREDENTIAL_HEADERS) {
    const value = credentialIn(headers, name);
    if (value === '' || value === found) continue;
    if (found !== '') return err(new HeadgateError('credentials_conflict'));
    found = value;
  }
  if (found === '') return err(new HeadgateError('invalid_api_key', { message: 'The request carries no API key.' }));
  return found.length > LONGEST_CREDENTIAL ? err(new HeadgateError('invalid_api_key')) : ok(found);
}

function credentialIn(headers: Headers, name: string): string {
  const value = headers[name];
  if (value === undefined) return '';
  const text = typeof value === 'string' ? value : value.join(', ');
  if (name !== 'authorization') return text.trim();
  return (text.startsWith('Bearer ') ? text.slice(7) : text.replace(BEARER, '')).trim();
}

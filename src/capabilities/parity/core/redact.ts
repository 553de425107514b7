/** What must not be kept is taken out of texts before anything is written. Pure; every pattern is linear in its text. */
import { withoutMedia } from './media.ts';

export const MARKS = { secret: '[secret]', email: '[email]', card: '[card]', rule: '[redacted]' } as const;

/** A rule of the operator's own. May throw where it takes too long: the whole text is then withheld. */
export type OwnRules = (text: string) => string;
export const WITHHELD = '[withheld: a redaction rule took too long]';

/**
 * Forms of credentials that people paste into prompts. A bounded repetition or a class that excludes its own end keeps
 * each linear.
 */
const SECRETS: readonly RegExp[] = [
  /-----BEGIN [A-Z ]{0,32}PRIVATE KEY-----[^-]{0,16384}(?:-----END [A-Z ]{0,32}PRIVATE KEY-----)?/g,
  // JSON Web Tokens.
  /eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*/g,
  // Prefixed keys of providers, of Headgate and of code hosts.
  /(?<![A-Za-z0-9])(?:sk|pk|rk|hg|hga|xai|gsk|fw|r8|tgp|pplx|nvapi|whsec|glpat|npm|hf|dop_v1|shpat)[-_][A-Za-z0-9_-]{12,}/g,
  /(?<![A-Za-z0-9])(?:gh[pousr]_|github_pat_)[A-Za-z0-9_]{20,}/g,
  /(?<![A-Za-z0-9])xox[abeoprs]-[A-Za-z0-9-]{10,}/g,
  /(?<![A-Za-z0-9])(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}/g,
  /(?<![A-Za-z0-9])AIza[A-Za-z0-9_-]{30,}/g,
  /(?<=\b[Bb]earer\s{1,8})[A-Za-z0-9._~+/=-]{16,}/g,
  /(?<=\b[Bb]asic\s{1,8})[A-Za-z0-9+/=]{12,}/g,
  // A password in an address.
  /(?<=:\/\/[^\s/:@"']{0,128}:)[^\s/@"']{3,256}(?=@)/g,
  // `password = hunter22`, `"api_key": "…"` once the text is decoded.
  /(?<=\b(?:password|passwd|pwd|secret|token|api[_-]?key|access[_-]?key|client[_-]?secret)["']?\s{0,4}[:=]\s{0,4}["']?)[^\s"'`,;]{6,512}/gi,
];

const EMAIL = /(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]{1,256}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}/g;
const CARD = /(?<![0-9])[0-9](?:[ -]?[0-9]){12,18}(?![0-9])/g;
/** Long runs without a word in them: keys of makes that nobody listed. */
const RUN = /[A-Za-z0-9+/_=-]{32,}/g;

/** Check digit of card numbers (ISO/IEC 7812-1, Annex B). */
export function luhn(digits: string): boolean {
  let sum = 0;
  for (let i = 0; i < digits.length; i++) {
    const digit = digits.charCodeAt(digits.length - 1 - i) - 48;
    const doubled = i % 2 === 1 ? digit * 2 : digit;
    sum += doubled > 9 ? doubled - 9 : doubled;
  }
  return sum % 10 === 0;
}

/** Bits a character that mixed random text has and words, hashes in hex and ids do not. */
const RANDOM_BITS = 4.2;

/** Ids that providers and Headgate give to things: random, and no secrets. */
const ID =
  /^(?:chatcmpl|cmpl|resp|msg|call|toolu|srvtoolu|fc|ctc|rs|req|file|batch|conv|run|thread|asst|key|bud|drn|cap|aud)[-_]/;

function looksRandom(run: string): boolean {
  if (ID.test(run)) return false;
  if (!/[0-9]/.test(run) || !/[a-z]/.test(run) || !/[A-Z]/.test(run)) return false;
  const counts = new Map<string, number>();
  for (const char of run) counts.set(char, (counts.get(char) ?? 0) + 1);
  let bits = 0;
  for (const count of counts.values()) bits -= (count / run.length) * Math.log2(count / run.length);
  return bits >= RANDOM_BITS;
}

const cards = (text: string): string =>
  text.replace(CARD, (found) => (luhn(found.replace(/[ -]/g, '')) ? MARKS.card : found));

/** One text without secrets, addresses, card numbers and media. */
export function redactText(text: string, own: OwnRules | null = null): string {
  let out = withoutMedia(text);
  for (const pattern of SECRETS) out = out.replace(pattern, MARKS.secret);
  out = cards(out.replace(EMAIL, MARKS.email));
  out = out.replace(RUN, (run) => (looksRandom(run) ? MARKS.secret : run));
  if (own === null) return out;
  try {
    return own(out);
  } catch {
    return WITHHELD;
  }
}

/**
 * JSON as it was sent, string by string in its decoded form: an escape hides nothing, and every byte of what needs no
 * redaction stays. Text that is no JSON, or is cut within a string, is redacted as text.
 */
export function redactJson(text: string, own: OwnRules | null = null): string {
  const first = text.trimStart()[0];
  if (first !== '{' && first !== '[' && first !== '"') return redactText(text, own);
  let out = '';
  let at = 0;
  for (;;) {
    const open = text.indexOf('"', at);
    if (open < 0) return out + numbers(text.slice(at));
    out += numbers(text.slice(at, open));
    const close = endOfString(text, open + 1);
    if (close < 0) return out + redactText(text.slice(open), own);
    out += redactLiteral(text.slice(open, close + 1), own);
    at = close + 1;
  }
}

/** Between strings only a number can be long: a card number without quotes. */
const numbers = (between: string): string =>
  between.replace(CARD, (found) => (luhn(found.replace(/[ -]/g, '')) ? JSON.stringify(MARKS.card) : found));

function endOfString(text: string, from: number): number {
  for (let at = from; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x5c) at++;
    else if (code === 0x22) return at;
  }
  return -1;
}

function redactLiteral(literal: string, own: OwnRules | null): string {
  let value: string;
  try {
    value = JSON.parse(literal) as string;
  } catch {
    // A control character, or an escape that is none: it is read as it stands.
    value = literal.slice(1, -1);
  }
  const redacted = redactText(value, own);
  return redacted === value ? literal : JSON.stringify(redacted);
}

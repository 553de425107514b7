import type { ErrorDialect } from './errors.ts';
import type { LogEntry } from './journal.ts';

/** A cookie and an account id that must never cross a gateway: tests look for these very values. */
export const LEAK_MARKS = {
  cookie: '__cf_bm=lab-cookie-must-not-cross',
  organization: 'lab-organization-must-not-cross',
};

const LIMIT_REQUESTS = 10_000;
const LIMIT_TOKENS = 2_000_000;

/** Headers that the real APIs put on every answer. */
export function providerHeaders(dialect: ErrorDialect, entry: LogEntry, nowMs: number): Record<string, string> {
  const cookie = { 'set-cookie': `${LEAK_MARKS.cookie}; path=/; HttpOnly; Secure` };
  if (dialect === 'bedrock') return { ...cookie, 'x-amzn-requestid': requestId(entry) };
  // Google names neither its limits nor the account.
  if (dialect === 'google') return { ...cookie, 'server-timing': 'gfet4t7; dur=12' };
  return dialect === 'anthropic' ? { ...cookie, ...anthropic(entry, nowMs) } : { ...cookie, ...openai(entry) };
}

export const requestId = (entry: LogEntry): string => `req_lab${String(entry.n).padStart(8, '0')}`;

const openai = (entry: LogEntry): Record<string, string> => ({
  'x-request-id': requestId(entry),
  'openai-organization': LEAK_MARKS.organization,
  'openai-version': '2020-10-01',
  'openai-processing-ms': '12',
  'x-ratelimit-limit-requests': String(LIMIT_REQUESTS),
  'x-ratelimit-limit-tokens': String(LIMIT_TOKENS),
  'x-ratelimit-remaining-requests': String(LIMIT_REQUESTS - 1),
  'x-ratelimit-remaining-tokens': String(LIMIT_TOKENS - (entry.inputTokens ?? 0)),
  'x-ratelimit-reset-requests': '6ms',
  'x-ratelimit-reset-tokens': '0s',
});

function anthropic(entry: LogEntry, nowMs: number): Record<string, string> {
  const reset = new Date(nowMs + 60_000).toISOString().replace(/\.\d+Z$/, 'Z');
  const pairs = (['requests', 'tokens', 'input-tokens', 'output-tokens'] as const).flatMap((name) => {
    const limit = name === 'requests' ? LIMIT_REQUESTS : LIMIT_TOKENS;
    const at = `anthropic-ratelimit-${name}`;
    return [
      [`${at}-limit`, String(limit)],
      [`${at}-remaining`, String(limit - 1)],
      [`${at}-reset`, reset],
    ] as const;
  });
  return {
    'request-id': requestId(entry),
    'anthropic-organization-id': LEAK_MARKS.organization,
    ...Object.fromEntries(pairs),
  };
}

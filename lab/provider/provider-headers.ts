import type { ErrorDialect } from './errors.ts';
import type { AccountState } from './account.ts';
import type { LogEntry } from './journal.ts';

/** A cookie and an account id that must never cross a gateway: tests look for these very values. */
export const LEAK_MARKS = {
  cookie: '__cf_bm=lab-cookie-must-not-cross',
  organization: 'lab-organization-must-not-cross',
};

const NAMES = ['requests', 'tokens', 'input-tokens', 'output-tokens'] as const;
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

const openai = (entry: LogEntry): Record<string, string> => {
  const { requests, tokens } = entry.account ?? unlimited(entry);
  return {
    'x-request-id': requestId(entry),
    'openai-organization': LEAK_MARKS.organization,
    'openai-version': '2020-10-01',
    'openai-processing-ms': '12',
    'x-ratelimit-limit-requests': String(requests.limit),
    'x-ratelimit-limit-tokens': String(tokens.limit),
    'x-ratelimit-remaining-requests': String(requests.remaining),
    'x-ratelimit-remaining-tokens': String(tokens.remaining),
    'x-ratelimit-reset-requests': `${requests.resetMs}ms`,
    'x-ratelimit-reset-tokens': tokens.resetMs >= 1_000 ? `${tokens.resetMs / 1_000}s` : `${tokens.resetMs}ms`,
  };
};

/** An account that nobody here can fill. */
const unlimited = ({ inputTokens }: LogEntry): AccountState => ({
  requests: { limit: LIMIT_REQUESTS, remaining: LIMIT_REQUESTS - 1, resetMs: 6 },
  tokens: { limit: LIMIT_TOKENS, remaining: LIMIT_TOKENS - (inputTokens ?? 0), resetMs: 0 },
});

function anthropic(entry: LogEntry, nowMs: number): Record<string, string> {
  const { requests, tokens } = entry.account ?? {
    requests: { limit: LIMIT_REQUESTS, remaining: LIMIT_REQUESTS - 1, resetMs: 60_000 },
    tokens: { limit: LIMIT_TOKENS, remaining: LIMIT_TOKENS - 1, resetMs: 60_000 },
  };
  const names = entry.account ? (['requests', 'tokens'] as const) : NAMES;
  const pairs = names.flatMap((name) => {
    const { limit, remaining, resetMs } = name === 'requests' ? requests : tokens;
    const at = `anthropic-ratelimit-${name}`;
    return [
      [`${at}-limit`, String(limit)],
      [`${at}-remaining`, String(remaining)],
      [`${at}-reset`, new Date(nowMs + resetMs).toISOString().replace(/\.\d+Z$/, 'Z')],
    ] as const;
  });
  return {
    'request-id': requestId(entry),
    'anthropic-organization-id': LEAK_MARKS.organization,
    ...Object.fromEntries(pairs),
  };
}

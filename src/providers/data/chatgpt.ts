import { LONG_TIMERS, type ProviderData } from '../provider-data.ts';
import { openai } from './openai.ts';

/** The service behind Codex for people who log in with a ChatGPT plan. It takes no API key. */
export const chatgpt: ProviderData = {
  ...openai,
  name: 'chatgpt',
  title: 'ChatGPT (Codex with a subscription)',
  baseUrl: 'https://chatgpt.com/backend-api/codex',
  subscriptionHosts: ['chatgpt.com'],
  keyVariable: null,
  paths: { 'openai-responses': '/responses' },
  passHeaders: ['chatgpt-account-id', 'openai-beta', 'originator', 'session_id', 'conversation_id', 'version'],
  timers: LONG_TIMERS,
  // A plan is billed by the month: its calls have no price a token.
  priceBook: null,
  notes: [
    'Serves the caller’s own login alone: set `subscription: true`, and let the caller send the gate’s key as `x-headgate-key`.',
    'Not a published API: address and headers are those of the open source of Codex CLI, and were not tried with an account.',
  ],
  source: { url: 'https://github.com/openai/codex', read: '2026-11-25' },
  verified: 'none',
};

import type { ProviderFault } from '#wire/canonical.ts';

/** `useChat` gives this text to `onError`, and the message stays as far as it came. No `finish` and no `[DONE]` follow. */
export const streamFault = ({ message, code }: ProviderFault): string =>
  `data: ${JSON.stringify({ type: 'error', errorText: message, ...(code !== null && { code }) })}\n\n`;

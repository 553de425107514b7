import type { ProviderData } from './provider-data.ts';
import { anthropic } from './data/anthropic.ts';
import { lab, labChat, labMessages, labResponses } from './data/lab.ts';
import { openai } from './data/openai.ts';

export { dialectFor, headersOf, makeProvider, pathOf, retryableStatus, type Provider } from './interpreter.ts';
export { Transport, type UpstreamControl, type UpstreamFailure, type UpstreamHandler } from './transport.ts';
export type { ProviderData, Timers } from './provider-data.ts';

/** Every provider kind by name. */
export const PROVIDERS: Readonly<Record<string, ProviderData>> = Object.fromEntries(
  [openai, anthropic, lab, labChat, labResponses, labMessages].map((data) => [data.name, data]),
);

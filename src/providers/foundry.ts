import type { ProviderData } from './provider-data.ts';

/** What both APIs of a Microsoft Foundry resource have in common. */
export const FOUNDRY = {
  baseUrl: 'https://{resource}.services.ai.azure.com',
  query: {},
  refusedHints: {},
  retryStatuses: [409],
  onDisconnect: 'cancel',
  requestIdHeader: 'apim-request-id',
  keepsIds: true,
} as const satisfies Partial<ProviderData>;

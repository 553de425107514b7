/** Provider, tenants and configuration of the conservation tests: whoever pays, and for what. */
import { createServer } from 'node:net';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { TokenUse } from '#lab/provider/answer.ts';
import type { GateProcess } from '../harness/gate-process.ts';

/** Dollars a million tokens. All are whole nano-dollars a token, so that the judge needs no rounding of its own. */
const PRICE_USD = { input: '1', output: '2', cachedRead: '0.1', cacheWrite: '1.25', cacheWrite1h: '2' } as const;

const NANO_A_TOKEN = {
  input: 1000n,
  output: 2000n,
  cachedRead: 100n,
  cacheWrite5m: 1250n,
  cacheWrite1h: 2000n,
} as const;

/** What the provider would bill for an answer, reckoned apart from the gate's own price book. */
export function billedNanoUsd(use: Omit<TokenUse, 'reasoning'>): bigint {
  const plain = use.input - use.cachedRead - use.cacheWrite5m - use.cacheWrite1h;
  return (
    BigInt(plain) * NANO_A_TOKEN.input +
    BigInt(use.cachedRead) * NANO_A_TOKEN.cachedRead +
    BigInt(use.cacheWrite5m) * NANO_A_TOKEN.cacheWrite5m +
    BigInt(use.cacheWrite1h) * NANO_A_TOKEN.cacheWrite1h +
    BigInt(use.output) * NANO_A_TOKEN.output
  );
}

export const KINDS = ['chat', 'responses', 'messages', 'google'] as const;

const perMillion = Object.entries(PRICE_USD)
  .map(([bucket, usd]) => `${bucket}: "${usd}"`)
  .join(', ');

/** One provider as several, each speaking one family of dialects; `via-chat` falls back to another. `more` is added as it is. */
export const worldConfig = (url: string, more = ''): string => `
providers:
${KINDS.map((kind) => `  ${kind}: { kind: lab-${kind}, baseUrl: "${url}/v1" }`).join('\n')}
models:
  via-chat: { deployments: [{ provider: chat, model: lab-small }, { provider: messages, model: lab-small, order: 1 }] }
  via-responses: { deployments: [{ provider: responses, model: lab-small }] }
  via-messages: { deployments: [{ provider: messages, model: lab-small }] }
  via-google: { deployments: [{ provider: google, model: lab-small }] }
  short: { deployments: [{ provider: chat, model: lab-small, maxOutputTokens: 100 }] }
prices:
  - { provider: "*", model: "*", perMillion: { ${perMillion} } }
features: { search: {}, support: {} }
retry: { backoff: 20ms }
${more}
`;

/** A tenant with its keys, by the admin API. */
export async function makeTenant(gate: GateProcess, id: string, keys: number): Promise<readonly string[]> {
  await gate.admin('POST', '/tenants', { id });
  const made: string[] = [];
  for (let n = 1; n <= keys; n++) {
    const key = await gate.admin('POST', '/keys', { tenant: id, name: `${id}-${n}`, defaultFeature: 'search' });
    made.push(key.key as string);
  }
  return made;
}

/** A port that was free a moment ago: a restarted gate must come back where its callers look for it. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

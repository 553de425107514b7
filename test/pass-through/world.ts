import { after, before } from 'node:test';
import { startProvider, type Provider } from '#lab/provider/provider.ts';
import { startGate, type GateProcess } from '../harness/gate-process.ts';
import { loadSdks } from '../harness/sdks.ts';

type Sdk = InstanceType<Awaited<ReturnType<typeof loadSdks>>['OpenAI']>;

/** A gate before the lab, and OpenAI's own library as its client. */
export interface PassWorld {
  readonly gate: GateProcess;
  readonly provider: Provider;
  readonly openai: Sdk;
  /** `POST` with the demo key; a body that is no form is sent as JSON. */
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Response>;
  /** The newest entry of the ledger after `calls` further ones. */
  entryOf(response: { readonly headers: Headers } | string): Promise<any>;
}

export const PRICES = `
prices:
  - { provider: "*", model: "*", perMillion: { input: "1", output: "2" } }
`;

export function inPassWorld(config: (labUrl: string) => string): PassWorld {
  const world: { -readonly [K in keyof PassWorld]: PassWorld[K] } = {
    post: async (path: string, body: unknown, headers: Record<string, string> = {}) => {
      const form = body instanceof FormData || body instanceof Uint8Array;
      return fetch(`${world.gate.url}${path}`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${world.gate.key}`,
          ...(!form && { 'content-type': 'application/json' }),
          ...headers,
        },
        body: form ? (body as FormData) : JSON.stringify(body),
      });
    },
    entryOf: async (of: { readonly headers: Headers } | string) => {
      const id = typeof of === 'string' ? of : of.headers.get('x-headgate-call-id')!;
      let entry: unknown = null;
      await world.gate.until(`the entry of ${id}`, async () => {
        entry = await world.gate.admin('GET', `/calls/${id}`).catch(() => null);
        return entry !== null;
      });
      return entry;
    },
  } as never;
  before(async () => {
    world.provider = await startProvider({ seed: 20261125 });
    world.gate = await startGate({ config: config(world.provider.url), env: { PASS_KEY: 'pass-key-of-a-provider' } });
    const { OpenAI } = await loadSdks();
    world.openai = new OpenAI({ apiKey: world.gate.key, baseURL: `${world.gate.url}/v1`, maxRetries: 0 });
  });
  after(async () => {
    await world.gate?.stop();
    await world.provider?.close();
  });
  return world;
}

import { after, before } from 'node:test';
import { startGate, type GateProcess } from '../harness/gate-process.ts';
import { json, startUpstream, type ScriptedUpstream, type Seen } from '../clients-rules/scripted-upstream.ts';

/** A gate before an upstream that keeps what it got, byte by byte; its file declares what layers may ask for. */
export interface LayersWorld {
  readonly gate: GateProcess;
  readonly upstream: ScriptedUpstream;
}

export const OPERATOR_KEY = 'sk-operators-own-key';
export const ACME_KEY = 'sk-keys-that-acme-brought';

const config = (url: string): string => `
providers:
  lab: { baseUrl: "${url}/v1", apiKey: "\${env:OPERATOR_KEY}", dataRegion: us }
  europe: { kind: lab, baseUrl: "${url}/v1", apiKey: "\${env:OPERATOR_KEY}", dataRegion: eu }
  nowhere: { kind: lab, baseUrl: "${url}/v1", apiKey: "\${env:OPERATOR_KEY}" }
models:
  m: { deployments: [{ provider: lab }] }
  big: { deployments: [{ provider: lab }] }
  both: { deployments: [{ provider: lab, order: 0 }, { provider: europe, order: 1 }, { provider: nowhere, order: 2 }] }
  mixed: { deployments: [{ provider: lab, dataRegion: eu }] }
  bedrock: { deployments: [{ provider: lab }] }
  shared: { deployments: [{ provider: lab, prefixCache: shared }] }
prices: [{ provider: "*", model: "*", perMillion: { input: "1000", output: "2000" } }]
features: { search: {}, support: { chain: [both] } }
retry: { attempts: 2, backoff: 0ms }
tenants: { declared: { plan: gold }, byok: {} }
layers:
  file-layer:
    level: tenant
    tenant: declared
    template: { text: "From the file." }
  acme-keys:
    level: tenant
    tenant: byok
    ownKeys: { lab: "\${env:ACME_KEY}" }
`;

export function inLayersWorld(): LayersWorld {
  const world: { -readonly [K in keyof LayersWorld]: LayersWorld[K] } = {} as never;
  before(async () => {
    world.upstream = await startUpstream();
    world.gate = await startGate({
      config: config(world.upstream.url),
      env: { OPERATOR_KEY, ACME_KEY },
    });
    world.upstream.answer((response, seen) => json(answerFor(seen.path))(response, seen));
  });
  after(async () => {
    await world.gate?.stop();
    await world.upstream?.close();
  });
  return world;
}

const USAGE = { prompt_tokens: 11, completion_tokens: 7, total_tokens: 18 };

/** The smallest whole answer of each API. */
function answerFor(path: string): string {
  if (path.includes('/count_tokens')) return JSON.stringify({ input_tokens: 11 });
  if (path.includes('/messages'))
    return JSON.stringify({
      ...{ id: 'msg_1', type: 'message', role: 'assistant', model: 'up', stop_reason: 'end_turn', stop_sequence: null },
      content: [{ type: 'text', text: 'hi' }],
      usage: { input_tokens: 11, output_tokens: 7 },
    });
  if (path.includes('/responses'))
    return JSON.stringify({
      ...{ id: 'resp_1', object: 'response', created_at: 1, status: 'completed', model: 'up' },
      output: [],
      usage: { input_tokens: 11, output_tokens: 7, total_tokens: 18 },
    });
  if (path.includes(':generateContent'))
    return JSON.stringify({
      candidates: [{ content: { role: 'model', parts: [{ text: 'hi' }] }, finishReason: 'STOP' }],
      usageMetadata: { promptTokenCount: 11, candidatesTokenCount: 7, totalTokenCount: 18 },
    });
  if (path.includes(':countTokens')) return JSON.stringify({ totalTokens: 11 });
  if (path.includes('/converse'))
    return JSON.stringify({
      output: { message: { role: 'assistant', content: [{ text: 'hi' }] } },
      stopReason: 'end_turn',
      usage: { inputTokens: 11, outputTokens: 7, totalTokens: 18 },
    });
  if (path.includes('/embeddings'))
    return JSON.stringify({
      object: 'list',
      model: 'up',
      data: [{ object: 'embedding', index: 0, embedding: [0.5] }],
      usage: { prompt_tokens: 3, total_tokens: 3 },
    });
  return JSON.stringify({
    ...{ id: 'c1', object: 'chat.completion', created: 1, model: 'up', usage: USAGE },
    choices: [{ index: 0, message: { role: 'assistant', content: 'hi' }, finish_reason: 'stop' }],
  });
}

export interface Answered {
  readonly status: number;
  readonly body: any;
  readonly callId: string | null;
  /** What the upstream got; null: nothing. */
  readonly seen: Seen | null;
  /** Its body as a text. */
  readonly sent: string;
}

/** Posts a body of exactly these bytes and says what the upstream got. */
export async function post(
  { gate, upstream }: LayersWorld,
  path: string,
  text: string | object,
  key: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answered> {
  const before = upstream.seen.length;
  const response = await fetch(`${gate.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}`, ...headers },
    body: typeof text === 'string' ? text : JSON.stringify(text),
  });
  const body = await response.text();
  const seen = upstream.seen[before] ?? null;
  return {
    status: response.status,
    body: body === '' ? null : JSON.parse(body),
    callId: response.headers.get('x-headgate-call-id'),
    seen,
    sent: seen?.body.toString() ?? '',
  };
}

/** A key of a tenant; the tenant is made where it is new. */
export async function keyFor({ gate }: LayersWorld, tenant: string, settings: object = {}): Promise<string> {
  await gate.admin('POST', '/tenants', { id: tenant }).catch(() => null);
  const made = await gate.admin('POST', '/keys', { tenant, name: `key of ${tenant}`, ...settings });
  return made.key as string;
}

/** The entry of a call, once it is there. */
export async function entryOf({ gate }: LayersWorld, callId: string | null): Promise<any> {
  let entry: unknown = null;
  await gate.until('the entry', async () => {
    entry = await gate.admin('GET', `/calls/${callId}`).catch(() => null);
    return entry !== null;
  });
  return entry;
}

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startProvider, type Provider } from '#lab/provider/provider.ts';
import { startGate, type GateProcess } from '../harness/gate-process.ts';
import { loadSdks, sdksSkip } from '../harness/sdks.ts';
import { stockClients, type Read } from './stock-clients.ts';

/** The lab speaks one API here, so that what another client gets is translated. */
const config = (url: string): string => `
providers:
  up: { kind: lab, baseUrl: "${url}/v1" }
  chat: { kind: lab-chat, baseUrl: "${url}/v1" }
models:
  m: { deployments: [{ provider: up, model: lab-echo }] }
  crossed: { deployments: [{ provider: chat, model: lab-echo }] }
prices: [{ provider: "*", model: "*", perMillion: { input: "1", output: "1" } }]
stream: { heartbeat: 200ms }
`;

const world = {} as {
  lab: Provider;
  gate: GateProcess;
  clients: Readonly<Record<string, Read>>;
  bodies: string[];
  call: string;
  agent: string;
};
before(async () => {
  if (sdksSkip) return;
  world.lab = await startProvider({ seed: 20261127 });
  world.gate = await startGate({ config: config(world.lab.url) });
  world.bodies = [];
  world.clients = stockClients(await loadSdks(), watching);
});
after(async () => {
  await world.gate?.stop();
  await world.lab?.close();
});

/** Keeps the bytes that a client was sent. */
const plainFetch = globalThis.fetch;
const watching: typeof fetch = async (input, init) => {
  const response = await plainFetch(input, init);
  world.agent = new Headers(init?.headers).get('user-agent') ?? 'node';
  world.call = response.headers.get('x-headgate-call-id')!;
  const [own, seen] = response.body!.tee();
  const at = world.bodies.push('') - 1;
  void new Response(seen).text().then((text) => (world.bodies[at] = text));
  return new Response(own, { status: response.status, headers: response.headers });
};

/** What is another at each call: ids, times, and the texts by which an API hides lengths. */
const alike = (items: readonly unknown[]): unknown =>
  JSON.parse(
    JSON.stringify(items, (key, value: unknown) =>
      /^(id|responseId|response_id|messageId|item_id|itemId|callId|created|created_at|createTime|timestamp|performance|obfuscation|headers|sdkHttpResponse|completed_at)$/.test(
        key,
      )
        ? undefined
        : value,
    ),
  );

async function readBy(read: Read, headers: Record<string, string>): Promise<{ text: string; items: unknown[] }> {
  const { url, key } = world.gate;
  const items: unknown[] = [];
  const models = { own: 'm', crossed: 'crossed' };
  return { text: await read({ url, key, models, headers, saw: (item) => items.push(item) }), items };
}
/** The body behind the last read, once it is whole. */
async function sent(): Promise<string> {
  await world.gate.until('the body', () => world.bodies.at(-1) !== '');
  return world.bodies.at(-1)!;
}

const RESUME = { 'x-headgate-resume': 'true' };
const NAMES = [
  ...['openai, chat', 'openai, responses', '@anthropic-ai/sdk', '@google/genai'],
  ...['ai with @ai-sdk/openai, chat', 'ai with @ai-sdk/openai, responses', 'ai with @ai-sdk/anthropic'],
  ...['ai with @ai-sdk/google', 'ai, DefaultChatTransport'],
];

/** Its parser passes over an event that begins with an `id`, and would yield nothing at all. */
const DATA_ALONE = '@google/genai';

/** What clients of a provider make of an event that is none of their API's: this is why it is a comment by default. */
const TAKES_EVENT: Readonly<Record<string, 'yields it' | 'throws'>> = {
  'openai, responses': 'yields it',
  '@anthropic-ai/sdk': 'yields it',
  'ai with @ai-sdk/openai, chat': 'throws',
  'ai with @ai-sdk/anthropic': 'throws',
  'ai, DefaultChatTransport': 'throws',
};

describe('official clients on streams with Headgate’s terminal event', { skip: sdksSkip }, () => {
  test('every client is here', () => assert.deepEqual(Object.keys(world.clients), NAMES));

  for (const name of NAMES) {
    test(`${name}: the same items as without it, none of them odd`, async () => {
      const read = world.clients[name]!;
      const plain = await readBy(read, {});
      assert.doesNotMatch(await sent(), /headgate/);
      const ended = await readBy(read, RESUME);
      const body = await sent();
      if (name === DATA_ALONE) assert.match(body, /^(data: .*\n\n)+$/);
      else {
        assert.match(body, /\n: headgate-end \{"status":"ok".*"type":"headgate\.end"\}\n\n$/, 'its last line');
        assert.match(body, /^id: /m);
      }
      assert.equal(ended.text, 'hi');
      assert.deepEqual(alike(ended.items), alike(plain.items));
      assert.ok(ended.items.length > 1);
    });

    test(`${name}: read again from its start, byte for byte`, async () => {
      await readBy(world.clients[name]!, RESUME);
      const body = await sent();
      const again = await plainFetch(`${world.gate.url}/v1/streams/${world.call}`, {
        headers: { authorization: `Bearer ${world.gate.key}`, 'user-agent': world.agent },
      });
      assert.equal(await again.text(), body);
    });

    test(`${name}: the event that browsers need goes to whoever asks for it by name`, async () => {
      const read = world.clients[name]!;
      const plain = await readBy(read, RESUME);
      const asked = await readBy(read, { ...RESUME, 'x-headgate-end': 'event' }).catch((thrown: Error) => thrown);
      if (name === DATA_ALONE) assert.doesNotMatch(await sent(), /headgate/);
      else assert.match(await sent(), /event: headgate\.end\ndata: \{"status":"ok".*"type":"headgate\.end"\}/);
      const takes = TAKES_EVENT[name] ?? 'passes it over';
      if (takes === 'throws') return assert.match(String(asked), /Type validation failed/);
      assert.ok(!(asked instanceof Error), String(asked));
      const [own, more] = [asked.items.slice(0, plain.items.length), asked.items.slice(plain.items.length)];
      assert.deepEqual(alike(own), alike(plain.items));
      assert.deepEqual(
        more.map((item: any) => item.type),
        takes === 'yields it' ? ['headgate.end'] : [],
      );
    });
  }
});

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Agent, fetch as undiciFetch } from 'undici';
import { startGate, type GateProcess } from '../harness/gate-process.ts';
import { loadSdks, sdksSkip } from '../harness/sdks.ts';
import { wordsOf, stockClients, TIMER_ENDED, type Asked } from './stock-clients.ts';
import { EVENTS, startUpstream, type ScriptedUpstream, type StreamPath } from '../clients-rules/scripted-upstream.ts';

/**
 * Node's fetch ends an answer that is silent for 300 s, before its head and between two reads, and none of these
 * clients has another timer of idleness. Here the same timer of the same parser is one second, and the silence two and a half.
 */
const CLIENT_TIMER_MS = 1_000;
const SILENCE_MS = 2_500;
const HEARTBEAT_MS = 250;

const world = {} as {
  up: ScriptedUpstream;
  beating: GateProcess;
  mute: GateProcess;
  agent: Agent;
  clients: ReturnType<typeof stockClients>;
};

const config = (url: string, heartbeat: string): string => `
providers:
  up: { kind: lab, baseUrl: "${url}/v1" }
  chat: { kind: lab-chat, baseUrl: "${url}/v1" }
models:
  m: { deployments: [{ provider: up, model: up }] }
  crossed: { deployments: [{ provider: chat, model: up }] }
prices: [{ provider: "*", model: "*", perMillion: { input: "1", output: "1" } }]
stream: { heartbeat: ${heartbeat} }
retry: { attempts: 1 }
`;

before(async () => {
  if (sdksSkip) return;
  world.clients = stockClients(await loadSdks(), fetch);
  world.up = await startUpstream();
  world.agent = new Agent({ headersTimeout: CLIENT_TIMER_MS, bodyTimeout: CLIENT_TIMER_MS });
  world.beating = await startGate({ config: config(world.up.url, `${HEARTBEAT_MS}ms`) });
  world.mute = await startGate({ config: config(world.up.url, '60s') });
});
after(async () => {
  await Promise.all([world.beating?.stop(), world.mute?.stop()]);
  await world.agent?.destroy();
  await world.up?.close();
});

/** What the SDKs use, with its timer shortened. */
const fetch = ((url: string, init: object) =>
  undiciFetch(url, { ...init, dispatcher: world.agent } as never)) as unknown as typeof globalThis.fetch;

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, SILENCE_MS));

type Silence = keyof typeof SILENCES;
const SILENCES = {
  head: 'before the provider’s head',
  before: 'before the first token',
  between: 'between two tokens',
} as const;
const EACH = Object.keys(SILENCES) as Silence[];

/** Silent somewhere: in the words of the dialect in which it is asked. */
function silent(where: Silence): void {
  world.up.answer(async (response, { path }) => {
    const { start, text, finish, usage, end } = EVENTS[path as StreamPath];
    if (where === 'head') await pause();
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.flushHeaders();
    if (where === 'before') await pause();
    response.write(start + text);
    if (where === 'between') await pause();
    response.end(finish + usage + end);
  });
}

/** The client's own timer: nothing else may end such a stream. */
function isTimeout(thrown: unknown): true {
  assert.match(wordsOf(thrown), TIMER_ENDED);
  return true;
}
const asked = ({ url, key }: GateProcess): Asked => ({ url, key, models: { own: 'm', crossed: 'crossed' } });

/** The clients wait beside one another: the subtests of a test take turns else. */
const AT_ONCE = { concurrency: true } as const;

describe('heartbeats keep real clients alive through a silence longer than their timer', { skip: sdksSkip }, () => {
  for (const where of EACH)
    test(`${SILENCES[where]}: the exact text`, AT_ONCE, async (t) => {
      silent(where);
      await Promise.all(
        Object.entries(world.clients).map(([name, read]) =>
          t.test(name, async () => assert.equal(await read(asked(world.beating)), 'Hel lo')),
        ),
      );
    });

  for (const where of EACH)
    test(`without heartbeats the same clients die ${SILENCES[where]}`, AT_ONCE, async (t) => {
      silent(where);
      await Promise.all(
        Object.entries(world.clients).map(([name, read]) =>
          t.test(name, () => assert.rejects(read(asked(world.mute)), isTimeout)),
        ),
      );
    });
});

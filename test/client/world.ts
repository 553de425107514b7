import { startGate, type GateProcess } from '../harness/gate-process.ts';
import { startUpstream, stream, type ScriptedUpstream, type StreamPart } from '../clients-rules/scripted-upstream.ts';

/** A gate before an upstream whose answers a test writes. */
export interface ClientWorld {
  readonly gate: GateProcess;
  readonly up: ScriptedUpstream;
  stop(): Promise<void>;
}

export async function clientWorld(more = ''): Promise<ClientWorld> {
  const up = await startUpstream();
  const gate = await startGate({
    config: `
providers:
  chat: { kind: lab-chat, baseUrl: "${up.url}/v1" }
models:
  chat: { deployments: [{ provider: chat, model: up }] }
stream: { heartbeat: 200ms, resume: { grace: 3s, keep: 60s, orphansPerKey: 10000 } }
retry: { attempts: 1 }
${more}`,
  });
  const stop = async (): Promise<void> => {
    await gate.stop();
    await up.close();
  };
  return { gate, up, stop };
}

const chunk = (content: string | null, finish: string | null = null): string =>
  `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'up', choices: [{ index: 0, delta: content === null ? {} : { content }, finish_reason: finish }] })}\n\n`;

export const WORDS = Array.from({ length: 30 }, (_, i) => `wörd${i} 👋 `);
export const TEXT = WORDS.join('');

/** The words, one an event, with a pause behind each. */
export const answerOf = (pauseMs: number): ReturnType<typeof stream> =>
  stream([
    ...WORDS.flatMap((word): StreamPart[] => (pauseMs > 0 ? [chunk(word), pauseMs] : [chunk(word)])),
    chunk(null, 'stop'),
    'data: [DONE]\n\n',
  ]);
/** The first words, and then the upstream's connection is closed without an end. */
export const brokenAnswer = (): ReturnType<typeof stream> => stream(WORDS.slice(0, 5).map((word) => chunk(word)));

export const CALL = {
  path: '/v1/chat/completions',
  body: { model: 'chat', messages: [{ role: 'user', content: 'hi' }] },
};

export const contentOf = (data: string): string =>
  data === '[DONE]' ? '' : (JSON.parse(data).choices?.[0]?.delta.content ?? '');

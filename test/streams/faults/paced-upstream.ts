import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { seededRng, type Rng } from '#lab/fault-proxy/plan.ts';

/** What the provider wrote for one prompt: the judge of what a client may have. */
export interface Generation {
  /** The text that a whole answer has. */
  readonly text: string;
  /** Requests for it. More than one is a second spend. */
  requests: number;
}

export interface PacedUpstream {
  readonly url: string;
  generation(prompt: string): Generation;
  close(): Promise<void>;
}

const SYLLABLES = ['ga', 'te', 'lo', 'mü', '日本', 'ri', '“x”', 'né', '😀', 'tok', '\\n', '\n'];

const words = (count: number, rng: Rng): readonly string[] =>
  Array.from({ length: count }, (_, i) => `${i}:${SYLLABLES[Math.floor(rng() * SYLLABLES.length)]!} `);

const chunk = (delta: object, finish: string | null = null): string =>
  `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'up', choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`;
const usage = (tokens: number): string =>
  `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'up', choices: [], usage: { prompt_tokens: 9, completion_tokens: tokens, total_tokens: 9 + tokens } })}\n\ndata: [DONE]\n\n`;

/** A provider of chats that writes a text of its own for each prompt, word by word, some of them with long silences. */
export async function startPacedUpstream(options: {
  readonly seed: number;
  readonly tokens: number;
  readonly paceMs: number;
  readonly silenceMs: number;
}): Promise<PacedUpstream> {
  const generations = new Map<string, Generation & { readonly tokens: readonly string[] }>();
  const generationOf = (prompt: string): Generation & { readonly tokens: readonly string[] } => {
    const known = generations.get(prompt);
    if (known) return known;
    const rng = seededRng(options.seed + generations.size + Number(/\d+/.exec(prompt)?.[0] ?? 0) * 7919);
    const tokens = words(1 + Math.floor(rng() * options.tokens), rng);
    const made = { tokens, text: tokens.join(''), requests: 0 };
    generations.set(prompt, made);
    return made;
  };
  const write = async (response: ServerResponse, tokens: readonly string[]): Promise<void> => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(chunk({ role: 'assistant', content: '' }));
    const silentAt = tokens.length % 3 === 0 ? Math.floor(tokens.length / 2) : -1;
    for (const [i, token] of tokens.entries()) {
      if (response.destroyed) return;
      response.write(chunk({ content: token }));
      await new Promise((resolve) => setTimeout(resolve, i === silentAt ? options.silenceMs : options.paceMs));
    }
    response.end(chunk({}, 'stop') + usage(tokens.length));
  };
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (piece: string) => (body += piece));
    request.on('end', () => {
      const { messages } = JSON.parse(body) as { messages: readonly { readonly content: string }[] };
      const generation = generationOf(messages.at(-1)!.content);
      generation.requests++;
      void write(response, generation.tokens);
    });
  });
  server.keepAliveTimeout = 620_000;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    generation: generationOf,
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

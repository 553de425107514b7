import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One request as the upstream got it. */
export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly response: ServerResponse;
  /** When the gate closed the connection before the answer was whole; null: it did not. */
  closedAtMs: number | null;
}

export type Script = (response: ServerResponse, seen: Seen) => void | Promise<void>;

/** An upstream whose every byte the test writes, for what the simulated provider would never say. */
export interface ScriptedUpstream {
  readonly url: string;
  readonly seen: readonly Seen[];
  /** What answers from now on. */
  answer(script: Script): void;
  close(): Promise<void>;
}

const MOST_BODY_KEPT = 1024 * 1024;

export async function startUpstream(): Promise<ScriptedUpstream> {
  const seen: Seen[] = [];
  let script: Script = (response) => void response.writeHead(500).end();
  const server = createServer((request, response) => void serve(request, response));
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of request as AsyncIterable<Buffer>) {
      if ((bytes += chunk.length) <= MOST_BODY_KEPT) chunks.push(chunk);
    }
    const { method = '', url = '', headers } = request;
    const one: Seen = { method, path: url, headers, body: Buffer.concat(chunks), response, closedAtMs: null };
    response.on('close', () => {
      if (!response.writableEnded) one.closedAtMs = performance.now();
    });
    seen.push(one);
    await script(response, one);
  };
  server.keepAliveTimeout = 620_000;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    answer: (next) => (script = next),
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

/** A whole answer as JSON text of exactly these bytes. */
export const json =
  (text: string, status = 200, headers: Record<string, string> = {}): Script =>
  (response) =>
    void response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(text);

export type StreamPart = string | number | 'cut';

/** A stream: texts are written as they are, numbers are milliseconds of silence, `cut` breaks the connection. */
export const stream =
  (parts: readonly StreamPart[], headers: Record<string, string> = {}): Script =>
  async (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream', ...headers });
    response.flushHeaders();
    for (const part of parts) {
      if (response.destroyed) return;
      if (part === 'cut') return void response.destroy();
      if (typeof part === 'number') await new Promise((resolve) => setTimeout(resolve, part));
      // One event a packet, so that the gate reads them one by one.
      else await new Promise<void>((resolve) => response.write(part, () => resolve()));
    }
    response.end();
  };

/** The events of each dialect, as their providers write them. */
export const EVENTS = {
  '/v1/chat/completions': {
    start: `data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"up","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}\n\n`,
    text: `data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"up","choices":[{"index":0,"delta":{"content":"Hel lo"},"finish_reason":null}]}\n\n`,
    finish: `data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"up","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n`,
    usage: `data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"up","choices":[],"usage":{"prompt_tokens":11,"completion_tokens":7,"total_tokens":18}}\n\n`,
    end: 'data: [DONE]\n\n',
    error: `data: {"error":{"message":"The server is overloaded","type":"server_error","param":null,"code":null}}\n\n`,
  },
  '/v1/messages': {
    start: `event: message_start\ndata: {"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"up","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":11,"output_tokens":1}}}\n\nevent: content_block_start\ndata: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}\n\n`,
    text: `event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hel lo"}}\n\n`,
    finish: `event: content_block_stop\ndata: {"type":"content_block_stop","index":0}\n\n`,
    usage: `event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":7}}\n\n`,
    end: `event: message_stop\ndata: {"type":"message_stop"}\n\n`,
    error: `event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n`,
  },
  '/v1/responses': {
    start: `event: response.created\ndata: {"type":"response.created","sequence_number":0,"response":{"id":"resp_s1","object":"response","created_at":1,"status":"in_progress","model":"up","output":[]}}\n\n`,
    text: `event: response.output_text.delta\ndata: {"type":"response.output_text.delta","sequence_number":1,"item_id":"msg_1","output_index":0,"content_index":0,"delta":"Hel lo","logprobs":[]}\n\n`,
    finish: `event: response.output_text.done\ndata: {"type":"response.output_text.done","sequence_number":2,"item_id":"msg_1","output_index":0,"content_index":0,"text":"Hel lo","logprobs":[]}\n\n`,
    usage: '',
    end: `event: response.completed\ndata: {"type":"response.completed","sequence_number":3,"response":{"id":"resp_s1","object":"response","created_at":1,"status":"completed","model":"up","output":[{"type":"message","id":"msg_1","role":"assistant","status":"completed","content":[{"type":"output_text","text":"Hel lo","annotations":[]}]}],"usage":{"input_tokens":11,"input_tokens_details":{"cached_tokens":0},"output_tokens":7,"output_tokens_details":{"reasoning_tokens":0},"total_tokens":18}}}\n\n`,
    error: `event: error\ndata: {"type":"error","sequence_number":2,"code":"server_error","message":"The server is overloaded","param":null}\n\n`,
  },
} as const;
export type StreamPath = keyof typeof EVENTS;

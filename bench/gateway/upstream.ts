/**
 * Upstream of the bench: OpenAI chat, JSON or paced SSE, always the same bytes, so that what a client measures beyond
 * its pauses is the cost of what sits between. Pauses and lengths come in the body's `metadata`.
 */
import { createServer, type ServerResponse } from 'node:http';

const port = Number(process.env['PORT']);
const stats = { requests: 0, aborted: 0, lastAbortAtMs: 0 };
const usage = {
  prompt_tokens: 120,
  completion_tokens: 100,
  total_tokens: 220,
  prompt_tokens_details: { cached_tokens: 40, audio_tokens: 0 },
  completion_tokens_details: { reasoning_tokens: 0, audio_tokens: 0 },
};
const base = { id: 'chatcmpl-bench', created: 1_700_000_000, model: 'gpt-bench' };
const message = { role: 'assistant', content: 'Hello from the bench upstream. '.repeat(16), refusal: null };
const unary = Buffer.from(
  JSON.stringify({
    ...base,
    object: 'chat.completion',
    choices: [{ index: 0, message, logprobs: null, finish_reason: 'stop' }],
    usage,
  }),
);
const chunk = (choices: unknown[], more: object = {}): string =>
  `data: ${JSON.stringify({ ...base, object: 'chat.completion.chunk', choices, ...more })}\n\n`;
const delta = (content: object, finish: string | null = null): string =>
  chunk([{ index: 0, delta: content, logprobs: null, finish_reason: finish }]);
const [FIRST, TOKEN, LAST] = [
  delta({ role: 'assistant', content: '' }),
  delta({ content: ' token' }),
  delta({}, 'stop'),
];
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function stream(response: ServerResponse, options: Record<string, string>, withUsage: boolean): Promise<void> {
  response.once('close', () => {
    if (response.writableFinished) return;
    stats.aborted++;
    stats.lastAbortAtMs = Date.now();
  });
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
  response.flushHeaders();
  await sleep(Number(options['ttft_ms'] ?? 0));
  response.write(FIRST);
  for (let i = 0; i < Number(options['tokens'] ?? 100) && !response.destroyed; i++) {
    // The first token follows the role at once, as at every provider: time to first token is time to content.
    if (i > 0 && options['itl_ms']) await sleep(Number(options['itl_ms']));
    response.write(TOKEN);
  }
  response.write(LAST);
  if (withUsage) response.write(chunk([], { usage }));
  response.end('data: [DONE]\n\n');
}

createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
  if (request.url === '/stats') return void response.end(JSON.stringify(stats));
  const parts: Buffer[] = [];
  request.on('data', (part: Buffer) => parts.push(part));
  request.on('end', () => {
    stats.requests++;
    const body = JSON.parse(Buffer.concat(parts).toString() || '{}') as {
      stream?: boolean;
      metadata?: Record<string, string>;
      stream_options?: { include_usage?: boolean };
    };
    if (body.stream) return void stream(response, body.metadata ?? {}, body.stream_options?.include_usage === true);
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': unary.length });
    response.end(unary);
  });
}).listen(port, '127.0.0.1', () => console.log(`listening on ${port}`));

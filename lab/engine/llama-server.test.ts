import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { llamaServerMissing, startLlamaServer } from './llama-server.ts';

describe("llama.cpp's own server on the generated model", { skip: llamaServerMissing() }, () => {
  test('answers a chat with the tokens that were asked for', async () => {
    const server = await startLlamaServer({ slots: 1 });
    try {
      const response = await fetch(`${server.baseUrl}/chat/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ model: server.model, max_tokens: 3, messages: [{ role: 'user', content: 'the day' }] }),
      });
      const body = (await response.json()) as { usage: { completion_tokens: number } };
      assert.equal(response.status, 200);
      assert.ok(body.usage.completion_tokens >= 1 && body.usage.completion_tokens <= 3);
    } finally {
      await server.stop();
    }
  });
});

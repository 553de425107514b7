import assert from 'node:assert/strict';
import { test } from 'node:test';
import { llamaServerMissing, startLlamaServer } from './llama-server.ts';

test("llama.cpp's own server answers a chat on the generated model", { skip: llamaServerMissing() }, async () => {
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

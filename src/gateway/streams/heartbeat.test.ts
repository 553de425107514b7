import assert from 'node:assert/strict';
import { test } from 'node:test';
import { heartbeatOf } from './heartbeat.ts';

const event = (data: object): Buffer =>
  Buffer.from(`event: ${(data as { type: string }).type}\ndata: ${JSON.stringify(data)}\n\n`);
const PING = 'event: ping\ndata: {"type": "ping"}\n\n';
const claude = () => heartbeatOf('anthropic-messages', 'claude-cli/2.1.197 (external, cli)');

test('Claude Code is sent an empty delta of the open block, of the block’s own kind', () => {
  for (const [type, delta] of Object.entries({
    text: { type: 'text_delta', text: '' },
    thinking: { type: 'thinking_delta', thinking: '' },
    tool_use: { type: 'input_json_delta', partial_json: '' },
  })) {
    const heartbeat = claude();
    heartbeat.sent(event({ type: 'message_start', message: {} }));
    assert.equal(heartbeat.text, PING, 'no block is open yet');
    heartbeat.sent(event({ type: 'content_block_start', index: 2, content_block: { type } }));
    const data = JSON.stringify({ type: 'content_block_delta', index: 2, delta });
    assert.equal(heartbeat.text, `${PING}event: content_block_delta\ndata: ${data}\n\n`);
    heartbeat.sent(event({ type: 'content_block_delta', index: 2, delta: { type: 'text_delta', text: 'hi' } }));
    assert.match(heartbeat.text, /"index":2/);
    heartbeat.sent(event({ type: 'content_block_stop', index: 2 }));
    assert.equal(heartbeat.text, PING);
  }
});

test('events that come together, words of a text that look like an edge, and kinds that nobody knows', () => {
  const heartbeat = claude();
  const start = event({ type: 'content_block_start', index: 0, content_block: { type: 'text' } });
  const text = 'data: {"type":"content_block_stop","index":0}\n';
  heartbeat.sent(Buffer.concat([start, event({ type: 'content_block_delta', index: 0, delta: { text } })]));
  assert.match(heartbeat.text, /text_delta/, 'a text about events is a text');
  const stop = event({ type: 'content_block_stop', index: 0 });
  const odd = event({ type: 'content_block_start', index: 1, content_block: { type: 'web_search_tool_result' } });
  heartbeat.sent(Buffer.concat([stop, odd]));
  assert.equal(heartbeat.text, PING);
  heartbeat.sent(Buffer.from('data: {"content_block_start" broken\n\n'));
  assert.equal(heartbeat.text, PING);
});

test('other clients get what their parsers pass over', () => {
  assert.equal(heartbeatOf('anthropic-messages', 'anthropic-sdk').text, PING);
  assert.equal(heartbeatOf('openai-responses', 'codex_exec/0.169.0').text.startsWith('event: headgate.ping'), true);
  assert.equal(heartbeatOf('openai-chat', null).text, ': ping\n\n');
});

import type { DialectName } from '#wire/canonical.ts';
import { isObject } from '#wire/json/read.ts';

/** A sign of life that the client's own idle timer counts, at a place where its parser takes it. */
export interface Heartbeat {
  /** What is written now. */
  readonly text: string;
  /** Whole events that the client was sent. */
  sent(events: Buffer): void;
}

const COMMENT = ': ping\n\n';
const MESSAGES_PING = 'event: ping\ndata: {"type": "ping"}\n\n';
/**
 * Codex drops comments before its idle timer sees them, and passes over types that it does not know (clients.md 9).
 * The binary frames of AWS have no comments; its SDKs pass over types of events that they do not know.
 */
const UNKNOWN_EVENT = 'event: headgate.ping\ndata: {"type":"headgate.ping"}\n\n';

/** No parser of lines minds it, and one that knows no comments neither. */
const BLANK_LINE = '\n';

const always = (text: string): Heartbeat => ({ text, sent: () => {} });
const FIXED = {
  comment: always(COMMENT),
  ping: always(MESSAGES_PING),
  unknown: always(UNKNOWN_EVENT),
  blank: always(BLANK_LINE),
};

/**
 * Google's SDKs read `data` and nothing else of the standard: that of JavaScript passes over an event that begins with
 * an `id` (3.3.0), and that of Python takes every other line for JSON, comments too (2.25.0).
 */
export const takesDataAlone = (dialect: DialectName, client: string | null | undefined): boolean =>
  dialect === 'google-generate' && client?.startsWith('google-genai-sdk') === true;

/**
 * Anthropic's `ping` in its dialect, an event for clients that drop or have no comments, else a comment, which every parser
 * passes over.
 */
export function heartbeatOf(dialect: DialectName, client: string | null): Heartbeat {
  if (dialect === 'anthropic-messages') return client?.startsWith('claude-cli') ? new EmptyDelta() : FIXED.ping;
  if (takesDataAlone(dialect, client)) return FIXED.blank;
  if (dialect === 'bedrock-converse') return FIXED.unknown;
  return dialect === 'openai-responses' && client?.startsWith('codex') ? FIXED.unknown : FIXED.comment;
}

/** What adds nothing to a block of each kind. */
const NOTHING: Readonly<Record<string, object>> = {
  text: { type: 'text_delta', text: '' },
  thinking: { type: 'thinking_delta', thinking: '' },
  tool_use: { type: 'input_json_delta', partial_json: '' },
  server_tool_use: { type: 'input_json_delta', partial_json: '' },
};

/** In each event that opens or closes a block, and in next to no other. */
const BLOCK_EDGE = Buffer.from('content_block_st');
const EDGES = /^data: ?(\{.*"content_block_st(?:art|op)".*\})\r?$/gm;

/**
 * Claude Code gives a stream up after five minutes without an event, and its SDK drops pings before they are counted:
 * an empty delta of the open block counts, and adds nothing. Between blocks there is only the ping.
 */
class EmptyDelta implements Heartbeat {
  #open: { readonly index: number; readonly delta: object } | null = null;

  get text(): string {
    if (this.#open === null) return MESSAGES_PING;
    const data = JSON.stringify({ type: 'content_block_delta', ...this.#open });
    return `${MESSAGES_PING}event: content_block_delta\ndata: ${data}\n\n`;
  }

  sent(events: Buffer): void {
    if (!events.includes(BLOCK_EDGE)) return;
    for (const [, data] of events.toString().matchAll(EDGES)) this.#edge(data!);
  }

  #edge(data: string): void {
    let event: unknown;
    try {
      event = JSON.parse(data);
    } catch {
      return;
    }
    if (!isObject(event)) return;
    if (event['type'] === 'content_block_stop') this.#open = null;
    if (event['type'] !== 'content_block_start') return;
    const { index, content_block: block } = event;
    const delta = isObject(block) ? NOTHING[String(block['type'])] : undefined;
    this.#open = delta !== undefined && typeof index === 'number' ? { index, delta } : null;
  }
}

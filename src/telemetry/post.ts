import { gzipSync } from 'node:zlib';
import { Agent, request } from 'undici';
import type { Answered } from './core/backoff.ts';
import type { OtlpSettings } from './settings.ts';

/** A batch as the collector gets it. */
export interface Payload {
  readonly path: '/v1/traces' | '/v1/metrics';
  readonly body: Buffer;
  readonly spans: number;
}

/** Answers are a few bytes; more is no collector's. */
const MOST_ANSWER_BYTES = 64 * 1024;
/** A connection of its own, so that a dead collector holds no socket of anything else. */
const CONNECTIONS = 2;

export interface Posted extends Answered {
  /** Of a success: how many spans or points the collector left out of it. */
  readonly leftOut: number;
}

/** Sends payloads to one collector. Redirects are answers like any other: they are not followed. */
export class Poster {
  readonly #settings: OtlpSettings;
  readonly #agent: Agent;

  constructor(settings: OtlpSettings) {
    this.#settings = settings;
    this.#agent = new Agent({ connections: CONNECTIONS, connect: { timeout: settings.timeoutMs } });
  }

  async post({ path, body }: Payload, signal: AbortSignal): Promise<Posted> {
    const { endpoint, headers, protocol, compression, timeoutMs } = this.#settings;
    const gzip = compression === 'gzip';
    try {
      const answer = await request(endpoint + path, {
        method: 'POST',
        dispatcher: this.#agent,
        signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
        headers: {
          ...headers,
          'user-agent': 'headgate',
          'content-type': protocol === 'json' ? 'application/json' : 'application/x-protobuf',
          ...(gzip && { 'content-encoding': 'gzip' }),
        },
        body: gzip ? gzipSync(body, { level: 1 }) : body,
      });
      const text = await readSome(answer.body);
      const { 'retry-after': wait } = answer.headers;
      const leftOut = answer.statusCode === 200 ? leftOutOf(text, protocol) : 0;
      return { status: answer.statusCode, retryAfter: typeof wait === 'string' ? wait : null, leftOut };
    } catch {
      return { status: null, retryAfter: null, leftOut: 0 };
    }
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }
}

async function readSome(body: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > MOST_ANSWER_BYTES) break;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Count of a partial success: field 1 of the answer, and field 1 in that. 0 where it cannot be read. */
export function leftOutOf(answer: Buffer, protocol: OtlpSettings['protocol']): number {
  if (answer.length === 0) return 0;
  if (protocol === 'json') return leftOutOfJson(answer.toString('utf8'));
  // Tag 0x0a is field 1 of bytes, tag 0x08 field 1 of a varint; a count of spans fits four bytes of seven bits.
  if (answer[0] !== 0x0a || answer[2] !== 0x08) return 0;
  let [value, scale] = [0, 1];
  for (let i = 3; i < Math.min(answer.length, 8); i++, scale *= 128) {
    value += (answer[i]! & 0x7f) * scale;
    if (answer[i]! < 0x80) return value;
  }
  return 0;
}

function leftOutOfJson(text: string): number {
  try {
    const { partialSuccess } = JSON.parse(text) as { partialSuccess?: Record<string, unknown> };
    const count = Number(partialSuccess?.['rejectedSpans'] ?? partialSuccess?.['rejectedDataPoints'] ?? 0);
    return Number.isFinite(count) && count > 0 ? count : 0;
  } catch {
    return 0;
  }
}

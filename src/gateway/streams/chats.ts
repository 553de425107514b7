import type { IncomingMessage, ServerResponse } from 'node:http';
import { HeadgateError } from '#kernel/errors.ts';
import type { LiveStream } from '#capabilities/streams/index.ts';
import { UI_STREAM_HEADERS } from '../client-stream.ts';
import type { Gate } from '../gate.ts';
import { decoded } from '../routes.ts';
import { callerOf, here, tooLargeText } from './own-stream.ts';
import { endByHand, wrongMethod } from './stream-answers.ts';
import { STREAM_HEAD } from './stream-head.ts';
import { heartbeatOf } from './heartbeat.ts';
import { readerWishes } from './reader-wishes.ts';
import { ResponseReader } from './response-reader.ts';

/** Where `reconnectToStream` of the AI SDK asks: below the path of the chat, by the chat's own id. */
const CHAT = /^\/v1\/ui\/chat\/([^/]{1,768})\/(stream|cancel)$/;

interface Asked {
  readonly gate: Gate;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

/** The newest stream of a chat, to read or to cancel. Null: the path is none of these. */
export function serveChat(asked: Asked, path: string): Promise<void> | null {
  const match = CHAT.exec(path);
  const chat = match && decoded(match[1]!);
  if (!match || !chat) return null;
  return match[2] === 'stream' ? read(asked, chat) : cancel(asked, chat);
}

/** The SDK takes a 204 for "nothing to take up". It reads from the start: nothing that it got before is kept. */
async function read(asked: Asked, chat: string): Promise<void> {
  const { gate, request, response } = asked;
  if (request.method !== 'GET') throw wrongMethod(response, 'GET');
  const stream = await chatOf(asked, chat);
  if (stream === null) return void response.writeHead(204).end();
  if (stream.overflowed) throw new HeadgateError('stream_gone', { message: tooLargeText(stream) });
  stream.resumed();
  response.writeHead(200, { ...STREAM_HEAD, ...UI_STREAM_HEADERS, 'x-headgate-call-id': stream.id });
  response.flushHeaders();
  const query = (request.url ?? '').split('?')[1] ?? '';
  const heartbeat = heartbeatOf(stream.dialect, request.headers['user-agent'] ?? null);
  const wishes = readerWishes(stream.dialect, { request, query, config: gate.config });
  stream.attach(new ResponseReader(response, stream, { heartbeat, ...wishes }), 0);
}

async function cancel(asked: Asked, chat: string): Promise<void> {
  if (asked.request.method !== 'POST') throw wrongMethod(asked.response, 'POST');
  const stream = await chatOf(asked, chat);
  if (stream === null) throw new HeadgateError('not_found', { message: 'This key has no live stream of such a chat.' });
  endByHand(stream, asked.response);
}

async function chatOf({ gate, request }: Asked, chat: string): Promise<LiveStream | null> {
  const { tenant, key } = callerOf(gate, request.headers);
  return here(await gate.streams.findChat(chat, { tenant: tenant.id, key: key.id }));
}

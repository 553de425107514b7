import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { CallId } from '#kernel/brand.ts';
import { HeadgateError } from '#kernel/errors.ts';
import { positionOf, startOf, type LiveStream, type Position } from '#capabilities/streams/index.ts';
import type { Caller } from '#capabilities/tenants/index.ts';
import type { Gate } from '../gate.ts';
import { serveChat } from './chats.ts';
import { heartbeatOf } from './heartbeat.ts';
import { readerWishes } from './reader-wishes.ts';
import { ResponseReader } from './response-reader.ts';
import { snapshotOf } from './snapshot.ts';
import { callerOf, streamOf, tooLargeText } from './own-stream.ts';
import { endByHand, wrongMethod } from './stream-answers.ts';
import { STREAM_HEAD } from './stream-head.ts';
import { issueTicket, redeemTicket, wrongTicket } from './tickets.ts';

const TICKETS = '/v1/stream-tickets';
const PATH = /^\/v1\/streams\/(call_[0-9A-Z]{26})(\/cancel)?$/;

/**
 * `GET /v1/streams/{call id}` reads a stream again, from `Last-Event-ID` or `starting_after` on, and goes on live;
 * `POST …/cancel` ends it from any connection; `POST /v1/stream-tickets` lets a browser read one. Null: the path is none of these.
 */
export function serveStreams(
  gate: Gate,
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
): Promise<void> | null {
  if (path === TICKETS) return issueTicket(gate, request, response);
  const match = PATH.exec(path);
  if (!match) return serveChat({ gate, request, response }, path);
  return match[2] === undefined
    ? read(gate, request, response, match[1] as CallId)
    : cancel(gate, request, response, match[1] as CallId);
}

async function read(gate: Gate, request: IncomingMessage, response: ServerResponse, id: CallId): Promise<void> {
  if (request.method !== 'GET') throw wrongMethod(response, 'GET');
  const query = (request.url ?? '').split('?')[1] ?? '';
  const asked = new URLSearchParams(query);
  const stream = await streamOf(gate, await readerOf(gate, request.headers, { asked, id }), id);
  const start = startOf(stream, positionAsked(request, asked));
  if (!start.ok) throw start.error;
  // Whoever has the terminal event has it all: 204 tells a browser's EventSource to come back no more.
  if (stream.ended && start.value > stream.ended.events) return void response.writeHead(204).end();
  if (stream.overflowed) throw new HeadgateError('stream_gone', { message: tooLargeText(stream) });
  // A browser that comes back on the same address has its snapshot, and says what it has since.
  const anew = request.headers['last-event-id'] === undefined;
  const first = anew && asked.get('snapshot') === 'true' ? await snapshotEvent(stream, asked, start.value) : null;
  stream.resumed();
  response.writeHead(200, { ...STREAM_HEAD, 'x-headgate-call-id': id });
  response.flushHeaders();
  if (first) response.write(first.text);
  const heartbeat = heartbeatOf(stream.dialect, request.headers['user-agent'] ?? null);
  const reader = new ResponseReader(response, stream, {
    heartbeat,
    ...readerWishes(stream.dialect, { request, query, config: gate.config }),
  });
  stream.attach(reader, first?.from ?? start.value);
}

/** The state up to a position, as an event with that position: behind it the stream goes on. */
async function snapshotEvent(
  stream: LiveStream,
  asked: URLSearchParams,
  start: number,
): Promise<{ readonly text: string; readonly from: number }> {
  const from = asked.get('starting_after') === null ? stream.events : start;
  const state = await snapshotOf(stream, from);
  if (state === null) throw new HeadgateError('stream_gone', { message: tooLargeText(stream) });
  const at = from === 0 ? null : stream.positionAt(from - 1);
  const id = at === null ? '' : `id: ${at}\n`;
  return { text: `${id}event: headgate.snapshot\ndata: ${JSON.stringify({ at, ...state })}\n\n`, from };
}

async function cancel(gate: Gate, request: IncomingMessage, response: ServerResponse, id: CallId): Promise<void> {
  if (request.method !== 'POST') throw wrongMethod(response, 'POST');
  const stream = await streamOf(gate, callerOf(gate, request.headers), id);
  endByHand(stream, response);
}

interface Wanted {
  readonly asked: URLSearchParams;
  readonly id: CallId;
}

/** By a ticket where the query has one, and by nothing else then. */
async function readerOf(gate: Gate, headers: IncomingHttpHeaders, { asked, id }: Wanted): Promise<Caller> {
  const secret = asked.get('ticket');
  if (secret === null) return callerOf(gate, headers);
  const { caller, stream } = await redeemTicket(gate, secret);
  if (stream !== id) throw wrongTicket();
  return caller;
}

/** `Last-Event-ID` of browsers, `starting_after` of OpenAI's API; null: from the start. */
function positionAsked(request: IncomingMessage, asked: URLSearchParams): Position | null {
  const text = request.headers['last-event-id'] ?? asked.get('starting_after');
  if (text === null || text === '') return null;
  const position = positionOf(String(text));
  if (position) return position;
  throw new HeadgateError('invalid_request', {
    field: 'last-event-id',
    message: 'A position is the `id` of the last event that came.',
  });
}

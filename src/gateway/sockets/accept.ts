import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import { WEBSOCKET_TIMERS } from '../timers.ts';
import { CLOSE, Line } from './line.ts';
import type { SocketLimits } from './limits.ts';

/** What is spoken on a socket. */
export interface Conversation {
  message(text: Buffer): void;
  closed(): void;
  drain(idle: () => void): void;
}

export interface Accepting {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
  readonly limits: () => SocketLimits;
  readonly begin: (line: Line) => Conversation;
  readonly opened: (line: Line, conversation: Conversation) => void;
}

/**
 * Compression is off: three times the CPU, twenty times the memory of a stream (research, streams 5). Pings are answered
 * by the line, which counts them: `ws` itself cuts whoever has 60 of them unanswered, without a closing frame.
 */
export const OPTIONS = {
  ...{ noServer: true, clientTracking: false, perMessageDeflate: false, autoPong: false },
  ...WEBSOCKET_TIMERS,
} as const;

let server: WebSocketServer | null = null;
/** `ws` closes what is larger with 1009, and what is not UTF-8 with 1007. A reload changes the bound of later sockets. */
function serverFor(maxPayload: number): WebSocketServer {
  if (server?.options.maxPayload !== maxPayload) server = new WebSocketServer({ ...OPTIONS, maxPayload });
  return server!;
}

/** Finishes an upgrade and hands every text message to a conversation. */
export function accept({ request, socket, head, limits, begin, opened }: Accepting): void {
  serverFor(limits().frameBytes).handleUpgrade(request, socket, head, (client) => {
    const line = new Line(client, socket, limits);
    const conversation = begin(line);
    client.on('error', () => client.terminate());
    client.on('close', () => conversation.closed());
    client.on('pong', () => line.alive());
    client.on('ping', (data) => line.answer(data));
    client.on('message', (data, isBinary) => {
      if (!line.open || !line.heard()) return;
      if (isBinary) return line.close(CLOSE.notText, 'frames are text');
      conversation.message(data as Buffer);
    });
    opened(line, conversation);
  });
}

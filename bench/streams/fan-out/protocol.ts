import type { IncomingMessage, ServerResponse } from 'node:http';
import type { LiveStream } from '#capabilities/streams/index.ts';

/** Where a server of the bench listens, and what it was asked to serve. */
export interface Serving {
  readonly port: number;
  close(): void;
}

/** How one protocol carries streams, in a file of its own: the server's side, and the client's. */
export interface FanOutProtocol {
  readonly name: string;
  /** Serves streams on a free port: `arrived` is called for each client that wants one, and gives its stream. */
  serve(arrived: (attach: (stream: LiveStream) => void) => void): Promise<Serving>;
  /** Opens a stream; `event` is called with the data of each event. Resolves when the stream is over. */
  read(port: number, event: (data: string) => void): Promise<void>;
}

export type Handler = (request: IncomingMessage, response: ServerResponse) => void;

import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type WebSocket } from 'ws';
import { runStream, type Run, type Sink } from './stream.ts';

/** What a client may send at once; it is sent back as it came. */
const MAX_MESSAGE_BYTES = 16 * 1024;
/** Unsent bytes of one socket; a client that does not read is cut. */
const MAX_UNSENT_BYTES = 1024 * 1024;

export interface Upgrade {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
}

/** WebSockets of the echo. Compression is off: it costs three times the CPU and twenty times the memory (streams.md 5). */
export class EchoSockets {
  readonly #server = new WebSocketServer({
    noServer: true,
    // The few sockets of a ticket.
    clientTracking: true,
    perMessageDeflate: false,
    maxPayload: MAX_MESSAGE_BYTES,
  });

  accept({ request, socket, head }: Upgrade, run: Omit<Run, 'sink'>): void {
    // What `ws` refuses (a wrong key or version) opens nothing, and the pass must not stay held.
    socket.once('close', () => run.pass.release());
    this.#server.handleUpgrade(request, socket, head, (client) => serve(client, run));
  }

  /** Those too that wait for the other side's closing frame. */
  terminate(): void {
    for (const client of this.#server.clients) client.terminate();
  }
}

function serve(client: WebSocket, run: Omit<Run, 'sink'>): void {
  const stream = runStream({ ...run, sink: sinkOf(client, run.params.sizeBytes) });
  client.on('error', () => client.terminate());
  client.on('close', () => stream.closed());
  client.on('message', (data, isBinary) => {
    const bytes = (data as Buffer).length;
    if (!run.pass.spend(2 * bytes) || client.bufferedAmount > MAX_UNSENT_BYTES) return client.terminate();
    client.send(data, { binary: isBinary });
  });
}

function sinkOf(client: WebSocket, sizeBytes: number): Sink {
  const pad = 'x'.repeat(sizeBytes);
  const send = (value: object): number => {
    const text = JSON.stringify(value);
    client.send(text);
    return Buffer.byteLength(text);
  };
  return {
    event: (n, at) => send({ n, at, ...(sizeBytes > 0 && { pad }) }),
    beat: (at) => {
      client.ping(String(at));
      return 16;
    },
    done: (count) => {
      send({ count });
      client.close(1000);
    },
    // Both end the connection without a closing frame; a reset is what `ws` gives, too.
    die: () => client.terminate(),
    cut: () => client.terminate(),
  };
}

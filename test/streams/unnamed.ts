/** A relay that takes the names of products out of answers: what is judged by a name is judged differently behind it. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

const NAMES = /^(server|via|x-varnish|x-powered-by|x-cache|age)\s*:/i;
const END = '\r\n\r\n';

export interface Unnamed {
  readonly url: string;
  readonly stop: () => Promise<void>;
}

export async function startUnnamed(target: string): Promise<Unnamed> {
  const port = Number(new URL(target).port);
  const open = new Set<Socket>();
  const server = createServer({ noDelay: true }, (client) => {
    const upstream = connect({ port, host: '127.0.0.1', noDelay: true });
    for (const socket of [client, upstream]) open.add(socket.on('close', () => open.delete(socket)));
    passHead(client, upstream);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const stop = async (): Promise<void> => {
    const closed = once(server, 'close');
    server.close();
    for (const socket of open) socket.destroy();
    await closed;
  };
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, stop };
}

/** Both directions as they come, and the head of the first answer without names. */
export function passHead(client: Socket, upstream: Socket): void {
  client.on('data', (chunk) => upstream.write(chunk));
  client.on('error', () => reset(upstream));
  client.on('close', () => upstream.destroy());
  upstream.on('error', () => (client.writableEnded ? client.destroy() : reset(client)));
  upstream.on('end', () => client.end());
  let head: Buffer | null = Buffer.alloc(0);
  upstream.on('data', (chunk: Buffer) => {
    if (head === null) return void client.write(chunk);
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf(END);
    if (end < 0) return;
    const lines = head.toString('latin1', 0, end).split('\r\n');
    client.write(Buffer.from(lines.filter((line) => !NAMES.test(line)).join('\r\n') + END, 'latin1'));
    if (end + END.length < head.length) client.write(head.subarray(end + END.length));
    head = null;
  });
}

/** A reset of TLS is one of what carries it. */
const reset = (socket: Socket): void => void ('encrypted' in socket ? socket.destroy() : socket.resetAndDestroy());

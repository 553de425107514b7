import { WebSocket } from 'ws';

/** A client of `/v1/stream` by the `ws` library, with every frame that came. */
export interface SocketClient {
  readonly frames: any[];
  readonly socket: WebSocket;
  send(frame: object | string): void;
  /** The first frame, from the start of the socket on, that fits. */
  frame(fits: (frame: any) => boolean): Promise<any>;
  readonly closed: Promise<{ code: number; reason: string }>;
  leave(): void;
}

export interface Opening {
  readonly url: string;
  readonly key?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly autoPong?: boolean;
}

/** Type and members of every frame that came to this process. */
export const SHAPES = new Set<string>();
export const shapeOf = (frame: object): string =>
  `${(frame as { type: string }).type}: ${Object.keys(frame).toSorted().join(' ')}`;

export const socketUrl = (url: string, path = '/v1/stream'): string => url.replace('http', 'ws') + path;

export function openSocket({ url, key, path, headers, autoPong = true }: Opening): Promise<SocketClient> {
  const socket = new WebSocket(socketUrl(url, path), {
    headers: { ...(key !== undefined && { authorization: `Bearer ${key}` }), ...headers },
    autoPong,
  });
  const frames: any[] = [];
  const waiting = new Set<() => void>();
  socket.on('message', (data) => {
    const frame = JSON.parse(String(data));
    frames.push(frame);
    SHAPES.add(shapeOf(frame));
    for (const look of [...waiting]) look();
  });
  const closed = new Promise<{ code: number; reason: string }>((resolve) =>
    socket.on('close', (code, reason) => resolve({ code, reason: String(reason) })),
  );
  const frame = (fits: (frame: any) => boolean): Promise<any> =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        waiting.delete(look);
        reject(
          new Error(
            `no such frame within 15 s; came: ${frames.length}, last ${JSON.stringify(frames.at(-1)).slice(0, 300)}`,
          ),
        );
      }, 15_000);
      const look = (): void => {
        const found = frames.find(fits);
        if (found === undefined) return;
        clearTimeout(timer);
        waiting.delete(look);
        resolve(found);
      };
      waiting.add(look);
      look();
    });
  const client: SocketClient = {
    ...{ frames, socket, closed, frame },
    send: (value) => socket.send(typeof value === 'string' ? value : JSON.stringify(value)),
    leave: () => socket.terminate(),
  };
  return new Promise((resolve, reject) => {
    socket.on('open', () => resolve(client));
    socket.on('error', reject);
  });
}

/** The status and body of a refused upgrade. */
export function refusedUpgrade(opening: Opening): Promise<{ status: number; body: any }> {
  const { url, key, path, headers } = opening;
  const socket = new WebSocket(socketUrl(url, path), {
    headers: { ...(key !== undefined && { authorization: `Bearer ${key}` }), ...headers },
  });
  return new Promise((resolve, reject) => {
    socket.on('error', () => undefined);
    socket.on('open', () => reject(new Error('the upgrade was not refused')));
    socket.on('unexpected-response', (request, response) => {
      let text = '';
      response.on('data', (chunk) => (text += String(chunk)));
      response.on('end', () => {
        request.destroy();
        resolve({ status: response.statusCode!, body: text === '' ? null : JSON.parse(text) });
      });
    });
  });
}

/** Frames of one stream, batches opened. */
export const said = (frames: readonly any[], stream: string): any[] =>
  frames
    .filter((frame) => frame.stream === stream)
    .flatMap((frame) => (frame.type === 'batch' ? frame.frames : [frame]));

export const textOf = (frames: readonly any[], stream: string): string =>
  said(frames, stream)
    .filter(({ type, kind }) => type === 'delta' && kind === 'text')
    .map(({ text }) => text)
    .join('');

import { Cut, StreamGone, type StreamEnd } from './errors.ts';
import { mayPass, refusal, watchdog, type Connecting, type Item, type Source, type Wanted } from './source.ts';

/** Events between two acknowledgements: the gate counts what is not acknowledged against a slow reader. */
const ACK_EVERY = 32;
/** The one stream of a socket. */
const NAME = 's';

/** A frame of the gate (docs/reference of `/v1/stream`), as far as a reader of native events needs it. */
interface Frame {
  readonly type: string;
  readonly id?: string;
  readonly epoch?: string;
  readonly seq?: number;
  readonly event?: string;
  readonly data?: string;
  readonly status?: number | string;
  readonly body?: unknown;
  readonly retryAfterMs?: number;
  readonly stream?: string;
  readonly resumable?: boolean;
  readonly finish?: unknown;
  readonly usage?: unknown;
  readonly textSha256?: string | null;
}

/** Node's own WebSocket takes headers as well; a browser's does not, and brings a ticket. */
type WebSocketOf = new (url: string, options?: object) => WebSocket;

/**
 * The transport over `/v1/stream`: one socket a connection of a stream.
 *
 * @param Socket Where the runtime has no `WebSocket` of its own (Node before 22): the one of the package `ws`.
 * @throws {TypeError} Neither was given nor is there one.
 */
export const ws = (Socket: typeof WebSocket | undefined = globalThis.WebSocket): Source => {
  if (Socket === undefined)
    throw new TypeError('This runtime has no WebSocket: pass one, as in ws(WebSocket) with that of the package `ws`.');
  return async function* (wanted, options) {
    const dog = watchdog(wanted.signal, options.idleMs);
    const socket = new (Socket as WebSocketOf)(...(await addressOf(wanted, options)));
    const frames = framesOf(socket, dog);
    socket.addEventListener('open', () => socket.send(JSON.stringify(openingOf(wanted))));
    try {
      let epoch = '';
      let count = 0;
      for await (const frame of frames) {
        const item = itemOf(frame, wanted, (epoch = frame.epoch ?? epoch));
        if (item === null) continue;
        yield item;
        if (item.type === 'end') return;
        if (item.type === 'event' && ++count % ACK_EVERY === 0)
          socket.send(JSON.stringify({ type: 'ack', stream: NAME, seq: frame.seq }));
      }
    } finally {
      dog.done();
      socket.close();
    }
  };
};

async function addressOf({ call, id }: Wanted, options: Connecting): Promise<[string, object?]> {
  const url = `${options.baseURL.replace(/^http/, 'ws')}/v1/stream`;
  const ticket = call ? undefined : await options.getTicket?.(id!);
  if (ticket !== undefined) return [`${url}?ticket=${encodeURIComponent(ticket)}`];
  return [url, { headers: await options.headers() }];
}

function openingOf({ call, id, after, form: asked }: Wanted): object {
  const form = { stream: NAME, form: asked };
  if (!call) return { type: 'resume', ...form, id, ...(after !== null && { after }) };
  const headers = { 'x-headgate-resume': 'true', ...call.headers };
  return { type: 'start', ...form, path: call.path, body: { stream: true, ...call.body }, headers };
}

/** What comes on a socket, until it closes or nobody wants it. Listens from its call on. */
function framesOf(socket: WebSocket, dog: ReturnType<typeof watchdog>): AsyncGenerator<Frame> {
  const waiting: Frame[] = [];
  let over: Error | null = null;
  let wake = (): void => undefined;
  const end = (why: string): void => {
    over ??= new Cut(why);
    wake();
  };
  socket.addEventListener('message', ({ data }) => {
    dog.feed();
    waiting.push(JSON.parse(String(data)) as Frame);
    wake();
  });
  socket.addEventListener('close', ({ code }) => end(`The socket closed with ${code}.`));
  socket.addEventListener('error', () => end('The socket failed.'));
  dog.signal.addEventListener('abort', () => end('No sign of life.'));
  return (async function* () {
    for (;;) {
      yield* waiting.splice(0);
      if (waiting.length > 0) continue;
      if (over) throw over;
      await new Promise<void>((resolve) => (wake = resolve));
    }
  })();
}

function itemOf(frame: Frame, wanted: Wanted, epoch: string): Item | null {
  const { type, id = null, seq, event, data } = frame;
  switch (type) {
    case 'started':
    case 'resumed':
      return { type: 'head', id };
    case 'event':
      return { type: 'event', position: epoch && `${epoch}.${seq}`, event: event || 'message', data: data! };
    case 'end':
      return { type: 'end', end: endOf(frame) };
    case 'lagging':
      if (frame.resumable) throw new Cut('This reader was too slow.');
      throw new StreamGone('This reader was too slow, and the stream is not kept.', { id, position: null });
    case 'error':
    case 'answer':
      if (seq === undefined) throw refused(frame, wanted);
  }
  if (seq === undefined) return null;
  const { stream: _, seq: __, ...said } = frame;
  return { type: 'event', position: epoch && `${epoch}.${seq}`, event: type, data: JSON.stringify(said) };
}

/** Comments and the like are events of the log without a frame: the last number may be of one that never comes. */
function endOf({ status, finish, usage, textSha256 }: Frame): StreamEnd {
  return { status: String(status), last: null, finish, usage, textSha256: textSha256 ?? null };
}

function refused({ status, body, retryAfterMs = 0 }: Frame, wanted: Wanted): Error {
  const cause = refusal(Number(status), body, wanted);
  return mayPass(Number(status), wanted)
    ? new Cut(`The gate answered ${status}.`, { waitMs: retryAfterMs, cause })
    : cause;
}

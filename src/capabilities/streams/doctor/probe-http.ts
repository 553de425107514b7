import { connect as connectHttp2 } from 'node:http2';
import { connect as connectTls } from 'node:tls';
import type { Http2Facts, HttpFacts } from './core/measured.ts';
import { askEcho, askEchoHttp2, type Answer } from './probe-answer.ts';
import { addressOf, headersOf, trustOf, urlOf, type Way } from './way.ts';

const ROUND_TRIPS = 5;
const BOUND_MS = 3_000;

/** Thrown where the echo does not answer: nothing can be measured then. */
export class NoEcho extends Error {
  override readonly name = 'NoEcho';
  readonly answer: Answer;
  constructor(answer: Answer) {
    super(answer.code ?? `status ${answer.status}`);
    this.answer = answer;
  }
}

/** Throws a {@link NoEcho} where the way does not lead to an echo that takes the ticket. */
export async function httpFacts(way: Way): Promise<HttpFacts> {
  const answers: Answer[] = [];
  for (let i = 0; i < ROUND_TRIPS; i++) {
    const answer = await askEcho(way, 'json');
    if (seenOf(answer) === null) throw new NoEcho(answer);
    answers.push(answer);
  }
  const { httpVersion, server, via } = answers[0]!;
  return {
    clientVersion: httpVersion,
    originVersion: seenOf(answers[0]!)!.httpVersion,
    secure: way.base.protocol === 'https:',
    offersHttp2: await offersHttp2(way),
    roundTripMs: Math.min(...answers.map(({ tookMs }) => tookMs)),
    ...{ server, via },
  };
}

const seenOf = ({ status, body }: Answer): { readonly httpVersion: string } | null =>
  status === 200 ? ((body as { seen?: { httpVersion: string } } | null)?.seen ?? null) : null;

/** The same over HTTP/2. Null: the echo does not answer over it. */
export async function http2Facts(way: Way): Promise<Pick<Http2Facts, 'originVersion' | 'roundTripMs'> | null> {
  const answers: Answer[] = [];
  for (let i = 0; i < ROUND_TRIPS; i++) {
    const answer = await askEchoHttp2(way, 'json');
    if (seenOf(answer) === null) return null;
    answers.push(answer);
  }
  const roundTripMs = Math.min(...answers.map(({ tookMs }) => tookMs));
  return { originVersion: seenOf(answers[0]!)!.httpVersion, roundTripMs };
}

const offersHttp2 = (way: Way): Promise<boolean | null> =>
  way.base.protocol === 'https:' ? offeredByTls(way) : spokenInClear(way);

/** ALPN (RFC 7301): what the server chooses where both are offered. */
function offeredByTls(way: Way): Promise<boolean | null> {
  const { promise, resolve } = Promise.withResolvers<boolean | null>();
  const socket = connectTls({ ...addressOf(way), ALPNProtocols: ['h2', 'http/1.1'], ...trustOf(way) });
  socket.setTimeout(BOUND_MS, () => socket.destroy());
  socket.once('secureConnect', () => {
    resolve(socket.alpnProtocol === 'h2');
    socket.destroy();
  });
  socket.once('error', () => resolve(null));
  socket.once('close', () => resolve(null));
  return promise;
}

/** HTTP/2 with prior knowledge (RFC 9113, 3.3): gRPC in clear needs it of every hop. */
function spokenInClear(way: Way): Promise<boolean | null> {
  const { promise, resolve } = Promise.withResolvers<boolean | null>();
  const url = urlOf(way, 'json');
  const session = connectHttp2(url.origin);
  const end = (spoken: boolean): void => {
    clearTimeout(timer);
    resolve(spoken);
    session.destroy();
  };
  const timer = setTimeout(() => end(false), BOUND_MS);
  session.on('error', () => end(false));
  session.on('close', () => end(false));
  const stream = session.request({ ':method': 'GET', ':path': url.pathname, ...headersOf(way) });
  stream.on('error', () => end(false));
  stream.on('response', () => end(true));
  stream.end();
  return promise;
}

import { isUtf8 } from 'node:buffer';
import { err, ok, type Result } from '#kernel/result.ts';
import { scan } from '../json/scan.ts';
import { splice } from '../json/splice.ts';
import { MAX_DEPTH, parseStrict } from '../json/strict.ts';
import type { ClientFrame, FrameForm } from './frames.ts';

/** What is wrong with a frame; `stream`: which it was about, where that can be said. */
export interface FrameFault {
  readonly field: string;
  readonly message: string;
  readonly stream: string | null;
}

/** Names of streams are the client's own and are sent back with every event: short. */
const MAX_NAME = 64;
const MAX_PATH = 2_048;
const MAX_HEADERS = 32;
const MAX_HEADER_VALUE = 4_096;
const MAX_NONCE = 64;

/** Headers that a call may bring in its frame. Credentials are the socket's. */
const HEADER = /^(x-headgate-(?!key$)[a-z0-9-]{1,64}|idempotency-key|traceparent|tracestate|anthropic-(version|beta))$/;
const HEADER_VALUE = /^[\x20-\x7e]*$/;

type Members = Readonly<Record<string, unknown>>;
type Read<T> = Result<T, FrameFault>;

/** Reads one frame of a client. Pure; strict on everything but `body`, which the call's own path reads. */
export function readFrame(bytes: Buffer): Read<ClientFrame> {
  if (!isUtf8(bytes)) return wrong('frame', 'A frame is text in UTF-8.');
  // A body may be long: it is cut out by one scan, and read by its own path alone.
  const at = scan(bytes, MAX_DEPTH).spans.get('body');
  const rest = at === undefined ? bytes : splice(bytes, new Map([['body', at]]), new Map([['body', '0']]));
  const parsed = parseStrict(rest);
  if (!parsed.ok) return wrong(parsed.error.field ?? 'frame', parsed.error.message.replace('The body', 'The frame'));
  const members = parsed.value.value;
  const body = at === undefined ? null : Buffer.from(bytes.subarray(at.start, at.end));
  const read = byType(members, body);
  if (read.ok) return read;
  const { stream } = members;
  return err({ ...read.error, stream: typeof stream === 'string' && stream.length <= MAX_NAME ? stream : null });
}

const MEMBERS: Readonly<Record<ClientFrame['type'], readonly string[]>> = {
  start: ['type', 'stream', 'path', 'body', 'headers', 'form'],
  resume: ['type', 'stream', 'id', 'after', 'snapshot', 'form'],
  cancel: ['type', 'stream'],
  ack: ['type', 'stream', 'seq'],
  ping: ['type', 'nonce'],
  pong: ['type', 'nonce'],
};

function byType(members: Members, body: Buffer | null): Read<ClientFrame> {
  const { type } = members;
  if (typeof type !== 'string' || !Object.hasOwn(MEMBERS, type))
    return wrong('type', `The type of a frame is one of ${Object.keys(MEMBERS).join(', ')}.`);
  const known = MEMBERS[type as ClientFrame['type']];
  const odd = Object.keys(members).find((name) => !known.includes(name));
  if (odd !== undefined)
    return wrong(odd.slice(0, 64), `A frame \`${type}\` has ${known.slice(1).join(', ')} and no more.`);
  if (type === 'pong') return ok({ type });
  if (type === 'ping') return ping(members);
  const { stream } = members;
  if (typeof stream !== 'string' || stream === '' || stream.length > MAX_NAME)
    return wrong('stream', `The name of a stream is a text of 1 to ${MAX_NAME} characters.`);
  if (type === 'cancel') return ok({ type, stream });
  if (type === 'ack') return ack(members, stream);
  return type === 'start' ? start(members, stream, body) : resume(members, stream);
}

function ping({ nonce }: Members): Read<ClientFrame> {
  if (nonce === undefined) return ok({ type: 'ping', nonce: null });
  if (typeof nonce !== 'string' || nonce.length > MAX_NONCE)
    return wrong('nonce', `A nonce is a text of at most ${MAX_NONCE} characters.`);
  return ok({ type: 'ping', nonce });
}

function ack({ seq }: Members, stream: string): Read<ClientFrame> {
  if (!Number.isSafeInteger(seq) || (seq as number) < 0)
    return wrong('seq', 'A seq is the number of an event that came: 0 or more.');
  return ok({ type: 'ack', stream, seq: seq as number });
}

function start(members: Members, stream: string, body: Buffer | null): Read<ClientFrame> {
  const { path } = members;
  if (typeof path !== 'string' || !path.startsWith('/') || path.length > MAX_PATH)
    return wrong('path', `A path begins with / and has at most ${MAX_PATH} characters.`);
  if (body === null || body[0] !== 0x7b) return wrong('body', 'The body is one JSON object.');
  const headers = headersOf(members['headers']);
  if (!headers.ok) return headers;
  const form = formOf(members['form']);
  return form.ok ? ok({ type: 'start', stream, path, body, headers: headers.value, form: form.value }) : form;
}

function resume(members: Members, stream: string): Read<ClientFrame> {
  const { id, after = null, snapshot = false } = members;
  if (typeof id !== 'string' || id.length > 64) return wrong('id', 'The id is that of the call.');
  if (after !== null && (typeof after !== 'string' || !/^[0-9a-z]{10}\.\d{1,12}$/.test(after)))
    return wrong('after', 'A position is `epoch.seq` of the last event that came.');
  if (typeof snapshot !== 'boolean') return wrong('snapshot', 'It is true or false.');
  const form = formOf(members['form']);
  if (!form.ok) return form;
  if (snapshot && form.value === 'native')
    return wrong('snapshot', 'A snapshot is of the form `frames`; a native stream is read again from its start.');
  return ok({ type: 'resume', stream, id, after, snapshot, form: form.value });
}

function headersOf(given: unknown): Read<Readonly<Record<string, string>>> {
  const out: Record<string, string> = {};
  if (given === undefined) return ok(out);
  if (typeof given !== 'object' || given === null || Array.isArray(given) || Object.keys(given).length > MAX_HEADERS)
    return wrong('headers', `Headers are one object of at most ${MAX_HEADERS} members.`);
  for (const [name, value] of Object.entries(given)) {
    const lower = name.toLowerCase();
    const field = `headers.${name.slice(0, 64)}`;
    if (!HEADER.test(lower))
      return wrong(
        field,
        'A frame may bring x-headgate-*, idempotency-key, traceparent and anthropic-*; keys are the socket’s.',
      );
    if (typeof value !== 'string' || value.length > MAX_HEADER_VALUE || !HEADER_VALUE.test(value))
      return wrong(field, `A header is printable ASCII of at most ${MAX_HEADER_VALUE} characters.`);
    out[lower] = value;
  }
  return ok(out);
}

function formOf(given: unknown): Read<FrameForm> {
  if (given === undefined || given === 'frames') return ok('frames');
  return given === 'native' ? ok('native') : wrong('form', 'A form is `frames` or `native`.');
}

const wrong = (field: string, message: string): Result<never, FrameFault> => err({ field, message, stream: null });

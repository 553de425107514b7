import { Cut, type StreamEnd } from './errors.ts';
import { mayPass, refusal, watchdog, type Connecting, type Item, type Wanted } from './source.ts';

/** A block of an event stream. `id` is the block's own: signs of life have none. */
interface Block {
  readonly id: string | null;
  readonly event: string;
  readonly data: string | null;
}

/** Splits an event stream (WHATWG, 9.2.6) into blocks; a block that is not ended is dropped. */
export function blockReader(): (text: string) => Block[] {
  let rest = '';
  let first = true;
  let block: { id: string | null; event: string; data: string | null } = { id: null, event: '', data: null };
  return (text) => {
    rest += text;
    if (first && rest !== '') {
      first = false;
      if (rest[0] === '\ufeff') rest = rest.slice(1);
    }
    const out: Block[] = [];
    // A carriage return at the end may be half of a line's end.
    for (let end; (end = /\r\n|\n|\r(?!$)/.exec(rest));) {
      const line = rest.slice(0, end.index);
      rest = rest.slice(end.index + end[0].length);
      if (line === '') {
        if (block.data !== null || block.id !== null) out.push(block);
        block = { id: null, event: '', data: null };
        continue;
      }
      const [, name, value = ''] = /^([^:]*):? ?(.*)$/s.exec(line)!;
      if (name === 'data') block.data = block.data === null ? value : `${block.data}\n${value}`;
      else if (name === 'event') block.event = value;
      else if (name === 'id' && !value.includes('\0')) block.id = value;
    }
    return out;
  };
}

const urlOf = ({ baseURL }: Connecting, { call, id, after }: Wanted, ticket: string | undefined): string => {
  if (call) return baseURL + call.path;
  const query = new URLSearchParams({ end: 'event' });
  if (after !== null) query.set('starting_after', after);
  if (ticket !== undefined) query.set('ticket', ticket);
  return `${baseURL}/v1/streams/${id}?${query}`;
};

async function open(wanted: Wanted, options: Connecting, signal: AbortSignal): Promise<Response> {
  const { call, id } = wanted;
  const ticket = call ? undefined : await options.getTicket?.(id!);
  const headers = ticket === undefined ? await options.headers() : {};
  const init: RequestInit = { signal, headers, cache: 'no-store' };
  if (call) {
    init.method = 'POST';
    init.body = JSON.stringify({ stream: true, ...call.body });
    init.headers = {
      ...headers,
      ...{ 'content-type': 'application/json', 'x-headgate-resume': 'true', 'x-headgate-end': 'event' },
      ...call.headers,
    };
  }
  return options.fetch(urlOf(options, wanted, ticket), init);
}

/** One connection by `fetch`: a call, or its stream read again. */
export async function* sse(wanted: Wanted, options: Connecting): AsyncGenerator<Item> {
  const dog = watchdog(wanted.signal, options.idleMs);
  try {
    const response = await open(wanted, options, dog.signal);
    if (!response.ok) throw await refused(response, wanted, options);
    yield { type: 'head', id: response.headers.get('x-headgate-call-id') ?? wanted.id };
    if (response.body === null || response.status === 204) return;
    const reader = response.body.getReader();
    const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
    const blocks = blockReader();
    let kept = false;
    for (let read; !(read = await reader.read()).done;) {
      dog.feed();
      for (const { id: position, event, data } of blocks(decoder.decode(read.value, { stream: true }))) {
        if (event === 'headgate.end') yield { type: 'end', end: JSON.parse(data!) as StreamEnd };
        // Where events have positions, what has none is a sign of life.
        else if (position !== null) yield { type: 'event', position, event: event || 'message', data };
        else if (!kept && !/^(headgate\.)?ping$/.test(event))
          yield { type: 'event', position, event: event || 'message', data };
        kept ||= position !== null;
      }
    }
  } finally {
    dog.done();
  }
}

async function refused(response: Response, wanted: Wanted, { getTicket }: Connecting): Promise<Error> {
  const text = await response.text();
  let body: unknown = text;
  try {
    body = JSON.parse(text);
  } catch {
    // A proxy's own page.
  }
  const { status } = response;
  // A ticket may have been spent by a connection that broke off: the next one is new.
  const spent = status === 401 && getTicket !== undefined && !wanted.call;
  const passing = response.headers.get('x-should-retry') !== 'false' && mayPass(status, wanted);
  const waitMs = Number(response.headers.get('retry-after-ms') ?? Number(response.headers.get('retry-after')) * 1_000);
  const id = wanted.id ?? response.headers.get('x-headgate-call-id');
  const cause = refusal(status, body, { ...wanted, id });
  return passing || spent ? new Cut(`The gate answered ${status}.`, { waitMs: waitMs || 0, cause }) : cause;
}

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { describe, test } from 'node:test';
import { sseSplitter } from './splitter.ts';

/** What a browser would dispatch. */
interface Dispatched {
  readonly name: string;
  readonly data: string;
}
interface Vector {
  readonly why: string;
  readonly bytes: string | Buffer;
  readonly dispatched: readonly Dispatched[];
}

const message = (data: string, name = ''): Dispatched => ({ name, data });

/** Written from the WHATWG's standard, section 9.2.5 (parsing) and 9.2.6 (interpretation), its examples among them. */
const VECTORS: readonly Vector[] = [
  { why: 'one line of data', bytes: 'data: a\n\n', dispatched: [message('a')] },
  {
    why: 'several lines of data are joined by a line feed',
    bytes: 'data: a\ndata: b\n\n',
    dispatched: [message('a\nb')],
  },
  {
    why: 'an example: an empty data, two of them, and one that is cut',
    bytes: 'data\n\ndata\ndata\n\ndata:',
    dispatched: [message(''), message('\n')],
  },
  {
    why: 'an example: one space after the colon is taken off',
    bytes: 'data:test\n\ndata: test\n\n',
    dispatched: [message('test'), message('test')],
  },
  { why: 'of two spaces one stays', bytes: 'data:  a\n\n', dispatched: [message(' a')] },
  { why: 'a tab is no space', bytes: 'data:\ta\n\n', dispatched: [message('\ta')] },
  {
    why: 'an example: a comment, an id, an empty id',
    bytes: ': test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n',
    dispatched: [message('first event'), message('second event'), message(' third event')],
  },
  {
    why: 'an example: named events',
    bytes: 'event: add\ndata: 73857293\n\nevent: remove\ndata: 2153\n\nevent: add\ndata: 113411\n\n',
    dispatched: [message('73857293', 'add'), message('2153', 'remove'), message('113411', 'add')],
  },
  { why: 'CR LF', bytes: 'data: a\r\ndata: b\r\n\r\n', dispatched: [message('a\nb')] },
  { why: 'CR alone', bytes: 'data: a\rdata: b\r\rdata: c\n\n', dispatched: [message('a\nb'), message('c')] },
  {
    why: 'ends of lines of every kind in one event',
    bytes: 'event: x\rdata: a\ndata: b\r\n\ndata: c\r\n\r\n',
    dispatched: [message('a\nb', 'x'), message('c')],
  },
  { why: 'LF CR is two ends', bytes: 'data: a\n\rdata: b\n\n', dispatched: [message('a'), message('b')] },
  { why: 'a byte order mark at the start is dropped', bytes: '\uFEFFdata: a\n\n', dispatched: [message('a')] },
  {
    why: 'a second one is part of a field’s name, which nobody knows',
    bytes: '\uFEFF\uFEFFdata: a\n\ndata: b\n\n',
    dispatched: [message('b')],
  },
  { why: 'one in the middle is text', bytes: 'data: a\uFEFFb\n\n', dispatched: [message('a\uFEFFb')] },
  { why: 'a comment within an event', bytes: 'data: a\n: ping\ndata: b\n\n', dispatched: [message('a\nb')] },
  { why: 'comments alone dispatch nothing', bytes: ': ping\n\n:\n\n::\n\n', dispatched: [] },
  {
    why: 'an event without data is none, and leaves no name behind',
    bytes: 'event: x\n\ndata: a\n\n',
    dispatched: [message('a')],
  },
  {
    why: 'an id alone, and a retry, dispatch nothing',
    bytes: 'id: 1\n\nretry: 10\n\ndata: a\n\n',
    dispatched: [message('a')],
  },
  {
    why: 'an id with NULL in it is ignored, and the event is not',
    bytes: 'id: 1\u00002\ndata: a\n\n',
    dispatched: [message('a')],
  },
  { why: 'NULL in data is data', bytes: 'data: a\u0000b\n\n', dispatched: [message('a\u0000b')] },
  { why: 'a retry that is no number changes nothing', bytes: 'retry: soon\ndata: a\n\n', dispatched: [message('a')] },
  { why: 'names of fields have a case', bytes: 'Data: a\nDATA: b\ndata: c\n\n', dispatched: [message('c')] },
  { why: 'a space before the colon is part of the name', bytes: 'data : a\ndata: b\n\n', dispatched: [message('b')] },
  { why: 'a space before the name too', bytes: ' data: a\ndata: b\n\n', dispatched: [message('b')] },
  { why: 'a field without colon has an empty value', bytes: 'event\ndata\n\n', dispatched: [message('')] },
  { why: 'colons in the value stay', bytes: 'data: a:b: c\n\n', dispatched: [message('a:b: c')] },
  { why: 'of two names the last counts', bytes: 'event: x\nevent: y\ndata: a\n\n', dispatched: [message('a', 'y')] },
  {
    why: 'no blank line at the end: the event is not dispatched',
    bytes: 'data: a\n\ndata: b\n',
    dispatched: [message('a')],
  },
  { why: 'nor where the line has no end', bytes: 'data: a\n\ndata: b', dispatched: [message('a')] },
  {
    why: 'blank lines at the start and between',
    bytes: '\n\n\ndata: a\n\n\n\ndata: b\n\n',
    dispatched: [message('a'), message('b')],
  },
  { why: 'characters of two, three and four bytes', bytes: 'data: é€👋\n\n', dispatched: [message('é€👋')] },
  {
    why: 'other ends of lines that Unicode knows are text',
    bytes: 'data: a\u2028b\u0085c\u000bd\n\n',
    dispatched: [message('a\u2028b\u0085c\u000bd')],
  },
  {
    why: 'bytes that are no UTF-8 are replaced',
    bytes: Buffer.from([...Buffer.from('data: a'), 0xff, ...Buffer.from('b\n\n')]),
    dispatched: [message('a\uFFFDb')],
  },
  { why: 'an empty name is no name', bytes: 'event:\ndata: a\n\n', dispatched: [message('a')] },
];

const bytesOf = ({ bytes }: Vector): Buffer => Buffer.from(bytes as string);

/** What our splitter finds, the bytes in pieces of so many. */
function split(bytes: Buffer, size: number): Dispatched[] {
  const splitter = sseSplitter();
  const found: Dispatched[] = [];
  for (let at = 0; at < bytes.length; at += size)
    for (const { name, data } of splitter.push(bytes.subarray(at, at + size)))
      if (data !== null) found.push({ name, data });
  return found;
}

describe('vectors of the WHATWG for server-sent events', () => {
  for (const vector of VECTORS)
    test(vector.why, () => {
      const bytes = bytesOf(vector);
      // A CR at the very end waits for what follows: it may be half an end of a line.
      const whole = bytes.at(-1) === 0x0d ? Buffer.concat([bytes, Buffer.from(':')]) : bytes;
      for (const size of [bytes.length, 1, 2, 3, 7])
        assert.deepEqual(split(whole, size), vector.dispatched, `by ${size}`);
    });
});

describe('eventsource-parser, which others wrote, says the same', () => {
  const load = createRequire(new URL('../../../../test/sdk/package.json', import.meta.url));
  const { createParser } = load('eventsource-parser') as {
    createParser: (parts: { onEvent: (event: { event?: string; data: string }) => void }) => {
      feed(text: string): void;
    };
  };
  for (const vector of VECTORS)
    test(vector.why, () => {
      const found: Dispatched[] = [];
      const parser = createParser({ onEvent: ({ event, data }) => void found.push({ name: event ?? '', data }) });
      // It takes text: the mark at the start is its caller’s decoder’s.
      parser.feed(new TextDecoder().decode(bytesOf(vector)));
      assert.deepEqual(found, vector.dispatched);
    });
});

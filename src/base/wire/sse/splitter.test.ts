import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { sseSplitter, type SseEvent } from './splitter.ts';

const SEED = 20_261_124;
const run = { seed: SEED, numRuns: 300 };

const read = (chunks: readonly Buffer[]): { events: SseEvent[]; rest: Buffer } => {
  const splitter = sseSplitter();
  const events = chunks.flatMap((chunk) => splitter.push(chunk));
  return { events, rest: splitter.rest() };
};

/** The standard's own algorithm, line by line on the whole text (WHATWG, 9.2.6), as the judge. */
function standard(text: string): { name: string; data: string }[] {
  const out: { name: string; data: string }[] = [];
  let [name, data] = ['', null as string | null];
  for (const line of text
    .replace(/^\uFEFF/, '')
    .split(/\r\n|\n|\r/)
    .slice(0, -1)) {
    if (line === '') {
      if (data !== null) out.push({ name, data });
      [name, data] = ['', null];
    } else if (/^event(:|$)/.test(line)) name = line.replace(/^event:? ?/, '');
    else if (/^data(:|$)/.test(line)) data = (data === null ? '' : `${data}\n`) + line.replace(/^data:? ?/, '');
  }
  return out;
}

const lineEnds = fc.constantFrom('\n', '\r\n', '\r');
const lines = fc.oneof(
  { weight: 6, arbitrary: fc.string({ unit: 'grapheme' }).map((s) => `data: ${s.replace(/[\r\n]/g, '')}`) },
  fc.constantFrom('data', 'data:', 'data:x', 'event: ping', 'event:x', ': comment', 'id: 1', 'retry: 5', 'odd', ''),
  fc.constant(''),
);
const stream = fc
  .tuple(fc.constantFrom('', '\uFEFF'), fc.array(fc.tuple(lines, lineEnds), { maxLength: 30 }))
  .map(([bom, parts]) => `${bom + parts.map(([line, end]) => line + end).join('')}z`);
const withCuts = fc.tuple(stream, fc.array(fc.nat(400), { maxLength: 12 }));

function chunksOf(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const at = [0, ...[...cuts].sort((a, b) => a - b).filter((cut) => cut < bytes.length), bytes.length];
  return at.slice(1).map((end, i) => bytes.subarray(at[i], end));
}

describe('sse splitter', () => {
  it('gives the events of the standard for any line ends, byte order mark and comments', () => {
    fc.assert(
      fc.property(stream, (text) => {
        const { events } = read([Buffer.from(text)]);
        const seen = events.flatMap(({ name, data }) => (data === null ? [] : [{ name, data }]));
        assert.deepEqual(seen, standard(text));
      }),
      run,
    );
  });

  it('gives the same events at any byte split, and every byte comes out once', () => {
    fc.assert(
      fc.property(withCuts, ([text, cuts]) => {
        const bytes = Buffer.from(text);
        const whole = read([bytes]);
        for (const chunks of [chunksOf(bytes, cuts), [...bytes].map((byte) => Buffer.from([byte]))]) {
          const split = read(chunks);
          assert.deepEqual(split.events, whole.events);
          assert.deepEqual(Buffer.concat([...split.events.map((event) => event.raw), split.rest]), bytes);
        }
      }),
      run,
    );
  });

  it('takes any bytes without an exception', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 8 }), (chunks) => {
        const bytes = chunks.map((chunk) => Buffer.from(chunk));
        const { events, rest } = read(bytes);
        assert.deepEqual(Buffer.concat([...events.map((event) => event.raw), rest]), Buffer.concat(bytes));
      }),
      run,
    );
  });

  it('refuses an event over the bound, however it is cut', () => {
    const splitter = sseSplitter(100);
    splitter.push(Buffer.alloc(100, 0x61));
    assert.throws(() => splitter.push(Buffer.from('a')), RangeError);
  });

  it('reads a large event in small chunks in linear time', () => {
    const splitter = sseSplitter();
    const chunk = Buffer.alloc(4_096, 0x61);
    splitter.push(Buffer.from('data: '));
    for (let i = 0; i < 4_096; i++) assert.equal(splitter.push(chunk).length, 0);
    const [event] = splitter.push(Buffer.from('\n\n'));
    assert.equal(event!.data!.length, 4_096 * 4_096);
  });
});

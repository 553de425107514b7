import { ByteReader, ByteWriter } from './byte-writer.ts';
import { shapeOf, successorOf, textOf, valuesIn, type Shape } from './event-shape.ts';

/** Shapes that are remembered at once: a stream alternates between few (deltas of text and of tools, pings). */
const MOST_SHAPES = 8;
/** A larger event is kept whole and teaches no shape: its text is no piece of a sentence. */
const LARGEST_SHAPED = 16 * 1024;

/** A record is one number: 0 for an event that is kept whole, else a shape, counted from 1. */
const WHOLE = 0;
/** What follows a value's number, in its lowest bit. */
const AS_WRITTEN = 0;
const ONE_MORE = 1;

interface Known {
  readonly shape: Shape;
  values: string[];
}

/** Shapes in the order in which writer and reader meet them: both come to the same. */
class Shapes {
  readonly known: (Known | undefined)[] = [];
  #next = 0;
  /** Where the last event's shape stands: the next one mostly has it too. */
  last = 0;

  learn(text: string): void {
    const found = text.length <= LARGEST_SHAPED ? shapeOf(text) : null;
    if (!found) return;
    this.known[this.#next] = found;
    this.last = this.#next;
    this.#next = (this.#next + 1) % MOST_SHAPES;
  }
}

/**
 * Events of one stream, exactly as they were sent, small: an event whose shape was seen before is kept as the values
 * that differ from the last event of that shape. Appends are O(event), reads walk from the start.
 */
export class CompactLog {
  readonly #bytes = new ByteWriter();
  readonly #shapes = new Shapes();
  #events = 0;

  /** Events so far; the next one's number. */
  get events(): number {
    return this.#events;
  }
  /** Memory that the log holds, in bytes; shapes are a few more. */
  get size(): number {
    return this.#bytes.capacity;
  }

  append(event: Buffer): void {
    const text = event.toString('latin1');
    this.#events++;
    if (text.length <= LARGEST_SHAPED && this.#appendKnown(text)) return;
    this.#bytes.number(WHOLE);
    this.#bytes.text(text);
    this.#shapes.learn(text);
  }

  #appendKnown(text: string): boolean {
    const { known, last } = this.#shapes;
    for (let i = 0; i < known.length; i++) {
      const at = (last + i) % known.length;
      const values = known[at] && valuesIn(text, known[at].shape);
      if (!values) continue;
      this.#write(at, known[at]!, values);
      this.#shapes.last = at;
      return true;
    }
    return false;
  }

  #write(at: number, known: Known, values: string[]): void {
    const before = known.values;
    let changed = 0;
    for (let i = 0; i < values.length; i++) if (values[i] !== before[i]) changed++;
    this.#bytes.number(at + 1);
    this.#bytes.number(changed);
    for (let i = 0; i < values.length; i++) {
      if (values[i] === before[i]) continue;
      if (known.shape.numeric[i] && values[i] === successorOf(before[i]!)) this.#bytes.number(i * 2 + ONE_MORE);
      else {
        this.#bytes.number(i * 2 + AS_WRITTEN);
        this.#bytes.text(values[i]!);
      }
    }
    known.values = values;
  }

  /** No event will follow: room and shapes are given back. Reading goes on. */
  close(): void {
    this.#bytes.trim();
    this.#shapes.known.length = 0;
  }

  /** Events from a number on, oldest first, as they stand when it is called: later ones are not among them. */
  read(from = 0): Generator<Buffer> {
    return eventsIn(this.#bytes.view(), from);
  }
}

function* eventsIn(view: Buffer, from: number): Generator<Buffer> {
  const bytes = new ByteReader(view);
  const shapes = new Shapes();
  for (let n = 0; !bytes.done; n++) {
    const text = readEvent(bytes, shapes);
    if (n >= from) yield Buffer.from(text, 'latin1');
  }
}

function readEvent(bytes: ByteReader, shapes: Shapes): string {
  const kind = bytes.number();
  if (kind === WHOLE) {
    const text = bytes.text();
    shapes.learn(text);
    return text;
  }
  const known = shapes.known[kind - 1]!;
  const values = [...known.values];
  for (let left = bytes.number(); left > 0; left--) {
    const value = bytes.number();
    const at = Math.floor(value / 2);
    values[at] = value % 2 === ONE_MORE ? successorOf(values[at]!)! : bytes.text();
  }
  known.values = values;
  return textOf(known.shape, values);
}

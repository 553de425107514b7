import { ByteReader, ByteWriter } from './byte-writer.ts';
import { HotValues } from './hot-values.ts';
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
  /** Of the last event that had the shape. */
  readonly values: string[];
  /** What changed in it; null: no second one came, or too much did. The writer's alone. */
  hot?: HotValues | null;
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
  #bytes = new ByteWriter();
  readonly #shapes = new Shapes();
  #events = 0;

  /** Events so far; the next one's number. */
  get events(): number {
    return this.#events;
  }
  /** Bytes of the events as they are kept. */
  get length(): number {
    return this.#bytes.length;
  }
  /** Memory that the log holds, in bytes; shapes are a few more. */
  get size(): number {
    return this.#bytes.capacity;
  }

  /** An event as a Latin-1 text, a character a byte. */
  append(text: string): void {
    this.#events++;
    if (text.length <= LARGEST_SHAPED && this.#appendKnown(text)) return;
    this.#bytes.number(WHOLE);
    this.#bytes.text(text);
    this.#shapes.learn(text);
  }

  #appendKnown(text: string): boolean {
    const { known, last } = this.#shapes;
    for (let i = 0; i < known.length; i++) if (this.#appendHot(text, (last + i) % known.length)) return true;
    for (let i = 0; i < known.length; i++) {
      const at = (last + i) % known.length;
      const values = valuesIn(text, known[at]!.shape);
      if (!values) continue;
      this.#write(at, known[at]!, values);
      return true;
    }
    return false;
  }

  /** An event that differs from the last of its shape where that one did: nothing else of it is taken apart. */
  #appendHot(text: string, at: number): boolean {
    const { shape, values, hot } = this.#shapes.known[at]!;
    const found = hot?.in(text);
    if (!found) return false;
    const { places } = hot!;
    let changed = 0;
    for (let i = 0; i < places.length; i++) if (found[i] !== values[places[i]!]) changed++;
    this.#head(at, changed);
    for (let i = 0; i < places.length; i++) this.#change(shape, values, places[i]!, found[i]!);
    return true;
  }

  #write(at: number, known: Known, values: readonly string[]): void {
    const places: number[] = [];
    for (let i = 0; i < values.length; i++) if (values[i] !== known.values[i]) places.push(i);
    this.#head(at, places.length);
    for (const place of places) this.#change(known.shape, known.values, place, values[place]!);
    known.hot = HotValues.of(known.shape, known.values, places);
  }

  #head(at: number, changed: number): void {
    this.#shapes.last = at;
    this.#bytes.number(at + 1);
    this.#bytes.number(changed);
  }

  #change({ numeric }: Shape, values: string[], place: number, value: string): void {
    const before = values[place]!;
    if (value === before) return;
    values[place] = value;
    if (numeric[place] && value === successorOf(before)) return this.#bytes.number(place * 2 + ONE_MORE);
    this.#bytes.number(place * 2 + AS_WRITTEN);
    this.#bytes.text(value);
  }

  /** No event will follow: room and shapes are given back. Reading goes on. */
  close(): void {
    this.#bytes.trim();
    this.#shapes.known.length = 0;
  }

  /** Lets go of everything: whoever reads finds nothing more. */
  clear(): void {
    this.#bytes = new ByteWriter(0);
    this.#shapes.known.length = 0;
  }

  /** Events from a number on, oldest first, as they stand when it is called: later ones are not among them. */
  *read(from = 0): Generator<Buffer> {
    const cursor = this.cursor(from);
    for (let left = this.#events - from; left > 0; left--) {
      const event = cursor.next();
      if (event === null) return;
      yield Buffer.from(event, 'latin1');
    }
  }

  /** Reads on from an event, as far as there are any, and later those that came. */
  cursor(from = 0): Cursor {
    return new Cursor(() => this.#bytes.view(), from);
  }
}

/** A place in a log. It walks from the start once, and goes on from where it stands. */
class Cursor {
  readonly #view: () => Buffer;
  readonly #shapes = new Shapes();
  #skip: number;
  #at = 0;

  constructor(view: () => Buffer, from: number) {
    this.#view = view;
    this.#skip = from;
  }

  /** The next event as a Latin-1 text; null: there is none yet. */
  next(): string | null {
    const bytes = new ByteReader(this.#view(), this.#at);
    while (!bytes.done) {
      const text = readEvent(bytes, this.#shapes);
      this.#at = bytes.at;
      if (this.#skip-- <= 0) return text;
    }
    return null;
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
  const { values } = known;
  for (let left = bytes.number(); left > 0; left--) {
    const value = bytes.number();
    const at = Math.floor(value / 2);
    values[at] = value % 2 === ONE_MORE ? successorOf(values[at]!)! : bytes.text();
  }
  return textOf(known.shape, values);
}

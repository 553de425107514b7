import { digitsEnd, stringEnd, type Shape } from './event-shape.ts';

/** With more that change, whole comparisons of what stays save nothing. */
const MOST_HOT = 4;

/**
 * What changes from one event of a shape to the next is mostly what changed the last time: a piece of text, a counter.
 * All between is one text, compared whole: `slice` and `===` take 0.1 µs where a walk over the values takes 4.
 */
export class HotValues {
  /** Which values, by their place in the shape. */
  readonly places: readonly number[];
  readonly #numeric: readonly boolean[];
  /** Text before each, and after the last. */
  readonly #between: readonly string[];

  private constructor(places: readonly number[], numeric: readonly boolean[], between: readonly string[]) {
    this.places = places;
    this.#numeric = numeric;
    this.#between = between;
  }

  /** Null: too many of the values change. */
  static of(shape: Shape, values: readonly string[], places: readonly number[]): HotValues | null {
    if (places.length > MOST_HOT) return null;
    const between: string[] = [];
    let text = shape.literals[0]!;
    for (let i = 0, next = 0; i < values.length; i++) {
      if (places[next] === i) {
        between.push(text);
        text = '';
        next++;
      } else text += values[i]!;
      text += shape.literals[i + 1]!;
    }
    const numeric = places.map((place) => shape.numeric[place]!);
    return new HotValues(places, numeric, [...between, text]);
  }

  /** Their values in a text where nothing else differs from the last event; else null. */
  in(text: string): string[] | null {
    const values: string[] = [];
    let at = 0;
    for (let i = 0; i < this.places.length; i++) {
      const before = this.#between[i]!;
      const start = at + before.length;
      if (text.slice(at, start) !== before) return null;
      const end = this.#numeric[i] ? digitsEnd(text, start) : stringEnd(text, start);
      if (end < 0 || (this.#numeric[i] && end === start)) return null;
      values.push(text.slice(start, end));
      at = end;
    }
    return text.slice(at) === this.#between.at(-1) ? values : null;
  }
}

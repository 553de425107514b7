import type { AnyValue, KeyValue } from './otlp.ts';

/** Longest value of an attribute: a name of a model may come from a caller. */
const MOST_CHARS = 256;

/** A list of attributes while it is made; what is null or undefined is left out. */
export class Attributes {
  readonly list: KeyValue[] = [];

  text(key: string, value: string | null | undefined): this {
    if (value !== null && value !== undefined) this.#add(key, { stringValue: value.slice(0, MOST_CHARS) });
    return this;
  }
  int(key: string, value: number | null | undefined): this {
    if (value !== null && value !== undefined) this.#add(key, { intValue: String(Math.round(value)) });
    return this;
  }
  double(key: string, value: number | null | undefined): this {
    if (value !== null && value !== undefined) this.#add(key, { doubleValue: value });
    return this;
  }
  /** True alone is said: false is what its absence means. */
  flag(key: string, value: boolean): this {
    if (value) this.#add(key, { boolValue: true });
    return this;
  }
  texts(key: string, values: readonly string[]): this {
    if (values.length > 0)
      this.#add(key, { arrayValue: { values: values.map((value) => ({ stringValue: value.slice(0, MOST_CHARS) })) } });
    return this;
  }
  #add(key: string, value: AnyValue): void {
    this.list.push({ key, value });
  }
}

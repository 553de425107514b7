import type { DescMessage } from '@bufbuild/protobuf';
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';

/**
 * Fields and values of one message. A message costs up to 2 µs and 150 bytes when it is read, and two bytes are one:
 * 16 MB of empty ones held the loop for 14 s and took 2 GB (measured; docs/decisions/0082).
 */
export const MOST_ITEMS = 100_000;

/** Message of a field; null: the field is no message. */
type Inner = (field: number) => Inner | null;

/** Counts before anything is made of the bytes, up to one more than {@link MOST_ITEMS}. Throws for what is no message. */
export function itemsInMessage(schema: DescMessage, bytes: Uint8Array): number {
  const reader = new BinaryReader(bytes);
  let items = 0;
  const count = (inner: Inner, end: number): void => {
    while (reader.pos < end && items <= MOST_ITEMS) {
      items++;
      const [number, type] = reader.tag();
      const next = type === WireType.LengthDelimited ? inner(number) : null;
      if (next === null) reader.skip(type, number);
      else count(next, reader.uint32() + reader.pos);
    }
  };
  count(innerOf(schema), bytes.length);
  return items;
}

const innerOf =
  ({ fields }: DescMessage): Inner =>
  (number) => {
    const field = fields.find((each) => each.number === number);
    if (!field?.message) return null;
    const message = innerOf(field.message);
    // An entry of a map is a message of a key and a value, and has no description.
    return field.fieldKind === 'map' ? (part) => (part === 2 ? message : null) : message;
  };

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
/** `,`, `[` and `{`: each begins an item at most. */
const BEGINS: ReadonlySet<number> = new Set([0x2c, 0x5b, 0x7b]);

/** The same of a JSON text; what stands in its strings is not counted. */
export function itemsInJson(text: Buffer): number {
  let items = 0;
  for (let at = 0; at < text.length && items <= MOST_ITEMS; at++) {
    if (text[at] === QUOTE) at = stringEnd(text, at + 1);
    else if (BEGINS.has(text[at]!)) items++;
  }
  return items;
}

function stringEnd(text: Buffer, from: number): number {
  for (let at = text.indexOf(QUOTE, from); at >= 0; at = text.indexOf(QUOTE, at + 1)) {
    let slashes = 0;
    while (text[at - 1 - slashes] === BACKSLASH) slashes++;
    if (slashes % 2 === 0) return at;
  }
  return text.length;
}

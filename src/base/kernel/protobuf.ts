/**
 * The writing half of protobuf that an error status needs: whole numbers, texts and nested messages. A library would
 * be the largest part of the kernel for four messages of three fields.
 */

/** Number and value of a field; a text is UTF-8, bytes are a nested message. */
export type Field = readonly [number: number, value: number | string | Uint8Array];

const VARINT = 0;
const LENGTH_DELIMITED = 2;

/** A message of fields in the order given. Zero and empty are the default of proto3 and are left out. */
export function messageOf(fields: readonly Field[]): Uint8Array {
  const out: number[] = [];
  for (const [number, value] of fields) {
    if (value === 0 || value === '') continue;
    if (typeof value === 'number') {
      out.push(...varint((number << 3) | VARINT), ...varint(value));
      continue;
    }
    const bytes = typeof value === 'string' ? Buffer.from(value) : value;
    out.push(...varint((number << 3) | LENGTH_DELIMITED), ...varint(bytes.length), ...bytes);
  }
  return Uint8Array.from(out);
}

/** Seven bits a byte, the lowest first; not negative. */
function varint(value: number): number[] {
  const out: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    out.push((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  out.push(rest);
  return out;
}

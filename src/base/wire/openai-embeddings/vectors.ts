/** A vector from JSON numbers or from base64 of little-endian 32-bit floats (the SDK asks for base64 by itself). */
export function readVector(value: unknown): Float32Array {
  if (Array.isArray(value)) return Float32Array.from(value, (x) => (typeof x === 'number' ? x : Number.NaN));
  if (typeof value !== 'string') return new Float32Array(0);
  const bytes = Buffer.from(value, 'base64');
  const vector = new Float32Array(Math.floor(bytes.length / BYTES));
  for (let i = 0; i < vector.length; i++) vector[i] = bytes.readFloatLE(i * BYTES);
  return vector;
}
const BYTES = 4;

export function vectorBase64(vector: Float32Array): string {
  const bytes = Buffer.allocUnsafe(vector.length * BYTES);
  for (let i = 0; i < vector.length; i++) bytes.writeFloatLE(vector[i]!, i * BYTES);
  return bytes.toString('base64');
}

/** The shortest decimals that read back as the same 32-bit floats, as providers print them: `0.1`, not 17 digits. */
export const vectorNumbers = (vector: Float32Array): number[] => Array.from(vector, shortest);

function shortest(x: number): number {
  for (const digits of [7, 8]) {
    const short = Number(x.toPrecision(digits));
    if (Math.fround(short) === x) return short;
  }
  // Nine significant digits always identify a 32-bit float (IEEE 754, 5.12.2).
  return Number(x.toPrecision(9));
}

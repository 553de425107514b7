/**
 * Writer of GGUF version 3 files: header, metadata, tensor table, aligned tensor data.
 * Source: ggml-org/ggml `docs/gguf.md`.
 */
import { closeSync, openSync, writeSync } from 'node:fs';

/** One metadata value with its GGUF type. */
export type MetaValue =
  | { readonly u32: number }
  | { readonly f32: number }
  | { readonly bool: boolean }
  | { readonly text: string }
  | { readonly texts: readonly string[] }
  | { readonly i32s: readonly number[] };

/** A tensor; `dims` run from the fastest axis (columns) to the slowest (rows). `make` is called once, when written. */
export interface Tensor {
  readonly name: string;
  readonly dims: readonly number[];
  readonly type: TensorType;
  readonly make: () => Float32Array;
}

export type TensorType = 'f32' | 'f16' | 'q8_0';

/** `ggml_type` ids. */
const GGML_TYPE: Record<TensorType, number> = { f32: 0, f16: 1, q8_0: 8 };
/** `gguf_metadata_value_type` ids. */
const VALUE = { u32: 4, i32: 5, f32: 6, bool: 7, text: 8, array: 9 } as const;
const VERSION = 3;
/** Default of `general.alignment`. */
const ALIGNMENT = 32;
/** q8_0 stores 32 weights as one half-precision scale and 32 signed bytes. */
const BLOCK = 32;
const BLOCK_BYTES = 34;

class ByteWriter {
  readonly #parts: Buffer[] = [];
  size = 0;

  raw(part: Buffer): this {
    this.#parts.push(part);
    this.size += part.length;
    return this;
  }

  #number(bytes: number, put: (buffer: Buffer) => void): this {
    const buffer = Buffer.alloc(bytes);
    put(buffer);
    return this.raw(buffer);
  }

  u32(value: number): this {
    return this.#number(4, (buffer) => buffer.writeUInt32LE(value));
  }

  i32(value: number): this {
    return this.#number(4, (buffer) => buffer.writeInt32LE(value));
  }

  u64(value: number): this {
    return this.#number(8, (buffer) => buffer.writeBigUInt64LE(BigInt(value)));
  }

  f32(value: number): this {
    return this.#number(4, (buffer) => buffer.writeFloatLE(value));
  }

  text(value: string): this {
    const bytes = Buffer.from(value, 'utf8');
    return this.u64(bytes.length).raw(bytes);
  }

  pad(): this {
    const missing = (ALIGNMENT - (this.size % ALIGNMENT)) % ALIGNMENT;
    return missing === 0 ? this : this.raw(Buffer.alloc(missing));
  }

  join(): Buffer {
    return Buffer.concat(this.#parts);
  }
}

function putValue(writer: ByteWriter, value: MetaValue): void {
  if ('u32' in value) writer.u32(VALUE.u32).u32(value.u32);
  else if ('f32' in value) writer.u32(VALUE.f32).f32(value.f32);
  else if ('bool' in value) writer.u32(VALUE.bool).raw(Buffer.from([value.bool ? 1 : 0]));
  else if ('text' in value) writer.u32(VALUE.text).text(value.text);
  else if ('texts' in value) {
    writer.u32(VALUE.array).u32(VALUE.text).u64(value.texts.length);
    for (const text of value.texts) writer.text(text);
  } else {
    writer.u32(VALUE.array).u32(VALUE.i32).u64(value.i32s.length);
    for (const number of value.i32s) writer.i32(number);
  }
}

const floatView = new Float32Array(1);
const bitsView = new Uint32Array(floatView.buffer);

/** Bits of the nearest IEEE 754 half-precision number; too large becomes infinity, too small zero. */
export function halfBits(value: number): number {
  floatView[0] = value;
  const bits = bitsView[0] ?? 0;
  const sign = (bits >>> 16) & 0x8000;
  const exponent = ((bits >>> 23) & 0xff) - 112;
  const mantissa = bits & 0x7fffff;
  if (exponent >= 31) return sign | 0x7c00;
  if (exponent < -10) return sign;
  if (exponent <= 0) {
    const shift = 14 - exponent;
    return sign | (((mantissa | 0x800000) + (1 << (shift - 1))) >>> shift);
  }
  return sign | ((exponent << 10) + (mantissa >>> 13) + ((mantissa >>> 12) & 1));
}

function tensorBytes(type: TensorType, count: number): number {
  if (type === 'f32') return count * 4;
  return type === 'f16' ? count * 2 : (count / BLOCK) * BLOCK_BYTES;
}

function encodeQ8(values: Float32Array, out: Buffer): void {
  let at = 0;
  for (let start = 0; start < values.length; start += BLOCK) {
    const block = values.subarray(start, start + BLOCK);
    const scale = block.reduce((most, value) => Math.max(most, Math.abs(value)), 0) / 127;
    out.writeUInt16LE(halfBits(scale), at);
    at += 2;
    for (const value of block) out.writeInt8(scale === 0 ? 0 : Math.round(value / scale), at++);
  }
}

function encode(type: TensorType, values: Float32Array): Buffer {
  const out = Buffer.alloc(tensorBytes(type, values.length));
  if (type === 'q8_0') encodeQ8(values, out);
  else if (type === 'f32') values.forEach((value, i) => out.writeFloatLE(value, i * 4));
  else values.forEach((value, i) => out.writeUInt16LE(halfBits(value), i * 2));
  return out;
}

const elements = (tensor: Tensor): number => tensor.dims.reduce((product, dim) => product * dim, 1);

function header(meta: readonly (readonly [string, MetaValue])[], tensors: readonly Tensor[]): Buffer {
  const writer = new ByteWriter();
  writer.raw(Buffer.from('GGUF')).u32(VERSION).u64(tensors.length).u64(meta.length);
  for (const [key, value] of meta) putValue(writer.text(key), value);
  let offset = 0;
  for (const tensor of tensors) {
    writer.text(tensor.name).u32(tensor.dims.length);
    for (const dim of tensor.dims) writer.u64(dim);
    writer.u32(GGML_TYPE[tensor.type]).u64(offset);
    offset += Math.ceil(tensorBytes(tensor.type, elements(tensor)) / ALIGNMENT) * ALIGNMENT;
  }
  return writer.pad().join();
}

function writeAll(fd: number, bytes: Buffer): void {
  for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at);
}

/** Writes the file, one tensor in memory at a time. A q8_0 tensor's columns must be a multiple of 32. */
export function writeGguf(
  path: string,
  meta: readonly (readonly [string, MetaValue])[],
  tensors: readonly Tensor[],
): void {
  const fd = openSync(path, 'w');
  try {
    writeAll(fd, header(meta, tensors));
    for (const tensor of tensors) {
      writeAll(fd, new ByteWriter().raw(encode(tensor.type, tensor.make())).pad().join());
    }
  } finally {
    closeSync(fd);
  }
}

import { crc32 } from 'node:zlib';

/**
 * One message of `application/vnd.amazon.eventstream`: a prelude of total length, length of the headers and their
 * CRC-32, typed headers, a payload, and the CRC-32 of all before it; numbers are big-endian
 * (https://smithy.io/2.0/aws/amazon-eventstream.html).
 */
export interface Frame {
  /** Exactly the bytes that came. */
  readonly raw: Buffer;
  /** Headers of the types that events use (text, boolean); others are left out. */
  readonly headers: ReadonlyMap<string, string | boolean>;
  readonly payload: Buffer;
}

/** Cuts a byte stream into frames at any split. */
export interface FrameSplitter {
  /** Frames completed by this chunk, in order. Throws a RangeError at bytes that are no frame. */
  push(chunk: Buffer): Frame[];
  /** Bytes after the last complete frame. */
  rest(): Buffer;
}

const PRELUDE_BYTES = 12;
const CRC_BYTES = 4;
/** The specification's own bound of a message: 16 MiB of payload and 128 KiB of headers. */
const MAX_FRAME_BYTES = 16 * 1024 * 1024 + 128 * 1024 + PRELUDE_BYTES + CRC_BYTES;

export function frameSplitter(maxFrameBytes = MAX_FRAME_BYTES): FrameSplitter {
  // Pieces of the open frame are joined once, when it is complete: joining at each chunk is quadratic.
  let held: Buffer[] = [];
  let heldBytes = 0;
  let wanted = PRELUDE_BYTES;

  const joined = (): Buffer => (held.length === 1 ? held[0]! : Buffer.concat(held));
  const push = (chunk: Buffer): Frame[] => {
    held.push(chunk);
    heldBytes += chunk.length;
    const frames: Frame[] = [];
    if (heldBytes < wanted) return frames;
    let bytes = joined();
    for (;;) {
      wanted = bytes.length < PRELUDE_BYTES ? PRELUDE_BYTES : frameLength(bytes, maxFrameBytes);
      if (bytes.length < wanted) break;
      frames.push(readFrame(bytes.subarray(0, wanted)));
      bytes = bytes.subarray(wanted);
    }
    held = bytes.length === 0 ? [] : [bytes];
    heldBytes = bytes.length;
    return frames;
  };
  return { push, rest: () => (held.length === 0 ? EMPTY : joined()) };
}

const EMPTY = Buffer.alloc(0);

/** Checked before anything is waited for: a broken length would make us hold the rest of the stream. */
function frameLength(bytes: Buffer, maxFrameBytes: number): number {
  if (crc32(bytes.subarray(0, 8)) !== bytes.readUInt32BE(8)) throw new RangeError('the prelude has another checksum');
  const total = bytes.readUInt32BE(0);
  const headers = bytes.readUInt32BE(4);
  if (total > maxFrameBytes) throw new RangeError(`a frame of ${total} bytes`);
  if (total < PRELUDE_BYTES + headers + CRC_BYTES) throw new RangeError('headers longer than their frame');
  return total;
}

function readFrame(raw: Buffer): Frame {
  const end = raw.length - CRC_BYTES;
  if (crc32(raw.subarray(0, end)) !== raw.readUInt32BE(end)) throw new RangeError('the frame has another checksum');
  const payloadAt = PRELUDE_BYTES + raw.readUInt32BE(4);
  return { raw, headers: readHeaders(raw.subarray(PRELUDE_BYTES, payloadAt)), payload: raw.subarray(payloadAt, end) };
}

/** Bytes of a value by its type: byte, short, int, long, timestamp, uuid. Bytes and text carry their own length. */
const FIXED_BYTES: Readonly<Record<number, number>> = { 0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16 };
const TRUE = 0;
const FALSE = 1;
const BYTES = 6;
const TEXT = 7;

function readHeaders(bytes: Buffer): Map<string, string | boolean> {
  const headers = new Map<string, string | boolean>();
  let at = 0;
  while (at < bytes.length) {
    const nameEnd = at + 1 + bytes.readUInt8(at);
    const name = bytes.toString('utf8', at + 1, nameEnd);
    const type = bytes.readUInt8(nameEnd);
    const counted = type === BYTES || type === TEXT;
    const start = nameEnd + 1 + (counted ? 2 : 0);
    const length = counted ? bytes.readUInt16BE(nameEnd + 1) : FIXED_BYTES[type];
    if (length === undefined || start + length > bytes.length) throw new RangeError('a header that is none');
    if (type === TEXT) headers.set(name, bytes.toString('utf8', start, start + length));
    else if (type === TRUE || type === FALSE) headers.set(name, type === TRUE);
    at = start + length;
  }
  return headers;
}

/** One frame with text headers. */
export function writeFrame(headers: Readonly<Record<string, string>>, payload: Uint8Array): Buffer {
  const head = Buffer.concat(Object.entries(headers).map(([name, value]) => textHeader(name, value)));
  const frame = Buffer.alloc(PRELUDE_BYTES + head.length + payload.length + CRC_BYTES);
  frame.writeUInt32BE(frame.length, 0);
  frame.writeUInt32BE(head.length, 4);
  frame.writeUInt32BE(crc32(frame.subarray(0, 8)), 8);
  frame.set(head, PRELUDE_BYTES);
  frame.set(payload, PRELUDE_BYTES + head.length);
  frame.writeUInt32BE(crc32(frame.subarray(0, frame.length - CRC_BYTES)), frame.length - CRC_BYTES);
  return frame;
}

function textHeader(name: string, value: string): Buffer {
  const [nameBytes, valueBytes] = [Buffer.from(name), Buffer.from(value)];
  const length = Buffer.alloc(2);
  length.writeUInt16BE(valueBytes.length);
  return Buffer.concat([Buffer.from([nameBytes.length]), nameBytes, Buffer.from([TEXT]), length, valueBytes]);
}

const PCM = 1;
const FLOAT = 3;
const EXTENSIBLE = 0xfffe;
/** A writer that did not know the length leaves one of these. */
const OPEN_SIZES: ReadonlySet<number> = new Set([0, 0xffffffff]);

/** Recorders write five or six; empty ones by the million would take seconds to walk over. */
const MOST_CHUNKS = 64;

interface Format {
  readonly bytesPerFrame: number;
  readonly framesPerSecond: number;
}

/**
 * Milliseconds of sound in a WAV file of plain samples (RIFF, Microsoft and IBM, 1991), or null where the file is none
 * or does not hold together: a head that contradicts itself or the file's length says nothing of what will be heard.
 */
export function wavMs(file: Buffer): number | null {
  if (file.length < 44 || file.toString('latin1', 0, 4) !== 'RIFF' || file.toString('latin1', 8, 12) !== 'WAVE')
    return null;
  let format: Format | null = null;
  let sound: number | null = null;
  let chunks = 0;
  for (let at = 12; at + 8 <= file.length;) {
    if (++chunks > MOST_CHUNKS) return null;
    const id = file.toString('latin1', at, at + 4);
    const stated = file.readUInt32LE(at + 4);
    const rest = file.length - at - 8;
    if (id === 'data' && sound !== null) return null;
    const size = id === 'data' && OPEN_SIZES.has(stated) ? rest : stated;
    if (size > rest) return null;
    if (id === 'fmt ' && format !== null) return null;
    if (id === 'fmt ') format = readFormat(file.subarray(at + 8, at + 8 + size));
    if (id === 'data') sound = size;
    at += 8 + size + (size % 2);
    if (at < file.length && at + 8 > file.length) return null;
  }
  if (format === null || sound === null) return null;
  return Math.round(((sound / format.bytesPerFrame) * 1000) / format.framesPerSecond);
}

function readFormat(chunk: Buffer): Format | null {
  if (chunk.length < 16) return null;
  const [kind, channels] = [chunk.readUInt16LE(0), chunk.readUInt16LE(2)];
  const [framesPerSecond, bytesPerSecond] = [chunk.readUInt32LE(4), chunk.readUInt32LE(8)];
  const [bytesPerFrame, bits] = [chunk.readUInt16LE(12), chunk.readUInt16LE(14)];
  const plain = kind === PCM || kind === FLOAT || kind === EXTENSIBLE;
  const right = bits % 8 === 0 && bytesPerFrame === (channels * bits) / 8;
  if (!plain || !right || bytesPerFrame === 0 || framesPerSecond === 0) return null;
  return bytesPerSecond === framesPerSecond * bytesPerFrame ? { bytesPerFrame, framesPerSecond } : null;
}

import type { Arrival } from './core/sample.ts';

const PREFIX_BYTES = 5;
/** Flag of the frame in which gRPC-Web carries its trailers. */
const TRAILERS = 0x80;
/** The largest message of the echo and more than it. */
const MAX_BYTES = 256 * 1024;

/** What the echo said over gRPC so far, out of the frames as they come. */
export class GrpcFrames {
  readonly events: Arrival[] = [];
  readonly beats: Arrival[] = [];
  /** Its own last message has come. */
  isDone = false;
  /** Of the call, from wherever the protocol has it; null: none came. */
  status: string | null = null;
  #rest: Buffer = Buffer.alloc(0);

  /** False: something else answers. */
  push(chunk: Buffer, gotMs: number): boolean {
    let bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    for (;;) {
      const length = bytes.length < PREFIX_BYTES ? 0 : bytes.readUInt32BE(1);
      if (length > MAX_BYTES) return false;
      if (bytes.length < PREFIX_BYTES + length || bytes.length < PREFIX_BYTES) break;
      this.#frame(bytes[0]!, bytes.subarray(PREFIX_BYTES, PREFIX_BYTES + length), gotMs);
      bytes = bytes.subarray(PREFIX_BYTES + length);
    }
    this.#rest = Buffer.from(bytes);
    return true;
  }

  #frame(flag: number, message: Buffer, gotMs: number): void {
    if ((flag & TRAILERS) !== 0) {
      this.status ??= /grpc-status: *(\d+)/.exec(message.toString('latin1'))?.[1] ?? null;
      return;
    }
    const { at, beat, count } = saidIn(message);
    if (count !== undefined) this.isDone = true;
    else if (typeof beat === 'number') this.beats.push({ sentMs: beat, gotMs });
    else if (typeof at === 'number') this.events.push({ sentMs: at, gotMs });
  }
}

/** Empty where it is not the echo's own. */
function saidIn(message: Buffer): { readonly at?: unknown; readonly beat?: unknown; readonly count?: unknown } {
  try {
    return Object(JSON.parse(message.toString('utf8'))) as object;
  } catch {
    return {};
  }
}

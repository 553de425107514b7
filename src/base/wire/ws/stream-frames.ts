import type { CanonicalEvent } from '../canonical.ts';
import { sseSplitter } from '../sse/splitter.ts';
import { BlockKinds, eventFrame } from './event-frames.ts';
import type { EventFrame, FrameForm } from './frames.ts';

/** Events of one log to frames of one stream. Stateful: in form `frames` it is given every event from the first on. */
export class StreamFrames {
  readonly #form: FrameForm;
  readonly #kinds = new BlockKinds();
  /** The stream's name, as JSON text. */
  readonly #name: string;

  constructor({ stream, form }: { readonly stream: string; readonly form: FrameForm }) {
    this.#name = JSON.stringify(stream);
    this.#form = form;
  }

  /** The frame of an event, as text; null: it says nothing, and the next one's number covers it. */
  frame(bytes: Buffer, seq: number, steps: readonly CanonicalEvent[]): string | null {
    if (this.#form === 'native') return this.#native(bytes, seq);
    const frames: EventFrame[] = [];
    for (const step of steps) {
      this.#kinds.take(step);
      const frame = eventFrame(step, this.#kinds, step.type === 'error' ? dataOf(bytes).data : null);
      if (frame !== null) frames.push(frame);
    }
    if (frames.length === 0) return null;
    if (frames.length === 1) return `${JSON.stringify(frames[0]).slice(0, -1)},${this.#at(seq)}`;
    return `{"type":"batch","frames":${JSON.stringify(frames)},${this.#at(seq)}`;
  }

  /** Takes an event without a frame of it. */
  pass(steps: readonly CanonicalEvent[]): void {
    for (const step of steps) this.#kinds.take(step);
  }

  #native(bytes: Buffer, seq: number): string | null {
    const { name, data } = dataOf(bytes);
    if (data === null) return null;
    return `{"type":"event","event":${JSON.stringify(name)},"data":${JSON.stringify(data)},${this.#at(seq)}`;
  }

  #at(seq: number): string {
    return `"stream":${this.#name},"seq":${seq}}`;
  }
}

/** An event of a log is one whole block. */
function dataOf(bytes: Buffer): { readonly name: string; readonly data: string | null } {
  const [event] = sseSplitter().push(bytes);
  return event ?? { name: '', data: null };
}

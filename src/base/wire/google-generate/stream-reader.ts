import { parsed } from '../anthropic-messages/parsed.ts';
import type { EventView, StreamReader } from '../dialect.ts';
import { countOf, isObject, isUnset, listOf, objectOf, textOf, type JsonObject } from '../json/read.ts';
import { NOTHING } from '../nothing.ts';
import type { SseEvent } from '../sse/splitter.ts';
import { blocked, finishOf, isCall, partsIn } from './answer.ts';
import { readFault } from './faults.ts';
import { readUsage } from './usage.ts';

/** Candidates that have begun and those that have finished: the answer is whole when all have. */
export class Progress {
  readonly #open = new Set<number>();
  #finished = 0;

  note(index: number, finished: boolean): void {
    if (!finished) this.#open.add(index);
    else {
      this.#open.delete(index);
      this.#finished++;
    }
  }
  /** A prompt that was refused has no candidate. */
  block(): void {
    this.#finished++;
  }
  get whole(): boolean {
    return this.#finished > 0 && this.#open.size === 0;
  }
}

/**
 * Reads one stream of `GenerateContentResponse` chunks. There is no terminal event: the answer is whole where every
 * candidate has its finish reason and the connection ends. Chunks may follow a finish reason (a signature, the usage).
 */
export function streamReader(): StreamReader {
  const progress = new Progress();
  const calls = new Set<number>();
  const read = (event: SseEvent): EventView => {
    const value = event.data === null ? null : parsed(event.data);
    if (Array.isArray(value) && isObject(value[0])) return chunk(value[0], progress, calls);
    return isObject(value) ? chunk(value, progress, calls) : NOTHING;
  };
  return { read, ended: () => progress.whole };
}

function chunk(value: JsonObject, progress: Progress, calls: Set<number>): EventView {
  if (!isUnset(value['error'])) return { ...NOTHING, fault: readFault(null, value) };
  let finish: EventView['finish'] = null;
  let [content, textBytes] = [false, 0];
  const candidates = listOf(value['candidates']);
  for (const item of candidates) {
    const candidate = objectOf(item);
    const index = countOf(candidate['index']) ?? 0;
    for (const part of partsIn(candidate)) {
      if (isCall(part)) calls.add(index);
      content ||= isContent(objectOf(part));
      textBytes += bytesOf(objectOf(part));
    }
    const own = finishOf(candidate);
    progress.note(index, own !== null);
    if (own !== null) finish ??= own === 'stop' && calls.has(index) ? 'tool_calls' : own;
  }
  if (candidates.length === 0 && blocked(value)) {
    progress.block();
    finish = 'content_filter';
  }
  return {
    ...NOTHING,
    content,
    textBytes,
    usage: readUsage(value['usageMetadata'], value),
    finish,
    modelReturned: textOf(value['modelVersion']),
  };
}

/** An empty text commits to nothing; a signature, a call or a picture does. */
const isContent = (part: JsonObject): boolean =>
  part['text'] === '' ? part['thoughtSignature'] !== undefined : Object.keys(part).length > 0;

function bytesOf(part: JsonObject): number {
  const text = part['text'];
  if (typeof text === 'string') return Buffer.byteLength(text);
  const args = objectOf(part['functionCall'])['args'];
  return args === undefined ? 0 : Buffer.byteLength(JSON.stringify(args));
}

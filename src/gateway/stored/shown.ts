import { hideCachedWithin } from '#wire/hide-cached.ts';
import { sseSplitter } from '#wire/sse/splitter.ts';
import { shownBody, shownEvent, type Mask } from '../prefix-cache/shown.ts';
import { linesOf } from './jsonl.ts';
import type { StoredFamily } from './routes.ts';

/** One answer is at most so large. */
const MOST_BYTES = 64 * 1024 * 1024;

/** What a provider keeps, as its caller sees it: an answer, its events again, or the results of a batch. */
export function shownStream(mask: Mask, contentType: string, family: StoredFamily) {
  if (contentType.startsWith('text/event-stream')) return (body: AsyncIterable<Buffer>) => events(mask, body);
  if (contentType.startsWith('application/json')) return (body: AsyncIterable<Buffer>) => whole(mask, body);
  return (body: AsyncIterable<Buffer>) => (mask.hidesCached ? results(body, family) : body);
}

async function* events(mask: Mask, body: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const splitter = sseSplitter(MOST_BYTES);
  for await (const chunk of body)
    for (const event of splitter.push(chunk)) yield shownEvent(mask, event, 'openai-responses');
  yield splitter.rest();
}

async function* whole(mask: Mask, body: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    if ((bytes += chunk.length) > MOST_BYTES) throw new RangeError(`an answer is larger than ${MOST_BYTES} bytes`);
  }
  yield shownBody(mask, Buffer.concat(chunks), 'openai-responses');
}

/** Where the answer stands in a line. */
const WITHIN = { openai: ['response', 'body'], anthropic: ['result', 'message'] } as const;
const LINE_BREAK = Buffer.from('\n');

async function* results(body: AsyncIterable<Buffer>, family: StoredFamily): AsyncGenerator<Buffer> {
  const dialect = family === 'anthropic' ? 'anthropic-messages' : 'openai-chat';
  for await (const { bytes } of linesOf(body, MOST_BYTES)) {
    yield hideCachedWithin(bytes, WITHIN[family], dialect);
    yield LINE_BREAK;
  }
}

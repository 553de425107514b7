import { parentPort } from 'node:worker_threads';
import { crossHere } from './cross.ts';
import { decodeHere, faultError } from './decode.ts';
import { customizedBytes } from './layered/order.ts';
import type { DecodeReply, DecodeRequest } from './decode-pool.ts';
import { DIALECTS } from './dialects.ts';
import { asHeadgateError } from './refuse.ts';
import { firstBlocksHash } from '#wire/first-blocks.ts';
import { parseStrict } from '#wire/json/strict.ts';

/** A field whose text is longer stays in the bytes alone. */
const SHALLOW_BYTES = 64 * 1024;

/** Well above Node's pool of 8 KB slices: such a buffer has an allocation of its own. */
const HANDED_OVER_BYTES = 64 * 1024;

function answer(request: DecodeRequest): DecodeReply {
  const { id, bytes } = request;
  try {
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (request.do === 'cross') return cross(request, buffer);
    const dialect = DIALECTS[request.dialect];
    const decoded =
      request.do === 'customize'
        ? customizedBytes(buffer, dialect, request.order, request.outside)
        : decodeHere(buffer, dialect, request.outside);
    const { body, view, lifted = null } = decoded;
    const toolNames = dialect.seams && [...new Set(dialect.seams.toolNames(body))];
    const shallow: Record<string, unknown> = {};
    for (const [name, span] of body.spans) if (span.end - span.start <= SHALLOW_BYTES) shallow[name] = body.value[name];
    return {
      id,
      ok: true,
      crossed: null,
      // The caller's own bytes, or those of a body that was rewritten.
      bytes: body.bytes as Uint8Array<ArrayBuffer>,
      view: { ...view, conversation: firstBlocksHash(body.value), ...(toolNames && { toolNames }) },
      lifted,
      spans: [...body.spans],
      longNumberAt: body.longNumberAt,
      contentType: body.contentType,
      shallow,
    };
  } catch (thrown) {
    const { code, details } = asHeadgateError(thrown);
    return { id, ok: false, code, details };
  }
}

function cross(request: DecodeRequest & { do: 'cross' }, buffer: Buffer): DecodeReply {
  const body = parseStrict(buffer);
  if (!body.ok) throw faultError(body.error);
  return { id: request.id, ok: true, crossed: crossHere(body.value, request.order) };
}

/** Allocations that go back whole instead of being copied on the loop that serves calls. */
function handedOver(reply: DecodeReply): ArrayBuffer[] {
  if (!reply.ok) return [];
  if (reply.crossed === null) return [reply.bytes.buffer];
  if (!reply.crossed.ok) return [];
  const { buffer, length } = reply.crossed.value.body;
  // A small body may lie in Node's shared pool, which cannot change threads.
  return buffer instanceof ArrayBuffer && length >= HANDED_OVER_BYTES ? [buffer] : [];
}

parentPort!.on('message', (request: DecodeRequest) => {
  const reply = answer(request);
  parentPort!.postMessage(reply, handedOver(reply));
});

import type { DialectName } from './canonical.ts';
import { scan, type Span } from './json/scan.ts';
import { MAX_DEPTH } from './json/strict.ts';

const DATA = Buffer.from('data:');
const CLOSE = 0x7d;

/**
 * Adds `"cost":<decimal dollars>` as last member of the usage object of an answer body or of one SSE event; every
 * other byte stays. Null where there is no usage object. Responses carries its usage inside `response` in a stream.
 */
export function spliceUsageCost(bytes: Buffer, dialect: DialectName, cost: string): Buffer | null {
  const start = jsonStart(bytes);
  const json = bytes.subarray(start);
  const usage = usageSpan(json, dialect);
  if (!usage || json[usage.end - 1] !== CLOSE) return null;
  const at = start + usage.end - 1;
  const empty =
    json
      .subarray(usage.start + 1, usage.end - 1)
      .toString()
      .trim() === '';
  return Buffer.concat([bytes.subarray(0, at), Buffer.from(`${empty ? '' : ','}"cost":${cost}`), bytes.subarray(at)]);
}

/** Offset of the JSON text: 0 in a body, after `data:` in an event. */
function jsonStart(bytes: Buffer): number {
  if (bytes[0] === 0x7b) return 0;
  const data = bytes.indexOf(DATA);
  return data < 0 ? 0 : data + DATA.length;
}

function usageSpan(json: Buffer, dialect: DialectName): Span | null {
  const top = scan(json, MAX_DEPTH).spans;
  const direct = top.get(dialect === 'google-generate' ? 'usageMetadata' : 'usage');
  if (direct || dialect !== 'openai-responses') return direct ?? null;
  const outer = top.get('response');
  if (!outer) return null;
  const inner = scan(json.subarray(outer.start, outer.end), MAX_DEPTH).spans.get('usage');
  return inner ? { ...inner, start: inner.start + outer.start, end: inner.end + outer.start } : null;
}

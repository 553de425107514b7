import type { EventView, StreamReader } from '../dialect.ts';
import { isObject, objectOf, textOf, type JsonObject } from '../json/read.ts';
import { parsed } from '../anthropic-messages/parsed.ts';
import { NOTHING } from '../nothing.ts';
import { readFault } from './faults.ts';
import { readStop } from './finish.ts';
import { readUsage } from './usage.ts';

/** Reads one ConverseStream; `metadata` is its last event. */
export const streamReader = (): StreamReader => ({
  read: ({ name, data }) => {
    const value = data === null ? undefined : parsed(data);
    if (!isObject(value)) return NOTHING;
    switch (name) {
      case 'contentBlockStart':
        return { ...NOTHING, content: true };
      case 'contentBlockDelta':
        return delta(objectOf(value['delta']));
      case 'messageStop':
        return { ...NOTHING, finish: readStop(value['stopReason']) };
      case 'metadata':
        return { ...NOTHING, usage: readUsage(value['usage'], value['serviceTier']), terminal: true };
      case 'exception':
        return { ...NOTHING, fault: readFault(null, value) };
      default:
        return NOTHING;
    }
  },
});

function delta(value: JsonObject): EventView {
  const thought = objectOf(value['reasoningContent']);
  const text = textOf(value['text']) ?? textOf(thought['text']) ?? textOf(objectOf(value['toolUse'])['input']);
  // An empty piece commits to nothing; a signature or a citation does.
  return { ...NOTHING, content: text !== '', textBytes: text ? Buffer.byteLength(text) : 0 };
}

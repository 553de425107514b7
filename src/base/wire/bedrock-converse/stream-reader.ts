import type { EventView, StreamReader } from '../dialect.ts';
import { isObject, objectOf, textOf, type JsonObject } from '../json/read.ts';
import { parsed } from '../anthropic-messages/parsed.ts';
import { readFault } from './faults.ts';
import { readStop } from './finish.ts';
import { readUsage } from './usage.ts';

const QUIET: EventView = Object.freeze({
  content: false,
  textBytes: 0,
  usage: null,
  finish: null,
  modelReturned: null,
  fingerprint: null,
  keptIds: Object.freeze([]),
  terminal: false,
  fault: null,
  usageOnly: false,
});

/** Reads one ConverseStream; `metadata` is its last event. */
export const streamReader = (): StreamReader => ({
  read: ({ name, data }) => {
    const value = data === null ? undefined : parsed(data);
    if (!isObject(value)) return QUIET;
    switch (name) {
      case 'contentBlockStart':
        return { ...QUIET, content: true };
      case 'contentBlockDelta':
        return delta(objectOf(value['delta']));
      case 'messageStop':
        return { ...QUIET, finish: readStop(value['stopReason']) };
      case 'metadata':
        return { ...QUIET, usage: readUsage(value['usage'], value['serviceTier']), terminal: true };
      case 'exception':
        return { ...QUIET, fault: readFault(null, value) };
      default:
        return QUIET;
    }
  },
});

function delta(value: JsonObject): EventView {
  const thought = objectOf(value['reasoningContent']);
  const text = textOf(value['text']) ?? textOf(thought['text']) ?? textOf(objectOf(value['toolUse'])['input']);
  // An empty piece commits to nothing; a signature or a citation does.
  return { ...QUIET, content: text !== '', textBytes: text ? Buffer.byteLength(text) : 0 };
}

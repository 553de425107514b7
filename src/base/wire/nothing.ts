import type { EventView } from './dialect.ts';

/** What an event means that says nothing: a comment, a ping, one that we do not know. */
export const NOTHING: EventView = Object.freeze({
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

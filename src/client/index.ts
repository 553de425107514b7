/**
 * Streams of a Headgate gate, for Node and browsers: an answer that is read over as many connections as it takes, each
 * event once, and an end that is checked. No dependencies.
 */
export { createClient, type Client, type ClientOptions, type ReadAsked, type StreamAsked } from './create-client.ts';
export {
  StreamError,
  StreamGone,
  StreamInterrupted,
  StreamRefused,
  StreamTruncated,
  type StreamEnd,
} from './errors.ts';
export type { ChatChunk, HeadgateFrame, MessagesEvent, ResponsesEvent, ShapeOf, Shapes } from './shapes.ts';
export type { Form, Source, StreamEvent } from './source.ts';
export { HeadgateStream, type Patience } from './stream.ts';
/** `transport: ws()` of `createClient`: the same over one WebSocket a connection. */
export { ws } from './ws.ts';

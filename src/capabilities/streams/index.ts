export { LiveStream, type StreamEnd, type StreamOwner, type StreamReader } from './live-stream.ts';
export { positionOf, positionText, startOf, Streams, type Position, type StreamBounds } from './streams.ts';

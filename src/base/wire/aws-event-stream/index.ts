export { chunkEvents, chunkFrame, eventFrame, exceptionFrame, EXCEPTION_EVENT, frameEvents } from './events.ts';
export { framesOf, type ClientFraming } from './client-frames.ts';
export { frameSplitter, writeFrame, type Frame, type FrameSplitter } from './frames.ts';

/** Content type of the binary framing. */
export const EVENT_STREAM_TYPE = 'application/vnd.amazon.eventstream';

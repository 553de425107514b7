/** Frames of `/v1/stream`: their types, the reader of a client's, and the writer of a log's events. */
export type { ClientFrame, EventFrame, FrameForm, ResumeFrame, ServerFrame, StartFrame } from './frames.ts';
export { readFrame, type FrameFault } from './read-frame.ts';
export { StreamFrames } from './stream-frames.ts';
export { textFrame } from './text-frame.ts';

export type { AnswerFacts } from './core/answer-facts.ts';
export { Snapshot, type SnapshotChoice, type SnapshotState, type SnapshotTool } from './core/snapshot.ts';
export { Stuck } from './core/stuck.ts';
export {
  LiveStream,
  type StreamAbout,
  type StreamHooks,
  type StreamOpening,
  type StreamOwner,
  type StreamSuccessor,
} from './live-stream.ts';
export type { Said } from './shared/said-reading.ts';
export type { TakenStream } from './shared/shared-streams.ts';
export type { StreamEnd, StreamReader } from './stream-reader.ts';
export { TICKET_MS, type StreamTicket } from './stream-tickets.ts';
export { positionOf, startOf, Streams, type Position, type StreamBounds } from './streams.ts';

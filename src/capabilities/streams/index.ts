export type { AnswerFacts } from './core/answer-facts.ts';
export { Snapshot, type SnapshotChoice, type SnapshotState, type SnapshotTool } from './core/snapshot.ts';
export { Stuck } from './core/stuck.ts';
export { LiveStream, type StreamAbout, type StreamOpening, type StreamOwner } from './live-stream.ts';
export type { StreamEnd, StreamReader } from './stream-reader.ts';
export { TICKET_MS, type StreamTicket } from './stream-tickets.ts';
export { positionOf, positionText, startOf, Streams, type Position, type StreamBounds } from './streams.ts';

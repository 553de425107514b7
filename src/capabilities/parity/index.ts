/**
 * Parity: what a call said, kept for a time and compared. The pipeline asks {@link Captures} for a draft where a rule
 * wants the call; a thread of its own redacts, seals and writes it (`serveVault`).
 */
export { Captures, Draft, type CapturesOptions, type VaultThreadData } from './captures.ts';
export { ruleFor } from './core/rules.ts';
export { diffBodies, type BodyDiff, type DiffSide } from './core/diff.ts';
export { serveVault } from './thread.ts';
export type { CallContent, ReadAnswer, StreamPart, TextPart, VaultSettings, VaultStats } from './messages.ts';

import type { NanoUsd, PricePerMillion } from '#kernel/money.ts';
import type { DialectName } from '#wire/canonical.ts';
import type { Attempt, LedgerEntry } from '#ports/entry.ts';

/** Fields of the entry that are fixed when the call is admitted. */
export type AdmittedFields = Pick<
  LedgerEntry,
  | 'id'
  | 'at'
  | 'environment'
  | 'tenant'
  | 'team'
  | 'feature'
  | 'key'
  | 'endUser'
  | 'session'
  | 'agent'
  | 'parentAgent'
  | 'labels'
  | 'traceId'
  | 'client'
  | 'clientVersion'
  | 'clientRetry'
  | 'retryOf'
  | 'redriveOf'
  | 'kind'
  | 'purpose'
  | 'dialect'
  | 'stream'
  | 'modelAsked'
  | 'reservedNanoUsd'
  | 'templateHash'
  | 'prefixHash'
  | 'configHash'
  | 'protocol'
  | 'bytesIn'
  | 'alias'
  | 'layers'
  | 'asOther'
>;

/** Enough of the price to charge a call whose process died, without the price book. */
export interface PriceSnapshot {
  readonly input: PricePerMillion;
  readonly output: PricePerMillion;
  /** `priceVersion` of the entry. */
  readonly version: string;
}

/** What is known of a call before anything is sent: the call owes one entry from here on. */
export interface Admission extends AdmittedFields {
  /** Estimate from bytes; null where the call has no tokens. */
  readonly estimatedInputTokens: number | null;
  /** Output tokens that the reservation pays for. */
  readonly reservedOutputTokens: number | null;
  /** Limit of output tokens that goes upstream; null: none. */
  readonly maxOutputTokens: number | null;
  /** Dearest outcome of the call; null: not known (no price or no limit). */
  readonly worstCostNanoUsd: NanoUsd | null;
  /** Of the dearest deployment that may serve; null: not known. */
  readonly price: PriceSnapshot | null;
}

/** One request to a provider, recorded before it is sent. */
export interface AttemptStart {
  /** From 1. */
  readonly n: number;
  readonly deployment: string;
  readonly provider: string;
  readonly dialect: DialectName;
  /** Milliseconds after admission. */
  readonly startedMs: number;
  readonly worstCostNanoUsd: NanoUsd | null;
  /** All money reserved for the call once this attempt's top-up is in; null: as it was before. */
  readonly reservedNanoUsd: NanoUsd | null;
  /** Price of this deployment; null: the admission's. */
  readonly price: PriceSnapshot | null;
  /** Attempts that ended since the last record, so that an interrupted entry tells how. */
  readonly finished: readonly Attempt[];
}

/** How far a stream has come; at most one a second. Counts are of the attempt that streams, cumulative. */
export interface ProgressMark {
  /** Exact or estimated tokens so far; null: not known, `textBytes` is then used. */
  readonly outputTokens: number | null;
  /** UTF-8 bytes of generated text so far. */
  readonly textBytes: number;
  /** Milliseconds after admission. */
  readonly atMs: number;
}

/** An admitted call without settlement, as the spool knows it. */
export interface OpenCall {
  readonly admission: Admission;
  readonly attempts: readonly AttemptStart[];
  /** Oldest first. Only the last two matter: they give the pace. */
  readonly marks: readonly ProgressMark[];
}

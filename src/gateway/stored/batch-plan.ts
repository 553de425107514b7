import { createHash } from 'node:crypto';
import type { CallId, EpochMs } from '#kernel/brand.ts';
import { derivedCallId } from '#kernel/ids.ts';
import { costOf, nanoUsd, type NanoUsd } from '#kernel/money.ts';
import type { LedgerEntry } from '#ports/entry.ts';
import type { DialectName } from '#wire/canonical.ts';
import type { PriceQuote } from '#ledger/prices/index.ts';

/** Lines of a batch that ask for one model, as far as money is concerned. */
export interface PlanModel {
  /** Asked for by the caller. */
  readonly model: string;
  /** Id that is sent. */
  readonly sent: string;
  lines: number;
  inputTokens: number;
  outputTokens: number;
  worstInputTokens: number;
  worstOutputTokens: number;
  /** Hosted tools that its lines name. */
  readonly tools: string[];
}

/** What the lines of a batch ask for, known before it is made. */
export interface BatchLines {
  readonly provider: string;
  readonly dialect: DialectName;
  /** The endpoint that every line names. */
  readonly url: string;
  readonly models: readonly PlanModel[];
  readonly count: number;
  /**
   * Each line's custom id as {@link customHash}, and behind it the place of its model in `models`, in base 36; one below
   * the other. One text, since JSON reads it in 1 ms where a list of 50,000 texts takes 10.
   */
  readonly lines: string;
}

/** Fields that every entry of a batch has from its admission. */
export type AdmittedBatch = Pick<
  LedgerEntry,
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
  | 'purpose'
  | 'configHash'
> &
  // A plan of an older Headgate has none.
  Partial<Pick<LedgerEntry, 'asOther'>>;

/** A batch from its admission to its settlement: what every one of its calls owes an entry by. */
export interface BatchPlan {
  readonly id: string;
  readonly family: 'openai' | 'anthropic';
  readonly admitted: AdmittedBatch;
  readonly lines: BatchLines;
  /** Money as decimal text of nano-dollars; null: not known. */
  readonly expected: string | null;
  readonly worst: string | null;
  /** Of OpenAI's: a file is in one plan's batch, and finds it where its answer was lost. */
  readonly inputFileId: string | null;
}

const HASH_CHARS = 22;

/** A custom id is the caller's own word: what is kept is this. 128 bits of its SHA-256 in base64url. */
export const customHash = (customId: string): string =>
  createHash('sha256').update(customId).digest().subarray(0, 16).toString('base64url');

export const lineText = (hash: string, model: number): string => hash + model.toString(36);
export const hashOf = (line: string): string => line.slice(0, HASH_CHARS);
export const modelIndexOf = (line: string): number => parseInt(line.slice(HASH_CHARS), 36);

/** The id of a line's entry: the same however often, and by whichever process, it is settled. */
export const lineCallId = (planId: string, at: EpochMs, hash: string): CallId =>
  derivedCallId(at, createHash('sha256').update(`${planId}\n${hash}`).digest());

/** What the lines of one model are expected to cost, and the most that they may. */
export function costsOf(model: PlanModel, quote: PriceQuote): { readonly expected: NanoUsd; readonly worst: NanoUsd } {
  const calls = quote.perCallNanoUsd * BigInt(model.lines);
  const expected =
    costOf(Math.ceil(model.inputTokens), quote.inputPerMillion) +
    costOf(Math.ceil(model.outputTokens), quote.outputPerMillion);
  const worst =
    costOf(Math.ceil(model.worstInputTokens), quote.dearestInputPerMillion) +
    costOf(Math.ceil(model.worstOutputTokens), quote.dearestOutputPerMillion);
  return { expected: nanoUsd(expected + calls), worst: nanoUsd(worst + calls) };
}

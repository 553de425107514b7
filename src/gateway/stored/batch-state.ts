import { epochMs, type EpochMs } from '#kernel/brand.ts';
import { countOf, objectOf, textOf } from '#wire/json/read.ts';
import type { LineEnd } from './line-entry.ts';

/** A provider's batch object, as far as its settlement needs it. */
export interface BatchState {
  readonly id: string | null;
  readonly ended: boolean;
  /** When the provider says that it ends at the latest. */
  readonly expiresAt: EpochMs | null;
  /** Files that hold results, of OpenAI's. */
  readonly files: readonly string[];
  /** What became of a line that no result names. */
  readonly rest: LineEnd;
}

const OPENAI_ENDS: ReadonlyMap<string, LineEnd> = new Map<string, LineEnd>([
  ['completed', { is: 'lost', code: 'no_result' }],
  ['expired', { is: 'expired' }],
  ['cancelled', { is: 'cancelled' }],
  // Its input was refused as a whole: no line ran.
  ['failed', { is: 'failed', httpStatus: null, code: 'batch_failed' }],
]);

/** `Batch` of openai 7.57.0, `MessageBatch` of @anthropic-ai/sdk 1.12.0. Total: any value gives a state. */
export function batchState(value: unknown, family: 'openai' | 'anthropic'): BatchState {
  const batch = objectOf(value);
  const id = textOf(batch['id']);
  if (family === 'openai') {
    const end = OPENAI_ENDS.get(String(batch['status']));
    const files = [batch['output_file_id'], batch['error_file_id']].flatMap((file) => textOf(file) ?? []);
    const expiresS = countOf(batch['expires_at']);
    const expiresAt = expiresS === null ? null : epochMs(expiresS * 1000);
    return { id, ended: end !== undefined, expiresAt, files, rest: end ?? NO_RESULT };
  }
  const expires = Date.parse(textOf(batch['expires_at']) ?? '');
  const expiresAt = Number.isFinite(expires) ? epochMs(expires) : null;
  return { id, ended: batch['processing_status'] === 'ended', expiresAt, files: [], rest: NO_RESULT };
}

const NO_RESULT: LineEnd = { is: 'lost', code: 'no_result' };

import type { Readable } from 'node:stream';
import { countOf, objectOf, textOf } from '#wire/json/read.ts';
import type { Dialect } from '#wire/dialect.ts';
import { customHash } from './batch-plan.ts';
import { linesOf } from './jsonl.ts';
import type { LineEnd } from './line-entry.ts';

/** One line of a provider's results. */
export interface ResultLine {
  readonly hash: string;
  readonly end: LineEnd;
}

/** One answer is at most so large: a line of a result file. */
const LINE_BYTES = 64 * 1024 * 1024;

/** Reads a result file as it comes. What is no result is left out: its call stays open and is told as lost. */
export async function* resultsOf(
  body: Readable,
  dialect: Dialect,
  family: 'openai' | 'anthropic',
): AsyncGenerator<ResultLine> {
  const read = family === 'openai' ? openaiEnd : messagesEnd;
  for await (const { bytes } of linesOf(body, LINE_BYTES)) {
    const line = parsed(bytes);
    const customId = textOf(line['custom_id']);
    if (customId !== null) yield { hash: customHash(customId), end: read(line, dialect) };
  }
}

function parsed(bytes: Buffer): Record<string, unknown> {
  try {
    return objectOf(JSON.parse(bytes.toString('utf8')) as unknown);
  } catch {
    return {};
  }
}

/** `{custom_id, response: {status_code, body}, error: {code}}`: output and error file have one form. */
function openaiEnd(line: Record<string, unknown>, dialect: Dialect): LineEnd {
  const response = objectOf(line['response']);
  const status = countOf(response['status_code']);
  const code = textOf(objectOf(line['error'])['code']);
  if (code === 'batch_expired') return { is: 'expired' };
  if (code === 'batch_cancelled') return { is: 'cancelled' };
  if (status === 200) return answered(response['body'], dialect);
  return { is: 'failed', httpStatus: status, code: code ?? faultCode(dialect, status, response['body']) };
}

/** `{custom_id, result: {type, message | error}}` (`MessageBatchResult` of @anthropic-ai/sdk 1.12.0). */
function messagesEnd(line: Record<string, unknown>, dialect: Dialect): LineEnd {
  const result = objectOf(line['result']);
  switch (result['type']) {
    case 'succeeded':
      return answered(result['message'], dialect);
    case 'canceled':
      return { is: 'cancelled' };
    case 'expired':
      return { is: 'expired' };
    default:
      return { is: 'failed', httpStatus: null, code: faultCode(dialect, null, result['error']) };
  }
}

function answered(body: unknown, dialect: Dialect): LineEnd {
  const view = dialect.readAnswer(body);
  return { is: 'answered', view };
}

/** The provider's code or type; its text may quote a prompt. */
function faultCode(dialect: Dialect, status: number | null, body: unknown): string {
  const fault = dialect.readFault(status ?? 400, body);
  return fault.code ?? fault.type;
}

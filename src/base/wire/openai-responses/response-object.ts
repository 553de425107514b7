import type { FinishReason, ProviderFault } from '#wire/canonical.ts';
import type { Usage } from '#wire/usage.ts';
import { writeUsage } from './usage.ts';

export interface ResponseParts {
  readonly id: string;
  readonly model: string;
  readonly createdS: number;
  readonly status: 'in_progress' | 'completed' | 'incomplete' | 'failed';
  readonly output: readonly object[];
  readonly usage: Usage | null;
  readonly serviceTier: string | null;
  readonly incompleteReason: string | null;
  readonly error: object | null;
}

/**
 * A whole Response object. It says nothing of the request, which the answer's encoder does not see; `store: false`
 * says that it cannot be asked for again.
 */
export const responseObject = (parts: ResponseParts) => ({
  id: parts.id,
  object: 'response',
  created_at: parts.createdS,
  status: parts.status,
  access_programs: null,
  background: false,
  error: parts.error,
  incomplete_details: parts.incompleteReason === null ? null : { reason: parts.incompleteReason },
  instructions: null,
  max_output_tokens: null,
  metadata: {},
  model: parts.model,
  output: parts.output,
  parallel_tool_calls: true,
  previous_response_id: null,
  reasoning: { effort: null, summary: null },
  service_tier: parts.serviceTier,
  store: false,
  temperature: null,
  text: { format: { type: 'text' } },
  tool_choice: 'auto',
  tools: [],
  top_p: null,
  truncation: 'disabled',
  ...(parts.usage && { usage: writeUsage(parts.usage) }),
});

/** An id of this API stays; another's is named by the call, which is what our ledger knows. */
export const responseId = (id: string, callId: string): string => (id.startsWith('resp_') ? id : `resp_${callId}`);

/** Status and reason of a finish. A refusal that no part states would read as a whole answer without text. */
export function endOf(
  finish: FinishReason | null,
  refused: boolean,
): Pick<ResponseParts, 'status' | 'incompleteReason'> {
  if (finish === 'length' || finish === 'context_exceeded') {
    return { status: 'incomplete', incompleteReason: 'max_output_tokens' };
  }
  if (finish === 'content_filter' || (finish === 'refusal' && !refused)) {
    return { status: 'incomplete', incompleteReason: 'content_filter' };
  }
  return { status: 'completed', incompleteReason: null };
}

/** `code` of a failed response (openai 7.57.0 `ResponseError`): a closed list, of which two fit any provider. */
export const failureOf = (fault: ProviderFault): object => ({
  code: fault.type === 'rate_limit' || fault.type === 'overloaded' ? 'rate_limit_exceeded' : 'server_error',
  message: fault.message,
});

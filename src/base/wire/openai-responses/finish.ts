import type { FinishReason } from '#wire/canonical.ts';
import { objectOf, textOf, type JsonObject } from '#wire/json/read.ts';
import { objectsOf, typeOf } from './shape.ts';

/** Items that hand the turn to the client, which runs them and calls again. */
const CLIENT_CALLS: ReadonlySet<string> = new Set([
  'function_call',
  'custom_tool_call',
  'local_shell_call',
  'shell_call',
  'apply_patch_call',
  'computer_call',
  'mcp_approval_request',
]);

/**
 * Finish reason of a Response; null while it runs and where it failed. The API has no such field: a completed
 * response says by its items whether a tool is to be run, and `incomplete_details.reason` why it was cut.
 */
export function finishOf(response: JsonObject): FinishReason | null {
  switch (response['status']) {
    case 'completed':
      return finishOfOutput(objectsOf(response['output']));
    case 'incomplete':
      return finishOfIncomplete(textOf(objectOf(response['incomplete_details'])['reason']));
    case 'cancelled':
      return 'other';
    default:
      return null;
  }
}

function finishOfIncomplete(reason: string | null): FinishReason {
  if (reason === 'max_output_tokens') return 'length';
  return reason === 'content_filter' ? 'content_filter' : 'other';
}

function finishOfOutput(items: readonly JsonObject[]): FinishReason {
  // A call that the provider has run already stands before its own output and does not wait for the client.
  const answered = new Set(items.filter((item) => typeOf(item).endsWith('_output')).map((item) => item['call_id']));
  if (items.some((item) => CLIENT_CALLS.has(typeOf(item)) && !answered.has(item['call_id'] ?? item)))
    return 'tool_calls';
  return items.some(hasRefusal) ? 'refusal' : 'stop';
}

const hasRefusal = (item: JsonObject): boolean => objectsOf(item['content']).some((part) => typeOf(part) === 'refusal');

import { invariant } from '#kernel/invariant.ts';
import { err, ok, type Result } from '#kernel/result.ts';
import type { DialectName } from '#wire/canonical.ts';
import { crossCall } from '#wire/crossing/cross.ts';
import type { FieldFault } from '#wire/dialect.ts';
import { parseStrict, type StrictJson } from '#wire/json/strict.ts';
import { DIALECTS } from './dialects.ts';

/**
 * Cursor posts a body of the Responses API to the path of chat completions, and reads chunks of a chat (clients.md 6;
 * docs.litellm.ai/docs/proxy/cursor). Such a body is rewritten as a chat before anything reads it, so that what policy
 * reads is what the provider gets.
 */
export const isResponsesShaped = (dialect: DialectName, { spans }: StrictJson): boolean =>
  dialect === 'openai-chat' && spans.has('input') && !spans.has('messages');

export interface Rewritten {
  readonly chat: StrictJson;
  /** Hints that a chat cannot say. */
  readonly leftOut: readonly string[];
}

/** The same call as a chat; what is no call of the Responses API either is a fault that names its field. */
export function asChat(body: StrictJson): Result<Rewritten, FieldFault> {
  const responses = DIALECTS['openai-responses'];
  const view = responses.policy(body);
  if (!view.ok) return view;
  const crossed = crossCall(responses, DIALECTS['openai-chat'], body, 'drop-hints');
  if (!crossed.ok) return err(crossed.error);
  const chat = parseStrict(Buffer.from(JSON.stringify(crossed.value.value)));
  invariant(chat.ok, 'what an encoder makes is strict JSON');
  return ok({ chat: chat.value, leftOut: crossed.value.dropped });
}

import { encryptedOf } from '#wire/google-generate/signature.ts';
import type { Part, ReasoningPart, ToolCallPart } from '#wire/canonical.ts';
import { annotationsOf } from './annotations.ts';
import { MINTED } from './kept-ids.ts';

/** Ids of items that we write: the mark tells a later request that no provider keeps them. */
export type Mint = (prefix: 'msg' | 'rs' | 'fc' | 'ctc') => string;
export function minter(callId: string): Mint {
  let n = 0;
  return (prefix) => `${prefix}${MINTED}${callId}_${n++}`;
}

export type Status = 'in_progress' | 'completed' | 'incomplete';

export const messageItem = (id: string, content: readonly object[], status: Status) => ({
  id,
  type: 'message',
  status,
  role: 'assistant',
  content,
});
export const textContent = (text: string, annotations: readonly object[] = [], logprobs: readonly unknown[] = []) => ({
  type: 'output_text',
  annotations,
  logprobs,
  text,
});
export const refusalContent = (refusal: string) => ({ type: 'refusal', refusal });
export const reasoningItem = (id: string, text: string, encrypted: string | undefined) => ({
  id,
  type: 'reasoning',
  summary: text === '' ? [] : [{ type: 'summary_text', text }],
  ...(encrypted !== undefined && { encrypted_content: encrypted }),
});

export const callItem = (id: string, call: Pick<ToolCallPart, 'id' | 'name' | 'args' | 'custom'>, status: Status) =>
  call.custom
    ? { id, type: 'custom_tool_call', status, call_id: call.id, name: call.name, input: call.args }
    : { id, type: 'function_call', status, call_id: call.id, name: call.name, arguments: call.args };

/** Output items of an answer's parts; neighbours that are text or refusal share one message. */
export function outputOf(parts: readonly Part[], mint: Mint, logprobs: readonly unknown[], status: Status): object[] {
  const output: object[] = [];
  let content: object[] | null = null;
  let scores = logprobs;
  for (const part of parts) {
    if (part.type === 'text' || part.type === 'refusal') {
      if (!content) output.push(messageItem(mint('msg'), (content = []), status));
      content.push(
        part.type === 'text'
          ? textContent(part.text, annotationsOf(part.annotations), scores)
          : refusalContent(part.text),
      );
      // The canonical answer has one list for all its text; it stands with the first part.
      if (part.type === 'text') scores = [];
      continue;
    }
    const item = itemOf(part, mint);
    if (item) [content] = [null, output.push(item)];
  }
  return output;
}

/** Parts that no output item can hold (a picture of another API's own form) have no place in this answer. */
function itemOf(part: Part, mint: Mint): object | null {
  if (part.type === 'reasoning') return reasoningOf(part, mint);
  if (part.type === 'tool_call') return callItem(mint(part.custom ? 'ctc' : 'fc'), part, 'completed');
  return part.type === 'opaque' && part.dialect === 'openai-responses' ? (part.value as object) : null;
}

/** A signature of another family stays behind (clients.md 8), but Google's goes along; its text is shown as a summary. */
const reasoningOf = (part: ReasoningPart, mint: Mint): object =>
  reasoningItem(part.id ?? mint('rs'), part.text, encryptedOf(part));

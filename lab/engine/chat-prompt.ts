/** Messages and tools as ChatML, in pieces: markup that becomes control tokens, and text that never does. */
import type { ChatMessage, ChatTool } from './chat-request.ts';

/** `control` pieces may hold control tokens; `text` pieces come from the caller and are tokenized as plain text. */
export interface PromptPiece {
  readonly kind: 'control' | 'text';
  readonly text: string;
}

const control = (text: string): PromptPiece => ({ kind: 'control', text });
const plain = (text: string): PromptPiece => ({ kind: 'text', text });

function contentText(content: ChatMessage['content']): string {
  if (content === undefined || content === null) return '';
  return typeof content === 'string' ? content : content.map((part) => part.text ?? '').join('');
}

/** A finished call in the history reads as a forced one is generated: name, newline, arguments. */
function messageText(message: ChatMessage): string {
  const calls = (message.tool_calls ?? []).map((call) => `${call.function.name}\n${call.function.arguments}`);
  return [contentText(message.content), ...calls].filter((text) => text !== '').join('\n');
}

function turn(role: string, text: string): PromptPiece[] {
  return [control('<|im_start|>'), plain(`${role}\n${text}`), control('<|im_end|>'), plain('\n')];
}

/** Tools come first, so that a conversation that keeps its tools keeps its cached prefix. */
export function chatPrompt(messages: readonly ChatMessage[], tools: readonly ChatTool[]): PromptPiece[] {
  const described = tools.length === 0 ? [] : turn('tools', JSON.stringify(tools.map((tool) => tool.function)));
  const turns = messages.flatMap((message) => turn(message.role, messageText(message)));
  return [...described, ...turns, control('<|im_start|>'), plain('assistant\n')];
}

import type { CanonicalEvent } from '#wire/canonical.ts';
import type { AnswerContext, StreamEncoder } from '#wire/dialect.ts';
import { extraContent } from '#wire/google-generate/signature.ts';
import { countOf, isObject, objectOf } from '#wire/json/read.ts';
import { mergeUsage, type Usage } from '#wire/usage.ts';
import { chatAnnotation } from './annotations.ts';
import { streamFault } from './faults.ts';
import { chatFinish } from './finish.ts';
import { encodeUsage } from './usage.ts';

type Start = Extract<CanonicalEvent, { type: 'start' }>;
type BlockStart = Extract<CanonicalEvent, { type: 'block_start' }>;
interface Block {
  readonly kind: BlockStart['kind'];
  readonly custom: boolean;
  /** Index among the tool calls of its choice; -1 for other blocks. */
  readonly tool: number;
}

const NO_START: Start = { type: 'start', id: '', model: '', createdS: null, fingerprint: null };
const sse = (value: object): string => `data: ${JSON.stringify(value)}\n\n`;

/** Canonical events to chat chunks as `ChatCompletionChunk` of the SDK asks for them. */
export function streamEncoder(context: AnswerContext): StreamEncoder {
  const blocks = new Map<string, Block>();
  const toolCounts = new Map<number, number>();
  const begun = new Set<number>();
  const signatures = new Map<number, string>();
  let start = NO_START;
  let usage: Usage | null = null;

  const chunk = (choices: readonly object[]): object => ({
    id: start.id || context.callId,
    object: 'chat.completion.chunk',
    created: start.createdS ?? context.nowS,
    model: start.model || context.modelAsked,
    ...(start.fingerprint !== null && { system_fingerprint: start.fingerprint }),
    choices,
  });
  const choiceChunk = (index: number, delta: object, finish: string | null, logprobs: unknown = null): string =>
    sse(chunk([{ index, delta, logprobs, finish_reason: finish }]));
  const write = (index: number, delta: object, logprobs?: unknown): string => {
    const role = begun.has(index) ? '' : choiceChunk(index, { role: 'assistant', content: '' }, null);
    begun.add(index);
    return role + choiceChunk(index, delta, null, logprobs);
  };
  const signed = (choice: number): object => {
    const signature = signatures.get(choice);
    signatures.delete(choice);
    return extraContent(signature);
  };
  const startBlock = (event: BlockStart): string => {
    const isTool = event.kind === 'tool_call';
    // It is bound to the part that follows it.
    if (event.kind === 'text') signatures.delete(event.choice);
    const tool = isTool ? (toolCounts.get(event.choice) ?? 0) : -1;
    if (isTool) toolCounts.set(event.choice, tool + 1);
    blocks.set(`${event.choice}.${event.block}`, { kind: event.kind, custom: event.custom ?? false, tool });
    return isTool ? write(event.choice, { tool_calls: [{ ...toolStart(event, tool), ...signed(event.choice) }] }) : '';
  };
  const end = (): string => {
    const last = usage && context.includeUsage ? sse({ ...chunk([]), usage: encodeUsage(usage) }) : '';
    return `${last}data: [DONE]\n\n`;
  };
  const push = (event: CanonicalEvent): string => {
    switch (event.type) {
      case 'start':
        start = event;
        begun.add(0);
        return choiceChunk(0, { role: 'assistant', content: '' }, null);
      case 'block_start':
        return startBlock(event);
      case 'delta': {
        const block = blocks.get(`${event.choice}.${event.block}`);
        return block ? write(event.choice, deltaOf(block, event.text), event.logprobs) : '';
      }
      case 'annotation': {
        const note = chatAnnotation(event.value);
        return note ? write(event.choice, { annotations: [note] }) : '';
      }
      case 'finish':
        return choiceChunk(event.choice, {}, chatFinish(event.reason));
      case 'usage':
        usage = mergeUsage(usage, event.usage);
        return '';
      case 'error':
        return streamFault(event.error);
      case 'end':
        return end();
      case 'opaque':
        return event.dialect === 'openai-chat' ? ownDelta(event.value, write) : '';
      case 'signature':
        if (event.signature) signatures.set(event.choice, event.signature);
        return '';
      // Signatures are bound to the family that made them, but Google's has a place; blocks and pings have no form.
      case 'block_stop':
      case 'ping':
        return '';
    }
  };
  return { push };
}

function toolStart(event: BlockStart, index: number): object {
  const name = event.name ?? '';
  const of = event.custom ? { custom: { name, input: '' } } : { function: { name, arguments: '' } };
  return { index, id: event.id ?? '', type: event.custom ? 'custom' : 'function', ...of };
}

function deltaOf(block: Block, text: string): object {
  switch (block.kind) {
    case 'text':
      return { content: text };
    case 'reasoning':
      return { reasoning_content: text };
    case 'refusal':
      return { refusal: text };
    case 'tool_call':
      return {
        tool_calls: [
          { index: block.tool, ...(block.custom ? { custom: { input: text } } : { function: { arguments: text } }) },
        ],
      };
  }
}

function ownDelta(value: unknown, write: (index: number, delta: object) => string): string {
  const { choice, delta } = objectOf(value) as Record<string, unknown>;
  return isObject(delta) ? write(countOf(choice) ?? 0, delta) : '';
}

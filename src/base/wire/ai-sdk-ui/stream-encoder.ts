import type { CanonicalEvent, FinishReason } from '#wire/canonical.ts';
import type { AnswerContext, StreamEncoder } from '#wire/dialect.ts';
import { isObject, objectOf, textOf } from '#wire/json/read.ts';
import { mergeUsage, type Usage } from '#wire/usage.ts';
import { streamFault } from './faults.ts';
import { inputOf } from './input.ts';

type BlockStart = Extract<CanonicalEvent, { type: 'block_start' }>;
type Signature = Extract<CanonicalEvent, { type: 'signature' }>;

interface Block {
  readonly id: string;
  readonly kind: 'text' | 'reasoning' | 'tool';
  readonly name: string;
  readonly custom: boolean;
  /** Argument text of a tool call so far: its whole is parsed once, when the call is whole. */
  args: string;
  /** Marks of the model's family on its thinking. */
  signed: { signature?: string; encrypted?: string } | null;
}

const sse = (chunk: object): string => `data: ${JSON.stringify(chunk)}\n\n`;

/** The SDK's words (`FinishReason` of `ai` 7.0.173). */
const FINISH: Readonly<Record<FinishReason, string>> = {
  stop: 'stop',
  stop_sequence: 'stop',
  length: 'length',
  tool_calls: 'tool-calls',
  content_filter: 'content-filter',
  refusal: 'content-filter',
  pause: 'other',
  context_exceeded: 'length',
  other: 'other',
};

/**
 * Canonical events to the chunks that `useChat` reads (`ai` 7.0.173, `ui-message-stream/ui-message-chunks.ts`). The
 * message has no id of ours: the client makes one, and goes on with its own where a tool's output continues it.
 */
export function streamEncoder(context: AnswerContext): StreamEncoder {
  const blocks = new Map<number, Block>();
  let usage: Usage | null = null;
  let finish: FinishReason = 'other';
  let sources = 0;
  let begun = false;

  const begin = (): string => {
    if (begun) return '';
    begun = true;
    const messageMetadata = { callId: context.callId, model: context.modelAsked };
    return sse({ type: 'start', messageMetadata }) + sse({ type: 'start-step' });
  };
  const stop = (index: number): string => {
    const block = blocks.get(index);
    blocks.delete(index);
    return block ? endOf(block) : '';
  };
  const source = (value: unknown): string => {
    const found = sourceOf(value);
    return found ? sse({ type: 'source-url', sourceId: `source-${++sources}`, ...found }) : '';
  };
  const startBlock = (event: BlockStart): string => {
    const block = blockOf(event);
    blocks.set(event.block, block);
    return begin() + startOf(block);
  };
  const end = (): string => {
    const open = [...blocks.keys()].map(stop).join('');
    const messageMetadata = usage ? { usage: usageOf(usage) } : undefined;
    const last = sse({ type: 'finish', finishReason: FINISH[finish], ...(messageMetadata && { messageMetadata }) });
    return `${begin()}${open}${sse({ type: 'finish-step' })}${last}data: [DONE]\n\n`;
  };
  const push = (event: CanonicalEvent): string => {
    // One message has one answer; nothing of this dialect asks for more.
    if ('choice' in event && event.choice > 0) return '';
    switch (event.type) {
      case 'start':
        return begin();
      case 'block_start':
        return startBlock(event);
      case 'delta':
        return deltaOf(blocks.get(event.block), event.text);
      case 'signature':
        sign(blocks.get(event.block), event);
        return '';
      case 'annotation':
        return source(event.value);
      case 'block_stop':
        return stop(event.block);
      case 'finish':
        finish = event.reason;
        return '';
      case 'usage':
        usage = mergeUsage(usage, event.usage);
        return '';
      case 'error':
        return streamFault(event.error);
      case 'end':
        return end();
      default:
        return '';
    }
  };
  return { push };
}

const blockOf = ({ block, kind, id, name, custom }: BlockStart): Block => ({
  id: kind === 'tool_call' ? (id ?? `call-${block}`) : String(block),
  kind: kind === 'tool_call' ? 'tool' : kind === 'reasoning' ? 'reasoning' : 'text',
  name: name ?? '',
  custom: custom ?? false,
  args: '',
  signed: null,
});

function startOf({ kind, id, name, custom }: Block): string {
  if (kind !== 'tool') return sse({ type: `${kind}-start`, id });
  const encoding = custom ? { inputEncoding: 'text' } : {};
  return sse({ type: 'tool-input-start', toolCallId: id, toolName: name, ...encoding });
}

function deltaOf(block: Block | undefined, text: string): string {
  if (!block || text === '') return '';
  if (block.kind !== 'tool') return sse({ type: `${block.kind}-delta`, id: block.id, delta: text });
  block.args += text;
  return sse({ type: 'tool-input-delta', toolCallId: block.id, inputTextDelta: text });
}

function sign(block: Block | undefined, { signature, encrypted }: Signature): void {
  if (!block) return;
  block.signed ??= {};
  // Anthropic streams a signature in pieces.
  if (signature !== undefined) block.signed.signature = (block.signed.signature ?? '') + signature;
  if (encrypted !== undefined) block.signed.encrypted = encrypted;
}

function endOf(block: Block): string {
  const { kind, id, name: toolName } = block;
  if (kind !== 'tool') {
    const marks = block.signed ? { providerMetadata: { headgate: block.signed } } : {};
    return sse({ type: `${kind}-end`, id, ...marks });
  }
  const input = inputOf(block.args, block.custom);
  return input.ok
    ? sse({ type: 'tool-input-available', toolCallId: id, toolName, input: input.value })
    : sse({ type: 'tool-input-error', toolCallId: id, toolName, input: block.args, errorText: input.error });
}

/** A citation's address, in whichever family's form it came. */
function sourceOf(value: unknown): { readonly url: string; readonly title?: string } | null {
  const note = objectOf(value);
  const of = isObject(note['url_citation']) ? note['url_citation'] : note;
  const [url, title] = [textOf(of['url']), textOf(of['title'])];
  return url === null ? null : { url, ...(title !== null && { title }) };
}

/** The names of `LanguageModelUsage` of the SDK; a total is one only where both halves are known. */
function usageOf(usage: Usage): object {
  const { inputTokens, outputTokens, reasoningTokens, cachedReadTokens } = usage;
  const total = inputTokens !== null && outputTokens !== null ? inputTokens + outputTokens : null;
  const known = { inputTokens, outputTokens, totalTokens: total, reasoningTokens, cachedInputTokens: cachedReadTokens };
  return Object.fromEntries(Object.entries(known).filter(([, count]) => count !== null));
}

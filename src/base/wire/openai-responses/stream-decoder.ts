import type { CanonicalEvent, Part, ProviderFault } from '#wire/canonical.ts';
import type { StreamDecoder } from '#wire/dialect.ts';
import { countOf, isObject, listOf, numberOf, objectOf, textOf, type JsonObject } from '#wire/json/read.ts';
import { readFault } from '#wire/openai-chat/faults.ts';
import type { SseEvent } from '#wire/sse/splitter.ts';
import { faultOf } from './answer-view.ts';
import { PARAGRAPH, partsOfOutput } from './decode-items.ts';
import { finishOf } from './finish.ts';
import { typeOf } from './shape.ts';
import { readUsage } from './usage.ts';

type Kind = Extract<CanonicalEvent, { type: 'block_start' }>['kind'];

/** A canonical block that is open: where it stands, and whether any of its text has come as a delta. */
interface Block {
  readonly index: number;
  readonly kind: Kind;
  wrote: boolean;
  /** Of reasoning: the summary or content part that wrote last; the next one is a new paragraph. */
  part: string;
}

/** Events of one Responses stream as canonical events: a block is a content part, a reasoning item or a call. */
export function streamDecoder(): StreamDecoder {
  const decoder = new Decoder();
  return { push: (event) => decoder.push(event) };
}

class Decoder {
  #out: CanonicalEvent[] = [];
  #started = false;
  #failed = false;
  #next = 0;
  /** By the item's `output_index`, and for a message's parts by `content_index` too. */
  readonly #open = new Map<string, Block>();
  /** Content parts that are done: their item's end repeats them. */
  readonly #closed = new Set<string>();

  push({ data, name }: SseEvent): readonly CanonicalEvent[] {
    this.#out = [];
    const event = data === null || data === '[DONE]' ? null : parse(data);
    if (event) this.#read(typeOf(event) || name, event);
    return this.#out;
  }

  #read(type: string, event: JsonObject): void {
    switch (type) {
      case 'response.created':
        return this.#start(objectOf(event['response']));
      case 'response.queued':
      case 'response.in_progress':
      case 'response.reasoning_summary_part.added':
      case 'response.reasoning_summary_part.done':
        return;
      case 'response.output_item.added':
        return this.#itemAdded(event, objectOf(event['item']));
      case 'response.output_item.done':
        return this.#itemDone(event, objectOf(event['item']));
      case 'response.content_part.added':
        return this.#partAdded(event, typeOf(objectOf(event['part'])));
      case 'response.content_part.done':
        return this.#partDone(event, objectOf(event['part']));
      case 'response.output_text.delta':
        return this.#write(this.#part(event, 'text'), textOf(event['delta']), event['logprobs']);
      case 'response.refusal.delta':
        return this.#write(this.#part(event, 'refusal'), textOf(event['delta']));
      case 'response.output_text.done':
        return this.#whole(this.#part(event, 'text'), event['text']);
      case 'response.refusal.done':
        return this.#whole(this.#part(event, 'refusal'), event['refusal']);
      case 'response.reasoning_summary_text.delta':
        return this.#think(event, `summary ${String(event['summary_index'])}`);
      case 'response.reasoning_text.delta':
        return this.#think(event, `content ${String(event['content_index'])}`);
      case 'response.reasoning_summary_text.done':
      case 'response.reasoning_text.done':
        return;
      case 'response.function_call_arguments.delta':
      case 'response.custom_tool_call_input.delta':
        return this.#write(this.#open.get(itemKey(event)), textOf(event['delta']));
      case 'response.function_call_arguments.done':
        return this.#whole(this.#open.get(itemKey(event)), event['arguments']);
      case 'response.custom_tool_call_input.done':
        return this.#whole(this.#open.get(itemKey(event)), event['input']);
      case 'response.output_text.annotation.added':
        return this.#annotate(event);
      case 'response.completed':
      case 'response.incomplete':
      case 'response.failed':
        return this.#end(objectOf(event['response']));
      case 'error':
        return this.#fail(readFault(null, event));
      default:
        return this.#other(type, event);
    }
  }

  #emit(event: CanonicalEvent): void {
    this.#out.push(event);
  }

  #start(response: JsonObject): void {
    if (this.#started) return;
    this.#started = true;
    this.#emit({
      type: 'start',
      id: textOf(response['id']) ?? '',
      model: textOf(response['model']) ?? '',
      createdS: countOf(Math.trunc(numberOf(response['created_at']) ?? -1)),
      fingerprint: null,
    });
  }

  #begin(key: string, kind: Kind, call: { id?: string; name?: string; custom?: boolean } = {}): Block {
    const block: Block = { index: this.#next++, kind, wrote: false, part: '' };
    this.#open.set(key, block);
    this.#emit({ type: 'block_start', choice: 0, block: block.index, kind, ...call });
    return block;
  }

  #stop(key: string): void {
    const block = this.#open.get(key);
    if (!block) return;
    this.#open.delete(key);
    this.#emit({ type: 'block_stop', choice: 0, block: block.index });
  }

  #itemAdded(event: JsonObject, item: JsonObject): void {
    const key = itemKey(event);
    const type = typeOf(item);
    if (type === 'reasoning') this.#begin(key, 'reasoning');
    else if (type === 'function_call' || type === 'custom_tool_call') {
      const custom = type === 'custom_tool_call';
      this.#begin(key, 'tool_call', { id: textOf(item['call_id']) ?? '', name: textOf(item['name']) ?? '', custom });
    } else if (type !== 'message') this.#other('response.output_item.added', event);
  }

  /** Closes what the item opened. A server that sent no deltas has the text here. */
  #itemDone(event: JsonObject, item: JsonObject): void {
    const key = itemKey(event);
    const type = typeOf(item);
    if (type === 'message') return this.#messageDone(key, event, item);
    const known = type === 'reasoning' || type === 'function_call' || type === 'custom_tool_call';
    if (!known) return this.#other('response.output_item.done', event);
    if (!this.#open.has(key)) this.#itemAdded(event, item);
    const block = this.#open.get(key)!;
    if (type === 'reasoning') this.#sealReasoning(block, item);
    else this.#whole(block, type === 'custom_tool_call' ? item['input'] : item['arguments']);
    this.#stop(key);
  }

  #sealReasoning(block: Block, item: JsonObject): void {
    const part = partsOfOutput([item])[0];
    if (part?.type !== 'reasoning') return;
    this.#whole(block, part.text);
    if (part.encrypted !== undefined) {
      this.#emit({ type: 'signature', choice: 0, block: block.index, encrypted: part.encrypted });
    }
  }

  #messageDone(key: string, event: JsonObject, item: JsonObject): void {
    const parts = listOf(item['content']);
    parts.forEach((part, i) => this.#partDone({ ...event, content_index: i }, objectOf(part)));
    for (const open of [...this.#open.keys()]) if (open.startsWith(`${key}:`)) this.#stop(open);
  }

  /** The open block of a content part; servers that leave `content_part.added` out open it with its first text. */
  #part(event: JsonObject, kind: 'text' | 'refusal'): Block {
    const key = partKey(event);
    return this.#open.get(key) ?? this.#begin(key, kind);
  }

  #partAdded(event: JsonObject, type: string): void {
    if (type === 'output_text') this.#part(event, 'text');
    else if (type === 'refusal') this.#part(event, 'refusal');
  }

  #partDone(event: JsonObject, part: JsonObject): void {
    const type = typeOf(part);
    const key = partKey(event);
    if (this.#closed.has(key) || (type !== 'output_text' && type !== 'refusal')) return;
    this.#closed.add(key);
    const block = this.#part(event, type === 'refusal' ? 'refusal' : 'text');
    this.#whole(block, part[type === 'refusal' ? 'refusal' : 'text']);
    this.#stop(key);
  }

  #write(block: Block | undefined, text: string | null, logprobs?: unknown): void {
    if (!block || text === null) return;
    block.wrote = true;
    const scores = listOf(logprobs);
    const more = scores.length > 0 ? { logprobs: { content: scores, refusal: null } } : {};
    this.#emit({ type: 'delta', choice: 0, block: block.index, text, ...more });
  }

  #whole(block: Block | undefined, text: unknown): void {
    if (block && !block.wrote && typeof text === 'string' && text !== '') this.#write(block, text);
  }

  #think(event: JsonObject, part: string): void {
    const block = this.#open.get(itemKey(event)) ?? this.#begin(itemKey(event), 'reasoning');
    if (block.part !== '' && block.part !== part) this.#write(block, PARAGRAPH);
    block.part = part;
    this.#write(block, textOf(event['delta']));
  }

  #annotate(event: JsonObject): void {
    const block = this.#open.get(partKey(event));
    if (!block || !isObject(event['annotation'])) return;
    this.#emit({ type: 'annotation', choice: 0, block: block.index, value: event['annotation'] });
  }

  #end(response: JsonObject): void {
    const error = faultOf(response);
    if (error) return this.#fail(error);
    this.#start(response);
    if (this.#next === 0) this.#replay(partsOfOutput(response['output']));
    for (const key of [...this.#open.keys()]) this.#stop(key);
    this.#emit({ type: 'finish', choice: 0, reason: finishOf(response) ?? 'other', stopSequence: null });
    const usage = readUsage(response);
    if (usage) this.#emit({ type: 'usage', usage });
    this.#emit({ type: 'end' });
  }

  /** A failed response and an `error` event may tell of one failure. */
  #fail(error: ProviderFault): void {
    if (!this.#failed) this.#emit({ type: 'error', error });
    this.#failed = true;
  }

  /** A server that streams nothing but the end: its output is read from there. */
  #replay(parts: readonly Part[]): void {
    for (const part of parts) {
      if (part.type !== 'text' && part.type !== 'refusal' && part.type !== 'reasoning' && part.type !== 'tool_call')
        continue;
      const call = part.type === 'tool_call' ? { id: part.id, name: part.name, custom: part.custom } : {};
      const key = `replay ${this.#next}`;
      this.#whole(this.#begin(key, part.type, call), part.type === 'tool_call' ? part.args : part.text);
      this.#stop(key);
    }
  }

  #other(type: string, event: JsonObject): void {
    if (isObject(event['error'])) this.#fail(readFault(null, event));
    else this.#emit({ type: 'opaque', dialect: 'openai-responses', name: type, value: event });
  }
}

const itemKey = (event: JsonObject): string => String(event['output_index']);
const partKey = (event: JsonObject): string => `${itemKey(event)}:${String(event['content_index'])}`;

function parse(data: string): JsonObject | null {
  try {
    const value: unknown = JSON.parse(data);
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

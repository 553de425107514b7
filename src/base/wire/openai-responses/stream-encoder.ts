import { encryptedOf } from '#wire/google-generate/signature.ts';
import type { CanonicalEvent, FinishReason, ProviderFault } from '#wire/canonical.ts';
import type { AnswerContext, StreamEncoder } from '#wire/dialect.ts';
import { parsed } from '#wire/anthropic-messages/parsed.ts';
import { countOf, isObject, listOf, objectOf, textOf, type JsonObject } from '#wire/json/read.ts';
import type { SseEvent } from '#wire/sse/splitter.ts';
import type { Usage } from '#wire/usage.ts';
import { annotationOf } from './annotations.ts';
import {
  callItem,
  messageItem,
  minter,
  reasoningItem,
  refusalContent,
  textContent,
  type Mint,
} from './output-items.ts';
import { endOf, failureOf, responseId, responseObject } from './response-object.ts';

type BlockStart = Extract<CanonicalEvent, { type: 'block_start' }>;

/** One output item in the making. `result` is its finished form, once it is done. */
interface Item {
  id: string;
  readonly index: number;
  /** Of a message: its content parts in order, and how many of them are still open. */
  readonly content: object[];
  open: number;
  /** Something else has begun: the message ends with its last open part. */
  closing: boolean;
  result: object | null;
}

/** One canonical block: a content part of a message, a reasoning item, or a call. */
interface Block {
  readonly start: BlockStart;
  readonly item: Item;
  readonly contentIndex: number;
  text: string;
  readonly annotations: object[];
  readonly logprobs: unknown[];
  encrypted: string | undefined;
  done: boolean;
  /** Its whole text was sent already, and not its end. */
  told?: true;
}

/**
 * Canonical events as the events of a Responses stream, in the order that OpenAI's own SDK needs to rebuild the
 * response: item added, part added, deltas, done, part done, item done, and the whole response at the end.
 */
export function streamEncoder(context: AnswerContext): StreamEncoder {
  const encoder = new Encoder(context);
  return { push: (event) => encoder.push(event), goOnBehind: (sent) => encoder.goOnBehind(sent) };
}

class Encoder {
  readonly #context: AnswerContext;
  readonly #mint: Mint;
  readonly #items: Item[] = [];
  readonly #blocks = new Map<number, Block>();
  #out = '';
  #sequence = 0;
  #id = '';
  #model = '';
  #createdS = 0;
  #begun = false;
  #message: Item | null = null;
  #finish: FinishReason | null = null;
  #usage: Usage | null = null;
  #refused = false;

  constructor(context: AnswerContext) {
    this.#context = context;
    this.#mint = minter(context.callId);
    this.#id = responseId('', context.callId);
    this.#model = context.modelAsked;
    this.#createdS = context.nowS;
  }

  push(event: CanonicalEvent): string {
    this.#out = '';
    // A caller of this API cannot ask for a second choice.
    if (!('choice' in event) || event.choice === 0) this.#read(event);
    return this.#out;
  }

  /** Numbers go on, items keep the ids that they were sent with, and what an event said is not said again. */
  goOnBehind(sent: Iterable<SseEvent>): void {
    for (const { data } of sent) {
      const event = data === null ? undefined : parsed(data);
      if (!isObject(event)) continue;
      const number = countOf(event['sequence_number']);
      if (number !== null) this.#sequence = number + 1;
      this.#takeUp(String(event['type']), event);
    }
  }

  #takeUp(type: string, event: JsonObject): void {
    const index = countOf(event['output_index']);
    const item = objectOf(event['item']);
    if (type === 'response.created') this.#id = textOf(objectOf(event['response'])['id']) ?? this.#id;
    if (type === 'response.output_item.added' && item['type'] === 'message' && index !== null)
      // Its text may not have begun: then the message is here without one.
      (this.#items[index] ?? (this.#message = this.#newItem('msg'))).id = textOf(item['id']) ?? '';
    if (type === 'response.output_item.done' && index !== null && this.#items[index]) {
      this.#items[index].result = item;
      if (this.#message === this.#items[index]) this.#message = null;
    }
    if (type !== 'response.output_text.done') return;
    for (const block of this.#blocks.values())
      if (block.item.index === index && block.contentIndex === event['content_index']) block.told = true;
  }

  #read(event: CanonicalEvent): void {
    switch (event.type) {
      case 'start':
        return this.#start(event);
      case 'block_start':
        return this.#blockStart(event);
      case 'delta':
        return this.#delta(this.#blocks.get(event.block), event.text, event.logprobs);
      case 'signature':
        return this.#sign(this.#blocks.get(event.block), encryptedOf(event));
      case 'annotation':
        return this.#annotate(this.#blocks.get(event.block), event.value);
      case 'block_stop':
        return this.#blockStop(this.#blocks.get(event.block));
      case 'finish':
        this.#finish = event.reason;
        return;
      case 'usage':
        this.#usage = event.usage;
        return;
      case 'end':
        return this.#end();
      case 'error':
        return this.#fail(event.error);
      case 'ping':
      case 'opaque':
        return;
    }
  }

  #emit(type: string, fields: object): void {
    this.#out += sse({ type, sequence_number: this.#sequence++, ...fields });
  }

  #start(event: Extract<CanonicalEvent, { type: 'start' }>): void {
    if (this.#begun) return;
    this.#id = responseId(event.id, this.#context.callId);
    this.#model = event.model || this.#context.modelAsked;
    this.#createdS = event.createdS ?? this.#context.nowS;
    this.#begin();
  }

  #begin(): void {
    if (this.#begun) return;
    this.#begun = true;
    const response = this.#response('in_progress', null, null);
    this.#emit('response.created', { response });
    this.#emit('response.in_progress', { response });
  }

  #response(
    status: 'in_progress' | 'completed' | 'incomplete' | 'failed',
    reason: string | null,
    error: object | null,
  ) {
    return responseObject({
      id: this.#id,
      model: this.#model,
      createdS: this.#createdS,
      status,
      output: this.#items.map((item) => item.result).filter((result) => result !== null),
      usage: this.#usage,
      serviceTier: this.#usage?.serviceTier ?? null,
      incompleteReason: reason,
      error,
    });
  }

  #blockStart(start: BlockStart): void {
    this.#begin();
    const inMessage = start.kind === 'text' || start.kind === 'refusal';
    if (!inMessage) this.#closeMessage();
    const item = inMessage ? this.#openMessage() : this.#newItem(PREFIX[start.kind](start));
    const block: Block = {
      start,
      item,
      contentIndex: item.content.length,
      text: '',
      annotations: [],
      logprobs: [],
      encrypted: undefined,
      done: false,
    };
    this.#blocks.set(start.block, block);
    if (start.kind === 'refusal') this.#refused = true;
    if (!inMessage) return this.#itemAdded(item, itemOf(block, 'in_progress'));
    item.open++;
    item.content.push(contentOf(block));
    this.#emit('response.content_part.added', { ...partPlace(block), part: contentOf(block) });
  }

  #newItem(prefix: Parameters<Mint>[0]): Item {
    const item: Item = {
      id: this.#mint(prefix),
      index: this.#items.length,
      content: [],
      open: 0,
      closing: false,
      result: null,
    };
    this.#items.push(item);
    return item;
  }

  #itemAdded(item: Item, value: object): void {
    this.#emit('response.output_item.added', { output_index: item.index, item: value });
  }

  #openMessage(): Item {
    if (this.#message) return this.#message;
    const item = this.#newItem('msg');
    this.#message = item;
    this.#itemAdded(item, messageItem(item.id, [], 'in_progress'));
    return item;
  }

  #closeMessage(): void {
    const item = this.#message;
    if (!item) return;
    this.#message = null;
    item.closing = true;
    if (item.open === 0) this.#messageDone(item);
  }

  #messageDone(item: Item): void {
    this.#itemDone(item, messageItem(item.id, item.content, this.#status()));
  }

  #itemDone(item: Item, value: object): void {
    item.result = value;
    this.#emit('response.output_item.done', { output_index: item.index, item: value });
  }

  /** Items of an answer that was cut are incomplete; before the finish is known they count as whole. */
  #status(): 'completed' | 'incomplete' {
    return endOf(this.#finish, this.#refused).status === 'incomplete' ? 'incomplete' : 'completed';
  }

  #delta(block: Block | undefined, text: string, logprobs: unknown): void {
    const scores = isObject(logprobs) ? listOf(logprobs['content']) : [];
    if (!block || block.done || (text === '' && scores.length === 0)) return;
    // The SDK's reasoning has a summary part only once there is text in it.
    if (block.start.kind === 'reasoning' && block.text === '') {
      this.#emit('response.reasoning_summary_part.added', { ...summaryPlace(block), part: summary('') });
    }
    block.text += text;
    block.logprobs.push(...scores);
    const [type, place] = deltaForm(block);
    this.#emit(type, { ...place, delta: text, ...(block.start.kind === 'text' && { logprobs: scores }) });
  }

  #sign(block: Block | undefined, encrypted: string | undefined): void {
    if (block && encrypted !== undefined) block.encrypted = encrypted;
  }

  #annotate(block: Block | undefined, value: unknown): void {
    const annotation = annotationOf(value);
    if (!block || block.done || annotation === null || block.start.kind !== 'text') return;
    const index = block.annotations.push(annotation) - 1;
    this.#emit('response.output_text.annotation.added', {
      ...partPlace(block),
      annotation_index: index,
      annotation,
    });
  }

  #blockStop(block: Block | undefined): void {
    if (!block || block.done) return;
    block.done = true;
    const { kind } = block.start;
    if (kind === 'text' || kind === 'refusal') return this.#partDone(block);
    if (kind === 'reasoning') this.#reasoningDone(block);
    else this.#callDone(block);
    this.#itemDone(block.item, itemOf(block, 'completed'));
  }

  #partDone(block: Block): void {
    const { item } = block;
    const place = partPlace(block);
    if (block.start.kind === 'refusal') this.#emit('response.refusal.done', { ...place, refusal: block.text });
    else if (!block.told)
      this.#emit('response.output_text.done', { ...place, text: block.text, logprobs: block.logprobs });
    item.content[block.contentIndex] = contentOf(block);
    this.#emit('response.content_part.done', { ...place, part: contentOf(block) });
    item.open--;
    if (item.closing && item.open === 0) this.#messageDone(item);
  }

  #reasoningDone(block: Block): void {
    if (block.text === '') return;
    const place = summaryPlace(block);
    this.#emit('response.reasoning_summary_text.done', { ...place, text: block.text });
    this.#emit('response.reasoning_summary_part.done', { ...place, part: summary(block.text) });
  }

  #callDone(block: Block): void {
    const place = itemPlace(block);
    if (block.start.custom) this.#emit('response.custom_tool_call_input.done', { ...place, input: block.text });
    else
      this.#emit('response.function_call_arguments.done', {
        ...place,
        name: block.start.name ?? '',
        arguments: block.text,
      });
  }

  #closeAll(): void {
    for (const block of this.#blocks.values()) this.#blockStop(block);
    this.#closeMessage();
  }

  #end(): void {
    this.#begin();
    this.#closeAll();
    const { status, incompleteReason } = endOf(this.#finish, this.#refused);
    this.#emit(`response.${status}`, { response: this.#response(status, incompleteReason, null) });
  }

  /** What had come stays in the failed response; the items themselves are left unfinished, as they are. */
  #fail(fault: ProviderFault): void {
    this.#begin();
    this.#emit('response.failed', { response: this.#response('failed', null, failureOf(fault)) });
    this.#out += errorEvent(fault, this.#sequence++);
  }
}

const PREFIX: Readonly<Record<'reasoning' | 'tool_call', (start: BlockStart) => Parameters<Mint>[0]>> = {
  reasoning: () => 'rs',
  tool_call: (start) => (start.custom ? 'ctc' : 'fc'),
};

const summary = (text: string) => ({ type: 'summary_text', text });
const itemPlace = ({ item }: Block) => ({ item_id: item.id, output_index: item.index });
const partPlace = (block: Block) => ({ ...itemPlace(block), content_index: block.contentIndex });
const summaryPlace = (block: Block) => ({ ...itemPlace(block), summary_index: 0 });

function deltaForm(block: Block): [type: string, place: object] {
  switch (block.start.kind) {
    case 'text':
      return ['response.output_text.delta', partPlace(block)];
    case 'refusal':
      return ['response.refusal.delta', partPlace(block)];
    case 'reasoning':
      return ['response.reasoning_summary_text.delta', summaryPlace(block)];
    case 'tool_call':
      return [
        block.start.custom ? 'response.custom_tool_call_input.delta' : 'response.function_call_arguments.delta',
        itemPlace(block),
      ];
  }
}

const contentOf = (block: Block): object =>
  block.start.kind === 'refusal'
    ? refusalContent(block.text)
    : textContent(block.text, [...block.annotations], [...block.logprobs]);

function itemOf(block: Block, status: 'in_progress' | 'completed'): object {
  const { start, item, text } = block;
  if (start.kind === 'reasoning') return reasoningItem(item.id, text, block.encrypted);
  const call = { id: start.id ?? item.id, name: start.name ?? '', args: text, custom: start.custom === true };
  return callItem(item.id, call, status);
}

const sse = (event: { readonly type: string; readonly sequence_number: number }): string =>
  `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;

/** The API's own error event; the SDK throws on its name (`ResponseErrorEvent`, openai 7.57.0). */
export const errorEvent = (fault: ProviderFault, sequence: number): string => {
  const event = { type: 'error', sequence_number: sequence, code: fault.code ?? fault.type, message: fault.message };
  return sse({ ...event, param: fault.field } as typeof event);
};

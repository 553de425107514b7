/** One answer, token by token: plain text, JSON under a grammar, or a forced tool call. */
import type { LlamaContextSequence, Token } from 'node-llama-cpp';
import { chatPrompt } from './chat-prompt.ts';
import type { ChatRequest, ChatTool } from './chat-request.ts';
import { forcedTools, RequestError } from './chat-request.ts';
import type { Engine } from './engine.ts';
import { ANY_OBJECT_GRAMMAR, choiceGrammar, jsonSchemaGrammar } from './json-grammar.ts';
import { cachedPrefix, type Slot } from './slot-pool.ts';
import { StopStrings } from './stop-strings.ts';

/** A piece of the answer as it is made; `tool` comes once, before the pieces of its `arguments`. */
export interface AnswerPiece {
  readonly kind: 'text' | 'tool' | 'arguments';
  readonly text: string;
}

/** Counts are the engine's own: every token that was read, taken from the cache, or sampled (end token excluded). */
export interface Outcome {
  readonly finishReason: 'stop' | 'length' | 'tool_calls';
  readonly inputTokens: number;
  readonly cachedTokens: number;
  readonly outputTokens: number;
}

/** OpenAI's default. */
const DEFAULT_TEMPERATURE = 1;
/** Of a character that is not complete yet, detokenizing gives the replacement character. */
const INCOMPLETE = '\uFFFD';
/** Longest UTF-8 sequence: after four bytes a replacement character is the model's own. */
const MAX_PENDING_TOKENS = 4;

/** State of one answer while its tokens are sampled. */
interface Answer {
  readonly engine: Engine;
  readonly request: ChatRequest;
  readonly sequence: LlamaContextSequence;
  readonly signal: AbortSignal;
  /** Prompt and everything generated so far. */
  readonly tokens: Token[];
  readonly promptLength: number;
  /** How many tokens may be sampled in all. */
  readonly limit: number;
}

const made = (answer: Answer): number => answer.tokens.length - answer.promptLength;

/** Joins tokens to text at character borders: a token of byte-level BPE may end inside a character. */
function textJoiner(engine: Engine): (token: Token) => string {
  let pending: Token[] = [];
  return (token) => {
    pending.push(token);
    const text = engine.model.detokenize(pending);
    if (text.endsWith(INCOMPLETE) && pending.length < MAX_PENDING_TOKENS) return '';
    pending = [];
    return text;
  };
}

async function grammarState(engine: Engine, grammar: string): Promise<object> {
  const { LlamaGrammarEvaluationState } = await import('node-llama-cpp');
  const compiled = await engine.llama.createGrammar({ grammar });
  return { grammarEvaluationState: new LlamaGrammarEvaluationState({ model: engine.model, grammar: compiled }) };
}

function sampling({ temperature, top_p, seed }: ChatRequest): object {
  return {
    temperature: temperature ?? DEFAULT_TEMPERATURE,
    topP: top_p ?? 1,
    topK: 0,
    yieldEogToken: true,
    ...(typeof seed === 'number' ? { seed: seed >>> 0 } : {}),
  };
}

/** Samples until the end token, the limit or an abort; appends to `answer.tokens`. Returns whether it ended itself. */
async function* sample(answer: Answer, grammar: string | null): AsyncGenerator<string, boolean> {
  const { engine, sequence, tokens } = answer;
  if (made(answer) >= answer.limit) return false;
  const cached = cachedPrefix(sequence.contextTokens, tokens);
  await sequence.eraseContextTokenRanges([{ start: cached, end: sequence.contextTokens.length }]);
  const forced = grammar === null ? {} : await grammarState(engine, grammar);
  const join = textJoiner(engine);
  for await (const token of sequence.evaluate(tokens.slice(cached), { ...sampling(answer.request), ...forced })) {
    answer.signal.throwIfAborted();
    if (engine.model.isEogToken(token)) return true;
    tokens.push(token);
    engine.counters.outputTokens++;
    const text = join(token);
    if (text !== '') yield text;
    if (made(answer) >= answer.limit) return false;
  }
  return true;
}

function answerGrammar({ response_format: format }: ChatRequest): string | null {
  if (format?.type === 'json_schema') return jsonSchemaGrammar(format.json_schema.schema);
  return format?.type === 'json_object' ? ANY_OBJECT_GRAMMAR : null;
}

async function* textAnswer(answer: Answer): AsyncGenerator<AnswerPiece, Outcome['finishReason']> {
  const { stop } = answer.request;
  const stops = new StopStrings(typeof stop === 'string' ? [stop] : (stop ?? []));
  const source = sample(answer, answerGrammar(answer.request));
  for (;;) {
    const next = await source.next();
    if (next.done === true) {
      const rest = stops.flush();
      if (rest !== '') yield { kind: 'text', text: rest };
      return next.value ? 'stop' : 'length';
    }
    const { text, stopped } = stops.push(next.value);
    if (text !== '') yield { kind: 'text', text };
    if (!stopped) continue;
    await source.return(true);
    return 'stop';
  }
}

/** The name of one tool: given when there is one, else chosen by the model under a grammar of the names. */
async function toolName(answer: Answer, tools: readonly ChatTool[]): Promise<string | null> {
  const names = tools.map((tool) => tool.function.name);
  if (names.length > 1) {
    const chosen = await Array.fromAsync(sample(answer, choiceGrammar(names)));
    const name = chosen.join('');
    return names.includes(name) ? name : null;
  }
  answer.tokens.push(...answer.engine.model.tokenize(names.join('')));
  return names[0] ?? null;
}

async function* toolAnswer(
  answer: Answer,
  tools: readonly ChatTool[],
): AsyncGenerator<AnswerPiece, Outcome['finishReason']> {
  const name = await toolName(answer, tools);
  if (name === null) return 'length';
  yield { kind: 'tool', text: name };
  answer.tokens.push(...answer.engine.model.tokenize('\n'));
  const schema = tools.find((tool) => tool.function.name === name)?.function.parameters ?? { type: 'object' };
  const source = sample(answer, jsonSchemaGrammar(schema));
  for (;;) {
    const next = await source.next();
    if (next.done === true) return next.value ? 'tool_calls' : 'length';
    yield { kind: 'arguments', text: next.value };
  }
}

function outputLimit(request: ChatRequest, room: number): number {
  return Math.min(request.max_completion_tokens ?? request.max_tokens ?? room, room);
}

/** Compiles grammars before a slot is taken, so that a refused schema costs nothing. Throws `UnsupportedSchema`. */
function checkGrammars(request: ChatRequest, tools: readonly ChatTool[]): void {
  answerGrammar(request);
  for (const tool of tools) jsonSchemaGrammar(tool.function.parameters ?? { type: 'object' });
}

/** Forgets what came there under another salt, as vLLM's prefix cache does not find it. */
async function underSalt(sequence: LlamaContextSequence & Slot, salt: string | undefined): Promise<void> {
  if (sequence.cacheSalt !== salt)
    await sequence.eraseContextTokenRanges([{ start: 0, end: sequence.contextTokens.length }]);
  sequence.cacheSalt = salt;
}

/**
 * Generates the answer. Rejects with `RequestError` (400), `UnsupportedSchema` (400) or `QueueFull` (429) before the
 * first piece; an abort of `signal` ends it within one token and frees the slot.
 */
export async function* generate(
  engine: Engine,
  request: ChatRequest,
  signal: AbortSignal,
): AsyncGenerator<AnswerPiece, Outcome> {
  const tools = forcedTools(request);
  checkGrammars(request, tools);
  const tokens = engine.tokenize(chatPrompt(request.messages, request.tools ?? []));
  const room = engine.options.contextTokens - tokens.length - 1;
  if (room < 1) {
    const why = `the prompt has ${tokens.length} tokens, the context ${engine.options.contextTokens}`;
    throw new RequestError(400, 'context_length_exceeded', why, 'messages');
  }
  const sequence = await engine.slots.take(tokens, signal, request.cache_salt);
  await underSalt(sequence, request.cache_salt);
  const promptLength = tokens.length;
  const cachedTokens = cachedPrefix(sequence.contextTokens, tokens);
  const answer = { engine, request, sequence, signal, tokens, promptLength, limit: outputLimit(request, room) };
  try {
    const finishReason = yield* tools.length > 0 ? toolAnswer(answer, tools) : textAnswer(answer);
    return { finishReason, inputTokens: promptLength, cachedTokens, outputTokens: made(answer) };
  } finally {
    engine.counters[signal.aborted ? 'cancelled' : 'answers']++;
    engine.slots.give(sequence);
  }
}

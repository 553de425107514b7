/** Embeddings: the mean of the model's last hidden states, as llama.cpp pools them, scaled to length 1. */
import type { Token } from 'node-llama-cpp';
import type { EmbeddingRequest } from './chat-request.ts';
import { RequestError } from './chat-request.ts';
import type { Engine } from './engine.ts';

export interface EmbeddingResult {
  readonly vectors: readonly Float32Array[];
  readonly inputTokens: number;
}

function inputsOf(engine: Engine, input: EmbeddingRequest['input']): Token[][] {
  const list = typeof input === 'string' || typeof input[0] === 'number' ? [input] : input;
  return list.map((one) => {
    if (typeof one === 'string') return engine.model.tokenize(one);
    return [...(one as number[])] as Token[];
  });
}

/** Shortened to `dimensions` and scaled again, as OpenAI does with its own models. */
function unitVector(values: readonly number[], dimensions: number): Float32Array {
  const cut = Float32Array.from(values.slice(0, dimensions));
  const length = Math.hypot(...cut);
  return length === 0 ? cut : cut.map((value) => value / length);
}

function checkInputs(engine: Engine, inputs: readonly Token[][], dimensions: number): void {
  const { embeddingVectorSize, fileInfo } = engine.model;
  if (dimensions > embeddingVectorSize) {
    throw new RequestError(400, 'invalid_value', `dimensions: at most ${embeddingVectorSize}`, 'dimensions');
  }
  const vocabulary = fileInfo.metadata.tokenizer.ggml.tokens.length;
  if (inputs.some((tokens) => tokens.some((token) => token >= vocabulary))) {
    throw new RequestError(400, 'invalid_value', `input: token ids are below ${vocabulary}`, 'input');
  }
  const longest = Math.max(...inputs.map((tokens) => engine.embedder.calculateInputLength(tokens)));
  if (longest < engine.options.contextTokens) return;
  const why = `input: ${longest} tokens, the context is ${engine.options.contextTokens}`;
  throw new RequestError(400, 'context_length_exceeded', why, 'input');
}

/** One vector an input, in order. Ends early when `signal` aborts. Throws `RequestError` 400. */
export async function embed(engine: Engine, request: EmbeddingRequest, signal: AbortSignal): Promise<EmbeddingResult> {
  const inputs = inputsOf(engine, request.input);
  const dimensions = request.dimensions ?? engine.model.embeddingVectorSize;
  checkInputs(engine, inputs, dimensions);
  const vectors: Float32Array[] = [];
  let inputTokens = 0;
  for (const tokens of inputs) {
    signal.throwIfAborted();
    inputTokens += engine.embedder.calculateInputLength([...tokens]);
    const { vector } = await engine.embedder.getEmbeddingFor(tokens);
    vectors.push(unitVector(vector, dimensions));
  }
  return { vectors, inputTokens };
}

/** llama.cpp in this process, by node-llama-cpp: one model, several sequences that are batched together. */
import type { Llama, LlamaContextSequence, LlamaEmbeddingContext, LlamaModel, Token } from 'node-llama-cpp';
import type { PromptPiece } from './chat-prompt.ts';
import { SlotPool } from './slot-pool.ts';

export interface EngineOptions {
  readonly modelPath: string;
  readonly modelId: string;
  /** Answers that are generated at the same time. */
  readonly slots: number;
  /** Calls that may wait for a slot; the next one gets 429. */
  readonly queueLimit: number;
  /** Prompt and answer of one call, in tokens. */
  readonly contextTokens: number;
}

/** Counted since the start; shown by `/health`, so that a test can see what the engine really did. */
export interface EngineCounters {
  answers: number;
  cancelled: number;
  outputTokens: number;
}

export interface Engine {
  readonly counters: EngineCounters;
  readonly options: EngineOptions;
  readonly llama: Llama;
  readonly model: LlamaModel;
  readonly slots: SlotPool<LlamaContextSequence>;
  readonly embedder: LlamaEmbeddingContext;
  readonly tokenize: (pieces: readonly PromptPiece[]) => Token[];
  readonly close: () => Promise<void>;
}

/** Two threads on two busy cores make llama.cpp's spin barrier up to 300 times slower (measured): always one. */
const THREADS = 1;

/** Loads the model. Needs this folder's `node_modules`; uses the prebuilt library, never builds or downloads. */
export async function openEngine(options: EngineOptions): Promise<Engine> {
  const { getLlama, LlamaLogLevel } = await import('node-llama-cpp');
  const llama = await getLlama({ gpu: false, build: 'never', logLevel: LlamaLogLevel.error, maxThreads: THREADS });
  const model = await llama.loadModel({ modelPath: options.modelPath });
  const context = await model.createContext({
    sequences: options.slots,
    contextSize: options.contextTokens,
    threads: THREADS,
  });
  const embedder = await model.createEmbeddingContext({ contextSize: options.contextTokens, threads: THREADS });
  const sequences = Array.from({ length: options.slots }, () => context.getSequence());
  const tokenize = (pieces: readonly PromptPiece[]): Token[] => [
    ...(model.tokens.bos === null ? [] : [model.tokens.bos]),
    ...pieces.flatMap((piece) => model.tokenize(piece.text, piece.kind === 'control')),
  ];
  const slots = new SlotPool(sequences, options.queueLimit);
  const counters = { answers: 0, cancelled: 0, outputTokens: 0 };
  return { counters, options, llama, model, slots, embedder, tokenize, close: () => llama.dispose() };
}

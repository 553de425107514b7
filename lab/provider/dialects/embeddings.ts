import { LabError } from '../errors.ts';
import { countTokens } from '../tokens.ts';
import { type Json, list, optionalNumber, required } from './reading.ts';

export interface EmbedAsk {
  readonly model: string;
  readonly inputs: readonly (string | readonly number[])[];
  readonly dimensions: number;
  readonly base64: boolean;
  readonly tokens: number;
}

// The real API's bound on one request.
const MAX_INPUTS = 2048;
const NATIVE_DIMENSIONS: Readonly<Record<string, number>> = { 'text-embedding-3-large': 3072 };
const DEFAULT_DIMENSIONS = 1536;

export function readEmbedAsk(body: Json): EmbedAsk {
  const model = String(required(body, 'model'));
  const inputs = readInputs(required(body, 'input'));
  if (inputs.length === 0 || inputs.length > MAX_INPUTS) throw invalidInput();
  return {
    model,
    inputs,
    dimensions: optionalNumber(body, 'dimensions') ?? NATIVE_DIMENSIONS[model] ?? DEFAULT_DIMENSIONS,
    base64: body['encoding_format'] === 'base64',
    tokens: inputs.reduce((sum, input) => sum + tokensOf(input), 0),
  };
}

const tokensOf = (input: string | readonly number[]): number =>
  typeof input === 'string' ? countTokens(input) : input.length;

const invalidInput = (): LabError =>
  new LabError(400, "'$.input' is invalid. Please check the API reference.", { param: 'input' });

function readInputs(input: unknown): (string | number[])[] {
  if (typeof input === 'string') return [checked(input)];
  const items = list(input, 'input');
  if (items.length > 0 && items.every((item) => typeof item === 'number')) return [items as number[]];
  return items.map(checked);
}

function checked(item: unknown): string | number[] {
  const text = typeof item === 'string' && item !== '';
  const tokens = Array.isArray(item) && item.length > 0 && item.every((id) => Number.isInteger(id));
  if (!text && !tokens) throw invalidInput();
  return item as string | number[];
}

export function embeddings(ask: EmbedAsk, usage: boolean): object {
  return {
    object: 'list',
    data: ask.inputs.map((input, index) => ({
      object: 'embedding',
      index,
      embedding: encode(vectorOf(input, ask.dimensions), ask.base64),
    })),
    model: ask.model,
    ...(usage ? { usage: { prompt_tokens: ask.tokens, total_tokens: ask.tokens } } : {}),
  };
}

const encode = (vector: Float32Array, base64: boolean): unknown =>
  base64 ? Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength).toString('base64') : [...vector];

// Coordinates that one word moves: enough that two words rarely share all of them.
const COORDINATES_PER_WORD = 8;

/** A hashed bag of words of length 1: the same text gives the same vector, texts that share words lie nearer. */
export function vectorOf(input: string | readonly number[], dimensions: number): Float32Array {
  const vector = new Float32Array(dimensions);
  const words =
    typeof input === 'string' ? (input.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [input]) : input.map(String);
  for (const word of words) addWord(vector, word);
  const length = Math.hypot(...vector) || 1;
  return vector.map((value) => value / length);
}

function addWord(vector: Float32Array, word: string): void {
  let hash = 0x811c9dc5;
  for (let i = 0; i < word.length; i++) hash = Math.imul(hash ^ word.charCodeAt(i), 0x01000193);
  for (let i = 0; i < COORDINATES_PER_WORD; i++) {
    hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d) + i;
    vector[(hash >>> 1) % vector.length]! += hash & 1 ? 1 : -1;
  }
}

import type { Frame } from '../answer.ts';
import { LabError } from '../errors.ts';
import { pngFile } from '../media.ts';
import { countTokens } from '../tokens.ts';
import { type Json, optionalNumber, required } from './reading.ts';

export interface ImageAsk {
  readonly model: string;
  readonly prompt: string;
  readonly n: number;
  readonly size: string;
  readonly quality: string;
  readonly stream: boolean;
  readonly partials: number;
  readonly url: boolean;
  /** Files of the input: edits and variations. */
  readonly images: number;
  readonly kind: 'image_generation' | 'image_edit';
}

/** The older models are billed by the image and say nothing of tokens. */
const isByImage = ({ model }: ImageAsk): boolean => model.includes('dall-e');

export function readImageAsk(body: Json, kind: ImageAsk['kind'], images: number): ImageAsk {
  const model = String(required(body, 'model'));
  return {
    model,
    prompt: String(body['prompt'] ?? ''),
    n: optionalNumber(body, 'n') ?? 1,
    size: chosen(body['size'], '1024x1024'),
    quality: chosen(body['quality'], model.includes('dall-e') ? 'standard' : 'high'),
    stream: body['stream'] === true || body['stream'] === 'true',
    partials: optionalNumber(body, 'partial_images') ?? 0,
    url: body['response_format'] === 'url',
    images,
    kind,
  };
}

const chosen = (value: unknown, auto: string): string =>
  value === undefined || value === 'auto' ? auto : String(value);

const QUALITY_TOKENS: Readonly<Record<string, number>> = { low: 272, medium: 1_056, high: 4_160 };

export interface ImageUse {
  readonly textTokens: number;
  readonly imageTokens: number;
  readonly outputTokens: number;
}

/** Tokens as `gpt-image-1` counts a square; null: this model is billed by the image. */
export const imageUse = (ask: ImageAsk): ImageUse | null =>
  isByImage(ask)
    ? null
    : {
        textTokens: countTokens(ask.prompt),
        imageTokens: ask.images * 323,
        outputTokens: ask.n * ((QUALITY_TOKENS[ask.quality] ?? 4_160) + ask.partials * 100),
      };

function usageOf(use: ImageUse, details: boolean): object {
  const input = use.textTokens + use.imageTokens;
  return {
    input_tokens: input,
    output_tokens: use.outputTokens,
    total_tokens: input + use.outputTokens,
    input_tokens_details: { text_tokens: use.textTokens, image_tokens: use.imageTokens },
    ...(details && { output_tokens_details: { image_tokens: use.outputTokens, text_tokens: 0 } }),
  };
}

function png(ask: ImageAsk, grey: number): string {
  const [, width, height] = /^(\d+)x(\d+)$/.exec(ask.size) ?? [];
  if (!width || !height)
    throw new LabError(400, `Invalid size '${ask.size}'.`, { code: 'invalid_size', param: 'size' });
  return pngFile(Number(width), Number(height), grey).toString('base64');
}

export function images(ask: ImageAsk, createdS: number): object {
  const use = imageUse(ask);
  const data = Array.from({ length: ask.n }, (_, i) =>
    ask.url ? { url: `https://images.lab.invalid/${i}.png` } : { b64_json: png(ask, 40 + i) },
  );
  return {
    created: createdS,
    ...(use && { background: 'opaque', output_format: 'png', quality: ask.quality, size: ask.size }),
    data,
    ...(use && { usage: usageOf(use, true) }),
  };
}

/** Partial images, then the whole one with its usage: types of openai 7.57.0. */
export function imageFrames(ask: ImageAsk, createdS: number): Frame[] {
  const use = imageUse(ask);
  const frame = (type: string, grey: number, more: object): Frame => {
    const common = {
      background: 'opaque',
      created_at: createdS,
      output_format: 'png',
      quality: ask.quality,
      size: ask.size,
    };
    return { event: type, data: JSON.stringify({ type, b64_json: png(ask, grey), ...common, ...more }) };
  };
  const partials = Array.from({ length: ask.partials }, (_, i) =>
    frame(`${ask.kind}.partial_image`, 200 - i, { partial_image_index: i }),
  );
  const whole = frame(`${ask.kind}.completed`, 40, use ? { usage: usageOf(use, false) } : {});
  return [...partials, { ...whole, terminal: true }];
}

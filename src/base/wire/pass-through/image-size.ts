/** Quality and size of an image as they stand in the name of its price: `hd-1024x1792.image`. */
export function imageUnit(quality: string | null, size: string | null): string {
  const word = (text: string | null, otherwise: string): string =>
    text !== null && /^[a-z0-9]{1,16}$/i.test(text) ? text.toLowerCase() : otherwise;
  // A model that knows no quality (dall-e-2) sells one: what others call standard.
  const name = `${word(quality, 'standard')}-${word(size, 'auto')}`;
  return `${/^[a-z]/.test(name) ? name : `q${name}`}.image`;
}

/** `gpt-image-1`, `high`: 4,160 tokens for 1,024 × 1,024 px, 6,240 for 1,024 × 1,536; by area they are equal. */
const TOKENS_PER_KILOPIXEL = 4;
/** Lower qualities as published for it (272 and 1,056); the two above `high` of later models have no published figure. */
const QUALITY_SHARE: Readonly<Record<string, number>> = { low: 0.066, medium: 0.26, high: 1, xhigh: 2, max: 4 };
/** The largest that a size left to the model has come to. */
const AUTO_PIXELS = 1024 * 1536;
const MOST_PIXELS = 3840 * 2160;

/** Output tokens of one image at the most, where the model bills them: what a reservation holds. */
export function mostImageTokens(quality: string | null, size: string | null): number {
  const [, width, height] = /^(\d{1,5})x(\d{1,5})$/.exec(size ?? '') ?? [];
  const pixels = width && height ? Math.min(Number(width) * Number(height), MOST_PIXELS) : AUTO_PIXELS;
  const share = QUALITY_SHARE[quality ?? 'high'] ?? 1;
  return Math.ceil((pixels / 1000) * TOKENS_PER_KILOPIXEL * share);
}

/** A partial image of a stream (image generation guide). */
export const PARTIAL_IMAGE_TOKENS = 100;
/** What an image of the input is expected to cost: `input_fidelity: "high"` of a square (image generation guide). */
export const INPUT_IMAGE_TOKENS = 4_500;

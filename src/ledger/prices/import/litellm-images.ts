import { imageUnit } from '#wire/pass-through/image-size.ts';

/** `hd/1024-x-1792/dall-e-3`: a price of its own for a quality and a size. */
const SIZED = /^(?:([a-z]{1,16})\/)?(\d{1,5})-x-(\d{1,5})\/(.{1,200})$/;

/** One quality and size of a model of images. */
export interface SizedImage {
  readonly model: string;
  /** `hd-1024x1792.image` */
  readonly bucket: string;
  readonly pixels: number;
}

/** Reads such a name, without its provider; null: it names a model alone. */
export function sizedImage(name: string): SizedImage | null {
  const match = SIZED.exec(name);
  if (!match) return null;
  const [, quality = null, width, height, model] = match;
  const bucket = imageUnit(quality, `${Number(width)}x${Number(height)}`);
  return { model: model!, bucket, pixels: Number(width) * Number(height) };
}

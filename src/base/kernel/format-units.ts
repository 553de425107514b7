/** How units that are no tokens read: images, characters, sound, searches. Pure. */
import { count, duration } from './format.ts';

const NAMES: Readonly<Record<string, readonly [one: string, many: string]>> = {
  character: ['character', 'characters'],
  searchUnit: ['search unit', 'search units'],
  image: ['image', 'images'],
};

/** `2 images (hd 1024x1792)`, `812 characters`, `3.25 s of sound`, `1 search unit`; '' where there are none. */
export const unitsText = (units: Readonly<Record<string, number>>): string =>
  Object.entries(units)
    .map(([name, value]) => unitText(name, value))
    .join(', ');

function unitText(name: string, value: number): string {
  if (name === 'audioMs') return `${duration(value)} of sound`;
  const cut = name.lastIndexOf('.');
  const unit = name.slice(cut + 1);
  const [one, many] = NAMES[unit] ?? [unit, unit];
  const variant = cut < 0 ? '' : ` (${name.slice(0, cut).replace('-', ' ')})`;
  return `${count(value)} ${value === 1 ? one : many}${variant}`;
}

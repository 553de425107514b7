import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

const css = readFileSync(join(import.meta.dirname, 'tokens.css'), 'utf8');

/** The three blocks: light, dark by the system, dark by the switch. */
const themes = [...css.matchAll(/\{((?:\s*(?:--[\w-]+|color-scheme):[^;]+;)+)\s*\}/g)].map((match) =>
  Object.fromEntries(
    [...match[1]!.matchAll(/--([\w-]+):\s*(#[0-9a-f]{6})/g)].map(([, name, value]) => [name!, value!]),
  ),
);

/** WCAG 2.2, relative luminance and contrast. */
function luminance(hex: string): number {
  const [r, g, b] = [1, 3, 5].map((i) => {
    const value = Number.parseInt(hex.slice(i, i + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
}
function contrast(a: string, b: string): number {
  const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (light! + 0.05) / (dark! + 0.05);
}

const TEXTS = ['text', 'muted', 'accent', 'ok', 'warn', 'bad'];
const MARKS = ['series-1', 'series-2', 'series-3', 'series-4', 'series-5', 'series-6'];

test('text has 4.5:1 and marks have 3:1 on both grounds, in light and in dark', () => {
  assert.equal(themes.length, 3);
  const weak: string[] = [];
  for (const theme of themes)
    for (const ground of ['bg', 'panel']) {
      for (const name of TEXTS) if (contrast(theme[name]!, theme[ground]!) < 4.5) weak.push(`${name} on ${ground}`);
      for (const name of MARKS) if (contrast(theme[name]!, theme[ground]!) < 3) weak.push(`${name} on ${ground}`);
      if (contrast(theme['on-accent']!, theme['accent']!) < 4.5) weak.push('on-accent on accent');
    }
  assert.deepEqual(weak, []);
});

test('dark is the same whether the system or the switch chose it', () => {
  assert.deepEqual(themes[1], themes[2]);
  assert.deepEqual(Object.keys(themes[0]!), Object.keys(themes[1]!));
});

/** `npm run docs`: writes the pages of docs/reference that are made from code. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { referencePages } from './docs/pages.ts';

const root = join(import.meta.dirname, '..');
for (const { path, text } of referencePages()) {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
  console.log(path);
}

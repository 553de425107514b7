import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Version of this installation, from its package.json: two folders up in a checkout and in a package alike. */
export const packageVersion = (): string =>
  (JSON.parse(readFileSync(join(import.meta.dirname, '..', '..', 'package.json'), 'utf8')) as { version: string })
    .version;

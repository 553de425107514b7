import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const folder = join(import.meta.dirname, '..', 'platforms');
const need = createRequire(join(folder, 'package.json'));

/** Why tests with the cloud platforms' own libraries are skipped, or false where they can run. */
export const platformsSkip: string | false = existsSync(join(folder, 'node_modules/@smithy/signature-v4'))
  ? false
  : 'the cloud platforms’ libraries are not installed (npm run test:platforms:install)';

/** Lets a gate find them as optional peers. */
export const PLATFORMS_PATH = join(folder, 'node_modules');

/** One of the platforms' own libraries, from their own folder. */
export const loadPlatform = (name: string): Promise<any> => import(pathToFileURL(need.resolve(name)).href);

import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/**
 * The platforms' own libraries are optional peers: most gates call no cloud, and one of them is larger than the gate.
 * They are looked for beside Headgate and in the folder that it was started in.
 */
function fileOf(name: string): string | null {
  for (const from of [import.meta.url, join(process.cwd(), 'package.json')]) {
    try {
      return createRequire(from).resolve(name);
    } catch {
      // Not there: the next place, or none.
    }
  }
  return null;
}

/** Versions whose use was checked; a later one of the same major version is fine. */
export const PEERS = {
  '@aws-sdk/credential-providers': '^3.1175.0',
  '@azure/identity': '^4.14.1',
  'google-auth-library': '^11.3.4',
} as const;
export type Peer = keyof typeof PEERS;

/** Throws a RangeError that says how to install it; nothing is loaded. */
export function needLibrary(provider: string, name: Peer): void {
  if (fileOf(name) !== null) return;
  throw new RangeError(
    `provider ${provider}: the credential chain needs the library \`${name}\`: npm i ${name}@${PEERS[name]}`,
  );
}

/** Loads it; only where such a provider is used. */
export async function loadLibrary<T>(name: Peer): Promise<T> {
  const file = fileOf(name);
  if (file === null) throw new Error(`the library ${name} is not installed`);
  const loaded = (await import(pathToFileURL(file).href)) as { readonly default?: T } & T;
  return loaded.default ?? loaded;
}

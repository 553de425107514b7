import type { Reference } from '#kernel/config/primitives.ts';
import { readSecret } from '#gateway/config/resolve.ts';
import { StartError } from './start-error.ts';

/** A secret that is read once, at the start; a start without it is refused by the name of its field. */
export function startSecret(reference: Reference, field: string): string {
  try {
    return readSecret(reference, process.env);
  } catch (error) {
    throw new StartError(`${field}: ${(error as Error).message}`);
  }
}

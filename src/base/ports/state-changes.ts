import { HeadgateError } from '#kernel/errors.ts';
import type { ApiKey } from './state-store.ts';

/** Every hash under which a key is known: its own and those of a rotation with overlap. */
export const hashesOf = (key: ApiKey): readonly string[] => [key.hash, ...key.previous.map(({ hash }) => hash)];

/** The refusal of a raw key that another key has: it would decide by chance who pays. */
export const hashTaken = (): HeadgateError =>
  new HeadgateError('conflict', { message: 'Another key has this raw key.', field: 'key' });

/** Throws `conflict` where two keys share a hash. */
export function requireFreeHashes(keys: readonly ApiKey[]): void {
  const owners = new Map<string, string>();
  for (const key of keys)
    for (const hash of hashesOf(key)) {
      if ((owners.get(hash) ?? key.id) !== key.id) throw hashTaken();
      owners.set(hash, key.id);
    }
}

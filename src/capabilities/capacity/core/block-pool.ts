import { invariant } from '#kernel/invariant.ts';

/**
 * Paged KV memory with reference counts and a prefix cache (vLLM's PagedAttention, SOSP 2023, §4.3, and its
 * hash-keyed automatic prefix caching). A block is in exactly one of three places: owned (references > 0), idle
 * (no reference, content still known, evicted least recently used first) or free.
 */
export interface BlockPool {
  readonly references: Int32Array;
  /** Content key of each block whose content is known. */
  readonly keys: (string | null)[];
  readonly byKey: Map<string, number>;
  /** Insertion order is the order of eviction. */
  readonly idle: Map<number, true>;
  readonly free: number[];
  evictions: number;
}

export function blockPool(totalBlocks: number): BlockPool {
  return {
    references: new Int32Array(totalBlocks),
    keys: Array.from({ length: totalBlocks }, () => null),
    byKey: new Map(),
    idle: new Map(),
    // Popped from the end: low numbers first, which makes traces readable.
    free: Array.from({ length: totalBlocks }, (_, i) => totalBlocks - 1 - i),
    evictions: 0,
  };
}

/** Blocks that could be taken now. */
export const availableBlocks = (pool: BlockPool): number => pool.free.length + pool.idle.size;

/** One fresh block with one reference, evicting idle content where none is free; null where all are owned. */
export function takeBlock(pool: BlockPool): number | null {
  const block = pool.free.pop() ?? evictOldest(pool);
  if (block === null) return null;
  invariant(pool.references[block] === 0, 'a taken block has no owner');
  pool.references[block] = 1;
  return block;
}

function evictOldest(pool: BlockPool): number | null {
  const oldest = pool.idle.keys().next();
  if (oldest.done) return null;
  pool.idle.delete(oldest.value);
  forget(pool, oldest.value);
  pool.evictions++;
  return oldest.value;
}

function forget(pool: BlockPool, block: number): void {
  const key = pool.keys[block];
  if (key !== null && key !== undefined && pool.byKey.get(key) === block) pool.byKey.delete(key);
  pool.keys[block] = null;
}

/** Adds a reference to the block that holds this content, or null where none does. */
export function shareBlock(pool: BlockPool, key: string): number | null {
  const block = pool.byKey.get(key);
  if (block === undefined) return null;
  pool.idle.delete(block);
  pool.references[block]! += 1;
  return block;
}

/** States what a block holds, once it is computed in full. The first block of a content keeps the key. */
export function nameBlock(pool: BlockPool, block: number, key: string): void {
  if (pool.keys[block] !== null || pool.byKey.has(key)) return;
  pool.keys[block] = key;
  pool.byKey.set(key, block);
}

/** Drops references, last block first: the tail of a prefix is less often shared and must be evicted before its head. */
export function releaseBlocks(pool: BlockPool, blocks: readonly number[]): void {
  for (let i = blocks.length - 1; i >= 0; i--) releaseBlock(pool, blocks[i]!);
}

function releaseBlock(pool: BlockPool, block: number): void {
  const left = pool.references[block]! - 1;
  invariant(left >= 0, 'a block is released once for each reference');
  pool.references[block] = left;
  if (left > 0) return;
  if (pool.keys[block] === null) pool.free.push(block);
  else pool.idle.set(block, true);
}

/** Empties the prefix cache; owned blocks stay. */
export function dropIdle(pool: BlockPool): void {
  for (const block of pool.idle.keys()) {
    forget(pool, block);
    pool.free.push(block);
  }
  pool.idle.clear();
}

import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Open calls of the segments that it stands for; see compaction in reclaim.ts. */
export const CARRY_FILE = 'carry.seg';
export const CARRY_TEMPORARY = 'carry.tmp';
/** Held by the owner as long as it lives. Never open it except by folder-lock.ts: closing it would drop the lock. */
export const LOCK_FILE = 'owner.lock';

const SEGMENT = /^(\d{8,})\.seg$/;
const SEQ_DIGITS = 8;

export const segmentPath = (folder: string, seq: number): string =>
  join(folder, `${String(seq).padStart(SEQ_DIGITS, '0')}.seg`);

/** Numbers of the segments in a folder, ascending; none where the folder is gone. */
export function segmentNumbers(folder: string): readonly number[] {
  return namesIn(folder)
    .flatMap((name) => SEGMENT.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b);
}

export function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** Folders of owners below the spool's root. One without a file is just being made. */
export function ownerFolders(dir: string): readonly { readonly owner: string; readonly folder: string }[] {
  return namesIn(dir)
    .map((owner) => ({ owner, folder: join(dir, owner) }))
    .filter(({ folder }) => statSync(folder, { throwIfNoEntry: false })?.isDirectory() && namesIn(folder).length > 0);
}

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { moduleUrl } from '#kernel/module-url.ts';
import { Captures } from '#capabilities/parity/index.ts';
import type { GateConfig } from '#gateway/config/resolve.ts';
import type { Log } from '#gateway/gate.ts';
import type { DataFolder } from './data-folder.ts';

/** The thread of captured text starts with the first capture, or where an earlier process has left some to expire. */
export function openCaptures(config: GateConfig, folder: DataFolder, log: Log): Captures {
  const dir = join(folder.path, 'captured');
  const captures = new Captures({
    entry: moduleUrl('../gateway/capture-thread.ts', import.meta.url),
    dir,
    settings: config.capture,
    onTrouble: (what, error) => log.warn({ err: error }, what),
  });
  if (existsSync(dir)) captures.start();
  return captures;
}

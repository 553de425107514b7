import { parentPort, workerData } from 'node:worker_threads';
import { ConfigError, type Diagnostic } from '#kernel/config/diagnostics.ts';
import { readConfig } from '#kernel/config/read.ts';
import { configSchema, type ConfigFile } from '#gateway/config/schema.ts';

export interface ConfigText {
  readonly text: string;
  /** For the messages. */
  readonly name: string;
}
export type ReadConfig = { readonly file: ConfigFile } | { readonly diagnostics: readonly Diagnostic[] };

/*
 * Reads one file and ends. Reading 1,000 declared keys takes 84 ms and 10,000 a second, in which the loop would write
 * to no stream.
 */
const { text, name } = workerData as ConfigText;

function read(): ReadConfig {
  try {
    return { file: readConfig(text, name, configSchema) };
  } catch (error) {
    if (error instanceof ConfigError) return { diagnostics: error.diagnostics };
    throw error;
  }
}

parentPort!.postMessage(read());

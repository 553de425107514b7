/** Composition root: the one place that knows both the commands and the gate. */
import { createRequire } from 'node:module';
import type { UpFlags } from '#cli/context.ts';
import { CliFailure, EXIT } from '#cli/failure.ts';
import { runCli } from '#cli/run-cli.ts';

const { version } = createRequire(import.meta.url)('../package.json') as { version: string };

/** So long a start that failed has to say why. */
const LAST_WORDS_MS = 1_000;

/** The gate is ten times the commands: only `up` loads it. */
async function up({ data, ...flags }: UpFlags): Promise<void> {
  const { StartError, up: start } = await import('./up/up.ts');
  try {
    await start({ ...flags, dataDir: data });
  } catch (error) {
    // What was opened before the failure would keep the process alive, and whoever started it waiting.
    setTimeout(() => process.exit(), LAST_WORDS_MS).unref();
    throw error instanceof StartError ? startFailure(error.message) : error;
  }
}

const startFailure = (message: string): CliFailure =>
  new CliFailure({
    code: 'start_failed',
    message,
    hint: 'headgate up --help lists what a start takes',
    exit: EXIT.usage,
  });

process.exitCode = await runCli({ argv: process.argv.slice(2), version, up });

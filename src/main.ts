/** Composition root: the one place that knows both the commands and the gate. */
import { createRequire } from 'node:module';
import { runCli } from '#cli/run-cli.ts';

const { version } = createRequire(import.meta.url)('../package.json') as { version: string };

process.exitCode = await runCli({
  argv: process.argv.slice(2),
  version,
  up: async (flags) => {
    // The gate is ten times the commands: only `up` loads it.
    const { startGate } = await import('./up/command.ts');
    await startGate(flags);
  },
});

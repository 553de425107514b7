import { run, ExitCode } from '@stricli/core';
import { application } from './app.ts';
import type { CliContext, UpFlags } from './context.ts';
import { EXIT } from './failure.ts';
import { openTerminal } from './terminal.ts';

export interface CliStart {
  readonly argv: readonly string[];
  /** Starts the gate: the composition root gives it, since the CLI lies below. */
  readonly up: (flags: UpFlags) => Promise<void>;
  readonly version: string;
}

/** Runs one command; resolves to the exit code when it is done (`up`: when the gate listens). */
export async function runCli({ argv, up, version }: CliStart): Promise<number> {
  const { env, stdout, stderr } = process;
  // A reader that has seen enough (`headgate calls list | head`) is no failure.
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(EXIT.done);
    throw error;
  });
  const streams = { stdout, stderr, env, exitCode: null as number | string | null };
  const context: CliContext = {
    process: streams,
    env,
    terminal: openTerminal(process, env),
    now: Date.now,
    zone: Intl.DateTimeFormat().resolvedOptions().timeZone,
    up,
    version,
  };
  await run(application(), argv, { ...context, process: streams });
  return exitCodeOf(Number(streams.exitCode ?? 0));
}

/** stricli's own codes are negative; what the caller typed wrong is 2. */
function exitCodeOf(code: number): number {
  if (code === ExitCode.UnknownCommand || code === ExitCode.InvalidArgument) return EXIT.usage;
  return code < 0 ? EXIT.failed : code;
}

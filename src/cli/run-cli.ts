import { run, ExitCode } from '@stricli/core';
import { application, root } from './app.ts';
import type { CliContext, UpFlags } from './context.ts';
import { EXIT } from './failure.ts';
import { defaultOf, helpText, targetOf, type Named } from './help.ts';
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
    exit: (code) => (streams.exitCode = code),
  };
  const help = helpAsked(argv);
  if (help) {
    context.terminal.print(helpText(help, context.terminal));
    return EXIT.done;
  }
  await run(application(), argv.length === 1 && argv[0] === '--version' ? ['version'] : argv, {
    ...context,
    process: streams,
  });
  return exitCodeOf(Number(streams.exitCode ?? 0));
}

/** What `--help` or a group without a verb asks about; null: run the command. */
function helpAsked(argv: readonly string[]): Named | null {
  const words = argv[0] === 'help' ? argv.slice(1) : argv;
  const end = words.indexOf('--');
  const flags = end < 0 ? words : words.slice(0, end);
  const at = targetOf({ name: 'headgate', target: root }, words);
  const asked = words !== argv || flags.includes('--help') || flags.includes('-h');
  const isBare =
    at !== null &&
    'getAllEntries' in at.target &&
    !defaultOf(at.target) &&
    at.name.split(' ').length === words.length + 1;
  return asked || isBare ? at : null;
}

/** stricli's own codes are negative; what the caller typed wrong is 2. */
function exitCodeOf(code: number): number {
  if (code === ExitCode.UnknownCommand || code === ExitCode.InvalidArgument) return EXIT.usage;
  return code < 0 ? EXIT.failed : code;
}

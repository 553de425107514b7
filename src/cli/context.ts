import type { CommandContext } from '@stricli/core';
import type { ExitCode } from './failure.ts';
import { jsonText } from './json.ts';
import type { Terminal } from './terminal.ts';

export interface UpFlags {
  readonly config?: string;
  readonly data?: string;
  readonly host?: string;
  readonly port?: number;
  readonly lab: boolean;
  readonly json: boolean;
}

/** What every command works with: `this` of its function. */
export interface CliContext extends CommandContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly terminal: Terminal;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** IANA name of the reader's time zone. */
  readonly zone: string;
  /** Starts the gate; given by the composition root, which alone may know it. */
  readonly up: (flags: UpFlags) => Promise<void>;
  readonly version: string;
  /** Exit code of a command that has printed its result and still did not succeed. */
  readonly exit: (code: ExitCode) => void;
}

/** The two faces of one report: JSON for machines, lines for people. */
export function show<T extends object>(
  { terminal }: CliContext,
  options: { readonly json: boolean; readonly report: T; readonly draw: (report: T) => string },
): void {
  terminal.print(options.json ? jsonText(options.report) : options.draw(options.report));
}

/** How commands fail: a code for people to look up, what happened, what to do next, and the exit code. */
import { ConfigError } from '#kernel/config/diagnostics.ts';
import { ERRORS, HeadgateError, type ErrorCode } from '#kernel/errors.ts';
import { plain } from './text.ts';

/** 0 done, 1 our failure, 2 usage or configuration, 3 a gate failed. */
export const EXIT = { done: 0, failed: 1, usage: 2, gateFailed: 3 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export interface FailureDetails {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
  readonly exit?: ExitCode;
}

/** A failure that a command expects; anything else is a mistake of ours. */
export class CliFailure extends Error {
  override readonly name = 'CliFailure';
  readonly code: string;
  readonly hint: string;
  readonly exit: ExitCode;
  constructor({ code, message, hint, exit = EXIT.failed }: FailureDetails) {
    super(message);
    this.code = code;
    this.hint = hint;
    this.exit = exit;
  }
}

export const usageFailure = (message: string, hint: string): CliFailure =>
  new CliFailure({ code: 'usage', message, hint, exit: EXIT.usage });

/** Codes with which a file or the caller's own words are at fault. */
const USAGE_CODES: ReadonlySet<string> = new Set<ErrorCode>([
  'invalid_request',
  'not_found',
  'conflict',
  'declared_in_file',
  'endpoint_not_found',
]);

export function exitOf(error: unknown): ExitCode {
  if (error instanceof CliFailure) return error.exit;
  if (error instanceof ConfigError) return EXIT.usage;
  return error instanceof HeadgateError && USAGE_CODES.has(error.code) ? EXIT.usage : EXIT.failed;
}

/** What, where, why, how to mend. */
export function explain(error: unknown): string {
  if (error instanceof ConfigError) return `${error.message}\nhint: ${configHint(error)}`;
  if (error instanceof CliFailure) return block(error.code, error.message, error.hint);
  if (error instanceof HeadgateError) return block(error.code, error.message, error.row.hint);
  const { message, stack } = error as Error;
  const where = process.env['HEADGATE_DEBUG'] ? `\n${stack}` : '';
  return block('internal', message ?? String(error), `run it again with HEADGATE_DEBUG=1 to see where${where}`);
}

/** What the state refuses, no check of the file alone can see. */
const configHint = ({ diagnostics }: ConfigError): string =>
  diagnostics.every(({ code }) => code === 'config_conflict')
    ? 'the file is good by itself, and what the gate keeps already refuses it: `headgate keys list` shows that'
    : 'headgate check lists every problem of the file';

const block = (code: string, message: string, hint: string): string =>
  `error ${plain(code)}: ${plain(message)}\nhint: ${hint}`;

/** The admin API's error body as a failure; its message ends with the hint of the table. */
export function failureOf(status: number, body: unknown): CliFailure {
  const error = (body as { error?: { code?: string; message?: string } } | null)?.error;
  const code = error?.code ?? `http_${status}`;
  const row = Object.hasOwn(ERRORS, code) ? ERRORS[code as ErrorCode] : null;
  const message = (error?.message ?? `The gate answered ${status}.`).replace(row ? ` ${row.hint}` : '', '');
  const exit = USAGE_CODES.has(code) ? EXIT.usage : EXIT.failed;
  return new CliFailure({ code, message, hint: row?.hint ?? 'look at the log of the gate', exit });
}

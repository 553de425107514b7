/** The commands as data: names, flags and words here, what they do in modules that are loaded when they run. */
import {
  buildApplication,
  buildRouteMap,
  formatMessageForArgumentScannerError,
  text_en,
  ArgumentScannerError,
  type Application,
  type ApplicationText,
} from '@stricli/core';
import { callsRoutes } from './calls/command.ts';
import type { CliContext } from './context.ts';
import { explain, exitOf } from './failure.ts';
import { spendCommand } from './spend/command.ts';
import { upCommand } from './up-command.ts';

const usageError = (message: string): string =>
  `error usage: ${message}\nhint: add --help to see what this command takes`;

/** Errors in the form of everything else: what happened, then what to do. */
const text: ApplicationText = {
  ...text_en,
  noCommandRegisteredForInput: ({ input, corrections }) =>
    usageError(`no command ${input}${corrections.length > 0 ? `; did you mean ${corrections.join(' or ')}?` : ''}`),
  exceptionWhileParsingArguments: (error) =>
    usageError(error instanceof ArgumentScannerError ? formatMessageForArgumentScannerError(error, {}) : String(error)),
  exceptionWhileLoadingCommandFunction: explain,
  exceptionWhileLoadingCommandContext: explain,
  exceptionWhileRunningCommand: explain,
  commandErrorResult: explain,
};

export const root = buildRouteMap({
  routes: { up: upCommand, spend: spendCommand, calls: callsRoutes },
  docs: {
    brief:
      'Self-hosted control plane for AI infrastructure: one gate for every model call, one ledger entry for every pass',
  },
});

export const application = (): Application<CliContext> =>
  buildApplication<CliContext>(root, {
    name: 'headgate',
    scanner: { caseStyle: 'allow-kebab-for-camel' },
    documentation: { caseStyle: 'convert-camel-to-kebab', disableAnsiColor: true, onlyRequiredInUsageLine: true },
    localization: { text },
    determineExitCode: exitOf,
  });

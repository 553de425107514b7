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
import { alertsRoutes } from './alerts/command.ts';
import { cacheRoutes } from './cache/command.ts';
import { callsRoutes } from './calls/command.ts';
import { captureRoutes } from './capture/command.ts';
import { completionCommand } from './completion/command.ts';
import { checkCommand, configRoutes, initCommand } from './config/command.ts';
import { connectCommand } from './connect-client/command.ts';
import type { CliContext } from './context.ts';
import { demoCommand } from './demo/command.ts';
import { drainRoutes } from './drain/command.ts';
import { errorsCommand } from './errors/command.ts';
import { explain, exitOf } from './failure.ts';
import { feedsCommand } from './feeds/command.ts';
import { importRoutes } from './import/command.ts';
import { jobsRoutes } from './jobs/command.ts';
import { nowCommand } from './now/command.ts';
import { pricesRoutes } from './prices/command.ts';
import { providersRoutes } from './providers/command.ts';
import { sessionsRoutes } from './sessions/command.ts';
import { spendRoutes } from './spend/command.ts';
import { budgetsRoutes } from './state/budgets-command.ts';
import { layersRoutes } from './state/layers-command.ts';
import { limitsRoutes } from './state/limits-command.ts';
import { keysRoutes } from './state/keys-command.ts';
import { teamsRoutes, tenantsRoutes } from './state/tenants-command.ts';
import { qualityRoutes } from './quality/command.ts';
import { tokensRoutes } from './tokens/command.ts';
import { streamsRoutes } from './streams/command.ts';
import { upCommand } from './up-command.ts';
import { versionCommand } from './version-command.ts';

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
  routes: {
    up: upCommand,
    init: initCommand,
    check: checkCommand,
    config: configRoutes,
    providers: providersRoutes,
    tenants: tenantsRoutes,
    teams: teamsRoutes,
    keys: keysRoutes,
    budgets: budgetsRoutes,
    limits: limitsRoutes,
    tokens: tokensRoutes,
    layers: layersRoutes,
    prices: pricesRoutes,
    spend: spendRoutes,
    calls: callsRoutes,
    sessions: sessionsRoutes,
    feeds: feedsCommand,
    alerts: alertsRoutes,
    cache: cacheRoutes,
    jobs: jobsRoutes,
    now: nowCommand,
    drain: drainRoutes,
    capture: captureRoutes,
    streams: streamsRoutes,
    quality: qualityRoutes,
    import: importRoutes,
    connect: connectCommand,
    demo: demoCommand,
    errors: errorsCommand,
    completion: completionCommand,
    version: versionCommand,
  },
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

/** Providers as a table, and what a test of one has shown. Pure. */
import type { CliContext } from '../context.ts';
import { count, dateTime, duration, money, ratioOf, share, UNKNOWN } from '../format.ts';
import { drawTable, type Cell } from '../table.ts';
import { plain } from '../text.ts';
import type { ProvidersReport } from './list.ts';
import { errorText, type ProviderHealth, type ProviderView } from './report.ts';
import type { ProviderTest } from './test.ts';

type Screen = Pick<CliContext, 'terminal' | 'zone'>;
const RIGHT = { align: 'right' } as const;

export function drawProviders(report: ProvidersReport, { terminal, zone }: Screen): string {
  const { providers, config, callsRead, complete } = report;
  if (providers.length === 0)
    return 'No providers are configured.\n\nhint: headgate init writes a headgate.yaml for those whose keys are in the environment';
  const columns = [
    { title: 'provider' },
    { title: 'kind', leaves: 5 },
    { title: 'address', shrinkTo: 16, leaves: 4 },
    { title: 'key', shrinkTo: 10 },
    { title: 'models', ...RIGHT, leaves: 6 },
    { title: 'attempts', ...RIGHT },
    { title: 'failed', ...RIGHT },
    { title: 'first token p50', ...RIGHT, leaves: 3 },
    { title: 'last error', shrinkTo: 14, leaves: 1 },
  ];
  const rows = providers.map((one): Cell[] => [
    plain(one.name),
    plain(one.kind),
    plain(one.baseUrl ?? UNKNOWN),
    keyCell(one, terminal.paint),
    count(one.models.length),
    count(one.health.attempts),
    failedCell(one.health, terminal.paint),
    duration(one.health.firstTokenP50Ms),
    lastErrorText(one.health, zone),
  ]);
  const { lines, left } = drawTable({ columns, rows }, { width: terminal.width, heading: terminal.paint.dim });
  const window = `${duration(Date.parse(report.window.to) - Date.parse(report.window.from) - 1)} to ${dateTime(Date.parse(report.window.to), zone)}`;
  return [
    `${window} · ${config === null ? 'configuration made from the environment' : plain(config)}`,
    '',
    ...lines,
    '',
    ...(left.length > 0 ? [`no room for: ${left.join(', ')}`] : []),
    ...errorLines(providers),
    ...(complete ? [] : [`health is of the newest ${count(callsRead)} calls`]),
    'keys are looked for in this shell; the gate has its own environment. Limits left are known by a test:',
    `hint: headgate providers test ${plain(worst(providers).name)}`,
  ].join('\n');
}

type Paint = CliContext['terminal']['paint'];

function keyCell({ key, keyReference }: ProviderView, paint: Paint): Cell {
  if (key === 'none') return keyReference === null ? 'not needed' : `not needed (${keyReference} unset)`;
  const text = `${key} ${keyReference ?? ''}`.trim();
  return key === 'missing' ? { text, tone: paint.bad } : text;
}

function failedCell({ attempts, failed }: ProviderHealth, paint: Paint): Cell {
  if (attempts === 0) return UNKNOWN;
  const text = failed === 0 ? '0' : `${count(failed)} (${share(ratioOf(BigInt(failed), BigInt(attempts)))})`;
  return failed === 0 ? text : { text, tone: paint.bad };
}

function lastErrorText({ lastError }: ProviderHealth, zone: string): string {
  if (lastError === null) return UNKNOWN;
  const { at, status, httpStatus, code } = lastError;
  return `${dateTime(Date.parse(at), zone).slice(5)} ${plain(errorText({ status, httpStatus, errorCode: code }))}`;
}

/** Kinds of error that are shown of one provider. */
const KINDS_SHOWN = 4;

/** One line for each provider that failed in more than one way. */
const errorLines = (providers: readonly ProviderView[]): string[] =>
  providers
    .filter(({ health }) => health.errors.length > 1)
    .map(({ name, health: { errors } }) => {
      const shown = errors.slice(0, KINDS_SHOWN).map(({ what, count: times }) => `${count(times)} × ${plain(what)}`);
      const more = errors.length > KINDS_SHOWN ? ` and ${errors.length - KINDS_SHOWN} more kinds` : '';
      return `${plain(name)}: ${shown.join(', ')}${more}`;
    });

/** The one to look at first. */
const worst = (providers: readonly ProviderView[]): ProviderView =>
  providers.reduce((a, b) => (b.health.failed > a.health.failed ? b : a));

export function drawTest(test: ProviderTest, { terminal: { paint } }: Screen): string {
  const { provider, ok, model, call, cost } = test;
  const head = ok ? paint.good(`${provider} answered`) : paint.bad(`${provider} did not answer`);
  const phases = (
    [
      ['connected', test.connectedMs],
      ['headers', test.headersMs],
      ['first token', test.firstTokenMs],
      ['whole', test.totalMs],
    ] as const
  )
    .filter(([, ms]) => ms !== null)
    .map(([what, ms]) => `${what} ${duration(ms)}`);
  return [
    `${plain(head)} · model ${plain(model)}${test.deployment ? ` · ${plain(test.deployment)}` : ''}`,
    ...(test.error ? [`  ${plain(test.error)}`] : []),
    ...(phases.length > 0 ? [`  ${phases.join(' · ')}`] : []),
    `  ${count(test.inputTokens)} tokens in, ${count(test.outputTokens)} out · cost ${cost === null ? 'unknown' : money(cost)}`,
    `  limits left: ${test.limits.length === 0 ? 'the provider names none' : test.limits.map(({ name, value }) => `${name} ${plain(value)}`).join(' · ')}`,
    ...(call ? [`hint: headgate calls show ${call}`] : []),
  ].join('\n');
}

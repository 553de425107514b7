import { buildCommand, buildRouteMap } from '@stricli/core';
import type { CliContext } from '../context.ts';
import { common, span, text, usd, wholeNumber, yes, type CommonFlags } from '../flags.ts';
import type { DoctorFlags } from './doctor.ts';
import type { ReportFlags } from './report.ts';

const doctor = buildCommand<DoctorFlags, string[], CliContext>({
  loader: async () => (await import('./doctor.ts')).doctor,
  parameters: {
    flags: {
      ticket: text('Ticket of the gate’s echo (default: HEADGATE_ECHO_TICKET)', 'ticket'),
      open: yes('Open the echo of the running gate by its admin API; alone, print the ticket'),
      for: {
        kind: 'parsed',
        parse: span,
        default: '10m',
        brief: 'How long --open opens it, at most 1h',
        placeholder: 'duration',
      },
      quick: yes('Leave long silences out: 15 s instead of 70'),
      gap: {
        ...{ kind: 'parsed', parse: span, optional: true, variadic: true },
        ...{ brief: 'A length of silence to try instead of the usual ones', placeholder: 'duration' },
      },
      header: {
        ...{ kind: 'parsed', parse: headerFlag, optional: true, variadic: true },
        ...{ brief: 'Header for a hop that asks for one', placeholder: 'name: value' },
      },
      ca: text('Certificates in PEM that alone are trusted, for a way with a certificate of your own', 'file'),
      insecure: yes('Take any certificate: what is measured may be somebody else’s'),
      tokensPerSecond: {
        ...{ kind: 'parsed', parse: wholeNumber({ min: 1, max: 100_000 }), default: '50' },
        ...{ brief: 'Pace of a model, for what a cancel wastes', placeholder: 'n' },
      },
      price: {
        kind: 'parsed',
        parse: usd,
        default: '10',
        brief: 'Dollars for a million output tokens, for the same',
        placeholder: 'usd',
      },
      hop: text(
        'Show the fixes for this product alone: nginx, haproxy, apache, varnish, caddy, envoy, alb, cloudflare',
        'name',
      ),
      markdown: yes('Print Markdown with the fixes'),
      ci: yes('Exit with 3 when a bound is broken or cannot be judged'),
      bound: {
        ...{ kind: 'parsed', parse: String, optional: true, variadic: true },
        ...{
          brief:
            'A bound of --ci beside lag=500ms, offset=150ms and heartbeat=reach: idle, cancel, waste, truncation, websocket',
          placeholder: 'name=value',
        },
      },
      ...common,
    },
    positional: {
      kind: 'array',
      parameter: {
        parse: String,
        brief: 'Address of the gate as clients reach it; further ones nearer to it',
        placeholder: 'url',
      },
    },
  },
  docs: {
    brief:
      'Measure what each hop on the way to the gate does to streams: buffering, idle cuts, upgrades, truncation, cancels',
  },
});

const report = buildCommand<ReportFlags, [], CliContext>({
  loader: async () => (await import('./report.ts')).report,
  parameters: {
    flags: {
      since: { kind: 'parsed', parse: span, default: '24h', brief: 'Window that ends now', placeholder: 'duration' },
      by: {
        ...{ kind: 'parsed', parse: String, default: 'protocol', placeholder: 'dimensions' },
        brief: 'Divided by commas: protocol, tenant, client, feature, model, deployment, environment',
      },
      tenant: text('Streams of this tenant alone', 'name'),
      client: text('Streams of this client alone', 'name'),
      protocol: text('Streams over this protocol alone: sse, ws, grpc', 'name'),
      feature: text('Streams of this feature alone', 'name'),
      model: text('Streams of this model alone', 'name'),
      deployment: text('Streams of this deployment alone', 'provider/model'),
      ...common,
    },
  },
  docs: { brief: 'Report how streams ended, what was paid in vain, and what to do next' },
});

const live = buildCommand<CommonFlags, [], CliContext>({
  loader: async () => (await import('./live.ts')).live,
  parameters: { flags: { ...common } },
  docs: { brief: 'List streams that go on now: who reads them, how far they are' },
});

const cancel = buildCommand<CommonFlags, [string], CliContext>({
  loader: async () => (await import('./live.ts')).cancel,
  parameters: {
    flags: { ...common },
    positional: { kind: 'tuple', parameters: [{ parse: String, brief: 'Id of the call', placeholder: 'call' }] },
  },
  docs: { brief: 'End a live stream; its provider is told at once, and the audit says who did it' },
});

function headerFlag(input: string): readonly [string, string] {
  const match = /^([\w-]+):\s*(.+)$/.exec(input);
  if (!match) throw new RangeError('expected a header such as "authorization: Bearer …"');
  return [match[1]!.toLowerCase(), match[2]!];
}

export const streamsRoutes = buildRouteMap({
  routes: { report, live, cancel, doctor },
  docs: { brief: 'Streams: how they end, which go on, and what the way to the gate does to them' },
});

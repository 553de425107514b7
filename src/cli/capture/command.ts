import { buildCommand, buildRouteMap } from '@stricli/core';
import type { CliContext } from '../context.ts';
import { common, span, text, type CommonFlags } from '../flags.ts';
import type { CaptureFlags } from './capture.ts';

function ratio(input: string): number {
  const value = input.endsWith('%') ? Number(input.slice(0, -1)) / 100 : Number(input);
  if (value > 0 && value <= 1) return value;
  throw new RangeError('expected a share such as 0.1 or 10%');
}

const start = buildCommand<CaptureFlags, [], CliContext>({
  loader: async () => (await import('./capture.ts')).startCapture,
  parameters: {
    flags: {
      tenant: text('Calls of this tenant', 'id'),
      feature: text('Calls of this feature', 'name'),
      key: text('Calls of this key', 'id'),
      model: text('Calls for this model, as callers name it', 'name'),
      ratio: { kind: 'parsed', parse: ratio, default: '1', brief: 'Share of them', placeholder: 'share' },
      for: {
        kind: 'parsed',
        parse: span,
        default: '1h',
        brief: 'How long it lasts, at most 7d; it ends by itself',
        placeholder: 'duration',
      },
      reason: { kind: 'parsed', parse: String, brief: 'Why, for the audit', placeholder: 'text' },
      ...common,
    },
  },
  docs: { brief: 'Keep the text of calls of a tenant, feature, key or model for a time, redacted and sealed' },
});

const list = buildCommand<CommonFlags, [], CliContext>({
  loader: async () => (await import('./capture.ts')).listCaptures,
  parameters: { flags: { ...common } },
  docs: { brief: 'List what is captured, by whom, why and for how long, and how full the folder is' },
});

const stop = buildCommand<CommonFlags, [string], CliContext>({
  loader: async () => (await import('./capture.ts')).stopCapture,
  parameters: {
    flags: { ...common },
    positional: { kind: 'tuple', parameters: [{ parse: String, brief: 'Id of the capture', placeholder: 'id' }] },
  },
  docs: { brief: 'End a capture before its time; what it has kept stays until it expires' },
});

export const captureRoutes = buildRouteMap({
  routes: { start, list, stop },
  docs: { brief: 'Captures: what was sent and answered, kept for a time' },
});

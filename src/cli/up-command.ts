import { buildCommand } from '@stricli/core';
import type { CliContext, UpFlags } from './context.ts';
import { data, json, text, wholeNumber, yes } from './flags.ts';

export const upCommand = buildCommand<UpFlags, [], CliContext>({
  loader: async () => (await import('./up.ts')).up,
  parameters: {
    flags: {
      config: text('Configuration (default: HEADGATE_CONFIG, headgate.yaml here, or the environment alone)', 'file'),
      data,
      host: text('Address to listen on (default: 127.0.0.1)', 'host'),
      port: {
        kind: 'parsed',
        parse: wholeNumber({ min: 0, max: 65_535 }),
        optional: true,
        brief: 'Port to listen on (default: 4141; 0: a free one)',
        placeholder: 'port',
      },
      lab: yes('Serve with the simulated provider, even where provider keys are in the environment'),
      json,
    },
  },
  docs: {
    brief: 'Start the gate',
    fullDescription:
      'Without a configuration every provider whose key is in the environment is served, or the simulated provider where there is none. The first start prints the address, where the admin token lies, a demo key and a line to paste. SIGTERM and SIGINT end it after a drain.',
  },
});

import { buildCommand, buildRouteMap } from '@stricli/core';
import type { CliContext } from '../context.ts';
import { common, data, json, text, yes } from '../flags.ts';
import type { CheckFlags } from './check.ts';
import type { InitFlags } from './init.ts';
import type { ConfigShowFlags } from './show.ts';

export const checkCommand = buildCommand<CheckFlags, [string?], CliContext>({
  loader: async () => (await import('./check.ts')).check,
  parameters: {
    flags: {
      plan: yes(
        'Show what its declared tenants, keys, budgets and limits would change in the state; nothing is changed',
      ),
      data: { ...data, brief: 'Data folder of that state (default: HEADGATE_DATA, else dataDir of the file)' },
      json,
    },
    positional: {
      kind: 'tuple',
      parameters: [
        {
          parse: String,
          brief: 'File (default: HEADGATE_CONFIG or headgate.yaml here)',
          placeholder: 'file',
          optional: true,
        },
      ],
    },
  },
  docs: { brief: 'Check a configuration and print every problem; exit 2 where there is one' },
});

export const initCommand = buildCommand<InitFlags, [], CliContext>({
  loader: async () => (await import('./init.ts')).init,
  parameters: {
    flags: {
      out: text('File to write (default: headgate.yaml)', 'file'),
      force: yes('Write over a file that is there'),
      json,
    },
  },
  docs: { brief: 'Write a commented headgate.yaml for the providers whose keys are in the environment' },
});

const show = buildCommand<ConfigShowFlags, [], CliContext>({
  loader: async () => (await import('./show.ts')).show,
  parameters: {
    flags: {
      effective: yes('Defaults as well'),
      config: text('Configuration file (default: that of the running gate, HEADGATE_CONFIG, headgate.yaml)', 'file'),
      ...common,
    },
  },
  docs: { brief: 'Show what is set and where: default, file and line, or environment; secrets by reference alone' },
});

export const configRoutes = buildRouteMap({
  routes: { show },
  docs: { brief: 'The configuration as the gate reads it' },
});

import { buildCommand, buildRouteMap } from '@stricli/core';
import type { CliContext } from '../context.ts';
import { common, text, usd, yes } from '../flags.ts';
import type { LitellmFlags } from './litellm.ts';
import type { PortkeyFlags } from './portkey.ts';

const writing = {
  dryRun: yes('Print the plan and change nothing'),
  yes: yes('Do it without asking'),
  force: yes('Write over a file that is there'),
} as const;
const out = (standard: string) =>
  ({
    kind: 'parsed',
    parse: String,
    default: standard,
    brief: 'Configuration file to write',
    placeholder: 'file',
  }) as const;
const file = (brief: string) =>
  ({ kind: 'tuple', parameters: [{ parse: String, brief, placeholder: 'file' }] }) as const;

const litellm = buildCommand<LitellmFlags, [string], CliContext>({
  loader: async () => (await import('./litellm.ts')).importLitellm,
  parameters: {
    flags: {
      databaseUrl: text('PostgreSQL of LiteLLM, read only: keys, teams, budgets; or ${env:NAME}', 'url'),
      keys: text('CSV of LiteLLM_VerificationToken instead of the database', 'file'),
      tenant: {
        kind: 'parsed',
        parse: String,
        default: 'main',
        brief: 'Tenant of what belongs to no organization',
        placeholder: 'id',
      },
      timeZone: text('Time zone in which budgets reset (default: that of the file, else UTC)', 'zone'),
      unknownPrice: {
        kind: 'parsed',
        parse: usd,
        optional: true,
        brief:
          'What imported budgets reserve for a call whose model has no price (default: refuse it); 0 is free, as in LiteLLM',
        placeholder: 'usd',
      },
      out: out('headgate.litellm.yaml'),
      ...writing,
      ...common,
    },
    positional: file('config.yaml of LiteLLM'),
  },
  docs: {
    brief: 'Move in from LiteLLM: models and fallbacks into a headgate.yaml, keys and budgets into the gate',
    fullDescription:
      'Shows a plan, asks, then writes. Issued keys keep working, since their SHA-256 comes along; budgets continue from what was spent. What does not fit is listed with its place and the reason, and the exit code is 3.',
  },
});

const portkey = buildCommand<PortkeyFlags, [string], CliContext>({
  loader: async () => (await import('./portkey.ts')).importPortkey,
  parameters: {
    flags: {
      model: text('Name that callers ask for (default: the slug of the config, else the name of the file)', 'name'),
      out: out('headgate.portkey.yaml'),
      ...writing,
      ...common,
    },
    positional: file('Config of Portkey, as written or as its API returns it'),
  },
  docs: {
    brief: 'Move in from Portkey: the targets of a config as a model with weights and fallbacks',
    fullDescription:
      'Shows a plan, asks, then writes. Virtual keys are listed by name: their secrets stay in Portkey’s vault. What does not fit is listed with its place and the reason, and the exit code is 3.',
  },
});

export const importRoutes = buildRouteMap({
  routes: { litellm, portkey },
  docs: { brief: 'Move in from another gateway' },
});

import { buildCommand, buildRouteMap } from '@stricli/core';
import type { CliContext } from '../context.ts';
import { common, future, span, text, texts, yes, type CommonFlags } from '../flags.ts';
import type { KeyCreateFlags, KeyImportFlags, KeyListFlags, KeyRotateFlags, KeyUpdateFlags } from './keys.ts';

const id = { parse: String, brief: 'Id of the key', placeholder: 'key' } as const;
const required = (brief: string, placeholder: string) =>
  ({ kind: 'parsed', parse: String, brief, placeholder }) as const;

const settings = {
  owner: text('Whom to ask about it', 'who'),
  expires: {
    kind: 'parsed',
    parse: future,
    optional: true,
    brief: 'When it ends: 30d, a day or an ISO time',
    placeholder: 'time',
  },
  model: texts('Model that it may call, exact or with a trailing *; repeat for more (default: all)', 'name'),
  feature: text('Feature of calls that name none', 'name'),
  label: texts('Label of calls that set none; repeat for more', 'name=value'),
  allowFeature: texts('Feature that a caller may name; repeat for more; * is all', 'name'),
  allowLabel: texts('Label that a caller may set; repeat for more', 'name'),
  allowEndUser: yes('A caller may name its end user'),
  operator: yes('An operator’s own key: sees what providers answered'),
} as const;

const naming = {
  tenant: required('Tenant', 'id'),
  team: text('Team', 'id'),
  name: required('Name for people', 'name'),
} as const;

const create = buildCommand<KeyCreateFlags, [], CliContext>({
  loader: async () => (await import('./keys.ts')).createKey,
  parameters: { flags: { ...naming, ...settings, ...common } },
  docs: { brief: 'Create a key; it is printed once, alone on stdout' },
});

const imported = buildCommand<KeyImportFlags, [], CliContext>({
  loader: async () => (await import('./keys.ts')).importKey,
  parameters: {
    flags: {
      ...naming,
      sha256: text('SHA-256 of the key in hex; without it the key itself is read from stdin', 'hex'),
      ...settings,
      ...common,
    },
  },
  docs: { brief: 'Import a key of an earlier gateway, so that callers need not change' },
});

const list = buildCommand<KeyListFlags, [], CliContext>({
  loader: async () => (await import('./keys.ts')).listKeys,
  parameters: { flags: { tenant: text('Only this tenant', 'id'), team: text('Only this team', 'id'), ...common } },
  docs: { brief: 'List keys; a key itself is never shown again' },
});

const update = buildCommand<KeyUpdateFlags, [string], CliContext>({
  loader: async () => (await import('./keys.ts')).updateKey,
  parameters: {
    flags: {
      name: text('Name for people', 'name'),
      owner: text('Whom to ask about it; none takes it away', 'who'),
      expires: text('When it ends: 30d, a day or an ISO time; none: never', 'time'),
      model: texts('Model that it may call; repeat for more; none: all', 'name'),
      feature: text('Feature of calls that name none; none takes it away', 'name'),
      ...common,
    },
    positional: { kind: 'tuple', parameters: [id] },
  },
  docs: { brief: 'Change a key; its id and secret stay' },
});

const revoke = buildCommand<CommonFlags, [string], CliContext>({
  loader: async () => (await import('./keys.ts')).revokeKey,
  parameters: { flags: { ...common }, positional: { kind: 'tuple', parameters: [id] } },
  docs: { brief: 'Revoke a key at once, its older secrets too; this cannot be undone' },
});

const rotate = buildCommand<KeyRotateFlags, [string], CliContext>({
  loader: async () => (await import('./keys.ts')).rotateKey,
  parameters: {
    flags: {
      overlap: {
        kind: 'parsed',
        parse: span,
        default: '24h',
        brief: 'So long the old secret still works',
        placeholder: 'duration',
      },
      ...common,
    },
    positional: { kind: 'tuple', parameters: [id] },
  },
  docs: { brief: 'Give a key a new secret; it is printed once, alone on stdout' },
});

export const keysRoutes = buildRouteMap({
  routes: { create, list, update, revoke, rotate, import: imported },
  docs: { brief: 'Keys: what callers send, and what they may do with it' },
});

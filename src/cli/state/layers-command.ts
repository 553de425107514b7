import { buildCommand, buildRouteMap } from '@stricli/core';
import type { CliContext } from '../context.ts';
import { common, text, wholeNumber, type CommonFlags } from '../flags.ts';
import type { LayerDiffFlags, LayerListFlags, LayerSetFlags } from './layers.ts';

const layer = { parse: String, brief: 'Name of the layer: tenant:acme', placeholder: 'layer' } as const;
const one = { kind: 'tuple', parameters: [layer] } as const;
const version = (brief: string) =>
  ({
    kind: 'parsed',
    parse: wholeNumber({ min: 1, max: 1_000_000_000 }),
    optional: true,
    brief,
    placeholder: 'version',
  }) as const;

const set = buildCommand<LayerSetFlags, [], CliContext>({
  loader: async () => (await import('./layers.ts')).setLayer,
  parameters: {
    flags: {
      level: {
        kind: 'enum',
        values: ['operator', 'plan', 'tenant', 'team', 'feature', 'key'],
        default: 'tenant',
        brief: 'Whose calls it is for',
      },
      tenant: text('Tenant, at the levels tenant, team and key; at feature: of this tenant alone', 'id'),
      id: text('Plan, team, feature or key', 'id'),
      from: text('File with the settings, in YAML or JSON, as `layers` of headgate.yaml has them', 'file'),
      template: text('File with the text of the template; it takes the place of the one that there is', 'file'),
      ...common,
    },
  },
  docs: { brief: 'Create a layer, or change it: a new version' },
});

const list = buildCommand<LayerListFlags, [], CliContext>({
  loader: async () => (await import('./layers.ts')).listLayers,
  parameters: { flags: { tenant: text('Only this tenant', 'id'), ...common } },
  docs: { brief: 'List layers with their present versions and what they set' },
});

const show = buildCommand<CommonFlags, [string], CliContext>({
  loader: async () => (await import('./layers.ts')).showLayer,
  parameters: { flags: { ...common }, positional: one },
  docs: { brief: 'Show a layer: its template, its settings and the versions that are kept' },
});

const diff = buildCommand<LayerDiffFlags, [string], CliContext>({
  loader: async () => (await import('./layers.ts')).diffLayer,
  parameters: {
    flags: {
      from: version('Older version (default: the one before)'),
      to: version('Newer version (default: the present one)'),
      ...common,
    },
    positional: one,
  },
  docs: { brief: 'Compare the templates of two versions line by line' },
});

const remove = buildCommand<CommonFlags, [string], CliContext>({
  loader: async () => (await import('./layers.ts')).removeLayer,
  parameters: { flags: { ...common }, positional: one },
  docs: { brief: 'Remove a layer with its versions' },
});

export const layersRoutes = buildRouteMap({
  routes: { set, list, show, diff, remove },
  docs: {
    brief: 'Layers: prompts, model names, tools, parameters, regions and isolation, from the operator down to a key',
  },
});

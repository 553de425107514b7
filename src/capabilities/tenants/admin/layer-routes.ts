import { hash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { HeadgateError } from '#kernel/errors.ts';
import type { Layer, LayerScope, LayerSettings, LayerVersion } from '#ports/layer.ts';
import { featureFault } from '../core/faults.ts';
import { diffLines } from '../layers/core/diff.ts';
import { explainedRows } from '../layers/core/explain.ts';
import { mergeLayers } from '../layers/core/merge.ts';
import { layerId, layerScopeFault } from '../layers/core/scope.ts';
import { newLayer, nextVersion, versionsOf } from '../layers/core/versions.ts';
import { changedSettings, layerScope, layerSettings, settingsOf } from '../layers/settings.ts';
import {
  changeable,
  commit,
  declaredView,
  requireNone,
  theKey,
  theLayer,
  theTeam,
  theTenant,
  type AdminContext,
} from './context.ts';
import { route, type Actor, type AdminRoute } from './route.ts';
import { given } from './tenant-routes.ts';
import { isoOrNull } from './views.ts';

const tag = 'layers';
const version = z.coerce.number().int().min(1).optional();

export const layerRoutes = (context: AdminContext): AdminRoute[] => [
  route('GET /admin/layers', {
    tag,
    summary: 'List layers of configuration with their present versions',
    query: z.strictObject({ tenant: z.string().optional() }),
    run: async (_, __, { whose }) => ({
      layers: [...context.tenants.directory.layers(whose)].map((layer) => view(context, layer)),
    }),
  }),
  route('POST /admin/layers', {
    tag,
    summary: 'Create a layer; it applies to the calls that begin from now on',
    status: 201,
    body: z.strictObject({ ...layerScope, ...layerSettings }),
    run: async (_, { level, tenant, id, ...settings }, actor) => {
      const scope = scopeOf(context, { level, tenant, id });
      const there = context.tenants.directory.layer(layerId(scope));
      if (there)
        throw new HeadgateError('conflict', { message: `There is \`${changeable(context, there).id}\` already.` });
      const by = { at: context.clock.now(), author: actor.actor };
      return view(context, await put(context, actor, 'layer.create', newLayer(scope, settingsOf(settings), by)));
    },
  }),
  route('GET /admin/layers/:layer', {
    tag,
    summary: 'Show a layer with the versions that are kept',
    run: async ({ layer }, _, { whose }) => {
      const found = theLayer(context, whose, layer!);
      return { ...view(context, found), versions: versionsOf(found).map(versionView) };
    },
  }),
  route('PATCH /admin/layers/:layer', {
    tag,
    summary: 'Change a layer: a new version; the versions before it are kept, a bounded number of them',
    body: z.strictObject(changedSettings),
    run: async (params, input, actor) => {
      const old = changeable(context, theLayer(context, actor.whose, params['layer']!));
      const by = { at: context.clock.now(), author: actor.actor };
      const next = nextVersion(old, { ...old.settings, ...given(input as Partial<LayerSettings>) }, by);
      return view(context, next === old ? old : await put(context, actor, 'layer.update', next));
    },
  }),
  route('GET /admin/layers/:layer/diff', {
    tag,
    summary: 'Compare the templates of two versions line by line; by default the last two',
    query: z.strictObject({ from: version, to: version }),
    run: async ({ layer }, { from, to }, { whose }) => {
      const found = theLayer(context, whose, layer!);
      const after = versionOf(found, to ?? found.version);
      const before = after.version === 1 && from === undefined ? null : versionOf(found, from ?? after.version - 1);
      return {
        layer: found.id,
        from: before && versionView(before),
        to: versionView(after),
        lines: diffLines(before?.settings.template?.text ?? '', after.settings.template?.text ?? ''),
      };
    },
  }),
  route('DELETE /admin/layers/:layer', {
    tag,
    summary: 'Remove a layer with its versions',
    run: async (params, _, actor) => {
      const { id, scope } = changeable(context, theLayer(context, actor.whose, params['layer']!));
      const changes = [{ remove: 'layer', id }] as const;
      await commit(context, actor, { changes, action: 'layer.remove', subject: id, tenant: scope.tenant, detail: {} });
      return { id, removed: true };
    },
  }),
  route('GET /admin/tenants/:tenant/explain', {
    tag,
    summary: 'Say what layers make of a call of a tenant, and which version of which layer set each value',
    query: z.strictObject({
      feature: z.string().max(64).optional(),
      team: z.string().max(128).optional(),
      key: z.string().max(128).optional(),
    }),
    run: async ({ tenant }, asked) => explain(context, tenant!, asked),
  }),
];

function versionOf(layer: Layer, wanted: number): LayerVersion {
  const found = versionsOf(layer).find((one) => one.version === wanted);
  if (found) return found;
  const oldest = versionsOf(layer).at(-1)!.version;
  const message = `There is no version ${wanted} of \`${layer.id}\`: ${oldest} to ${layer.version} are kept.`;
  throw new HeadgateError('not_found', { message });
}

/** Throws a 400 or 404 for what does not exist or is another tenant's. */
function scopeOf(context: AdminContext, input: ScopeInput): LayerScope {
  requireNone([layerScopeFault(input)]);
  const { level, tenant, id } = input;
  const owner = tenant === undefined ? null : theTenant(context, tenant).id;
  if (level === 'team') theTeam(context, owner!, id!);
  if (level === 'key') theKey(context, owner!, id!);
  if (level === 'feature') requireNone([featureFault(id!, 'id', context.features())]);
  return { level, tenant: owner, id: id ?? null };
}

interface ScopeInput {
  readonly level: LayerScope['level'];
  readonly tenant?: string | undefined;
  readonly id?: string | undefined;
}

/** The audit has what changed; of a template its length and a hash, since its text stands in the versions. */
async function put(context: AdminContext, actor: Actor, action: string, value: Layer): Promise<Layer> {
  const before = value.history[0]?.settings;
  const changed = Object.entries(value.settings).filter(
    ([name, now]) => !isDeepStrictEqual(now, before?.[name as keyof LayerSettings]),
  );
  const said = changed.map(([name, now]) => [name, name === 'template' ? templateNote(value.settings) : now]);
  const detail = { version: value.version, ...Object.fromEntries(said) };
  const { id: subject, scope } = value;
  await commit(context, actor, { changes: [{ put: 'layer', value }], action, subject, tenant: scope.tenant, detail });
  return value;
}

const templateNote = ({ template }: LayerSettings) =>
  template && {
    ...template,
    text: `${template.text.length} characters, SHA-256 ${hash('sha256', template.text, 'hex').slice(0, 16)}…`,
  };

interface Asked {
  readonly feature?: string | undefined;
  readonly team?: string | undefined;
  readonly key?: string | undefined;
}

function explain(context: AdminContext, id: string, { feature, team, key }: Asked): object {
  const { directory } = context.tenants;
  const tenant = theTenant(context, id);
  const caller = key === undefined ? null : theKey(context, tenant.id, key);
  const owned = team ?? caller?.team ?? null;
  if (owned !== null) theTeam(context, tenant.id, owned);
  if (feature !== undefined) requireNone([featureFault(feature, 'feature', context.features())]);
  const asked = {
    tenant: tenant.id,
    plan: tenant.plan ?? null,
    team: owned,
    feature: feature ?? null,
    key: key ?? null,
  };
  const effective = mergeLayers((layer) => directory.layer(layer), asked);
  return {
    ...asked,
    layers: effective?.layers ?? [],
    refused: effective?.broken ?? null,
    rows: effective ? explainedRows(effective) : [],
  };
}

const versionView = ({ version: number, at, author, settings }: LayerVersion) => ({
  version: number,
  at: isoOrNull(at),
  author,
  template: settings.template?.text ?? null,
});

function view(context: AdminContext, { history, ...layer }: Layer): object {
  const times = { at: isoOrNull(layer.at), createdAt: isoOrNull(layer.createdAt) };
  return { ...layer, ...times, kept: history.length + 1, declared: declaredView(context, layer) };
}

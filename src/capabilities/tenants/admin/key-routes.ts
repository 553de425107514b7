import { z } from 'zod';
import type { EpochMs, KeyId } from '#kernel/brand.ts';
import { HeadgateError } from '#kernel/errors.ts';
import { timeOrderedId } from '#kernel/ids.ts';
import type { Whose } from '#kernel/whose.ts';
import type { ApiKey } from '#ports/state-store.ts';
import { importedMaterial, keyText, KEY_BYTES, materialOf, rotated, type KeyMaterial } from '../core/keys.ts';
import { keyFaults } from '../core/faults.ts';
import { keySettings, newKeySettings } from '../settings.ts';
import { changeable, commit, declaredView, requireNone, theKey, theTeam, theTenant } from './context.ts';
import type { AdminContext } from './context.ts';
import { duration, title } from './fields.ts';
import { route, type Actor, type AdminRoute } from './route.ts';
import { given } from './tenant-routes.ts';
import { isoOrNull } from './views.ts';

const tag = 'keys';
const DAY_MS = 86_400_000;

const creation = { tenant: z.string(), team: z.string().nullable().default(null), name: title, ...newKeySettings };
const createBody = z.strictObject(creation);
const importBody = z.strictObject({ ...creation, raw: z.string().optional(), sha256: z.string().optional() });
const updateBody = z.strictObject({ name: title, ...keySettings }).partial();

/** Hashes open nothing, but whoever has one can test guesses: they stay in. */
const keyView = (context: AdminContext, { hash: _hash, previous, ...key }: ApiKey) => ({
  ...key,
  createdAt: isoOrNull(key.createdAt),
  expiresAt: isoOrNull(key.expiresAt),
  revokedAt: isoOrNull(key.revokedAt),
  previousUntil: previous.map(({ until }) => isoOrNull(until)),
  declared: declaredView(context, key),
});

export const keyRoutes = (context: AdminContext): AdminRoute[] => [
  route('GET /admin/keys', {
    tag,
    summary: 'List keys; the raw key is never shown again',
    query: z.strictObject({
      tenant: z.string().optional(),
      team: z.string().optional(),
      search: z.string().max(128).optional().describe('Part of the name, id, hint, owner or team.'),
      state: z.enum(['live', 'revoked', 'expired']).optional(),
      limit: z.coerce
        .number()
        .int()
        .min(1)
        .max(10_000)
        .optional()
        .describe('Newest first with a limit; all, oldest first, without.'),
      before: z.string().max(128).optional().describe('Id of the last key of the page before.'),
    }),
    run: async (_, question, { whose }) => keyPage(context, whose, question),
  }),
  route('POST /admin/keys', {
    tag,
    summary: 'Create a key; the answer alone shows the raw key',
    status: 201,
    body: createBody,
    run: async (_, input, actor) => {
      const raw = keyText(context.randomBytes(KEY_BYTES));
      const key = await create(context, input, materialOf(raw), { ...actor, action: 'key.create' });
      return { key: raw, ...keyView(context, key) };
    },
  }),
  route('POST /admin/keys/import', {
    tag,
    summary: 'Import a key of an earlier gateway, raw or by its SHA-256',
    status: 201,
    body: importBody,
    run: async (_, { raw, sha256, ...input }, actor) => {
      if ((raw === undefined) === (sha256 === undefined)) {
        throw new HeadgateError('invalid_request', { field: 'raw', message: 'Give either `raw` or `sha256`.' });
      }
      const material = importedMaterial(raw !== undefined ? { raw } : { sha256: sha256! });
      if (!material.ok) throw material.error;
      return keyView(context, await create(context, input, material.value, { ...actor, action: 'key.import' }));
    },
  }),
  route('GET /admin/keys/:key', {
    tag,
    summary: 'Show a key',
    run: async ({ key }, _, { whose }) => keyView(context, theKey(context, whose, key!)),
  }),
  route('PATCH /admin/keys/:key', {
    tag,
    summary: 'Change a key; its id and secret stay',
    body: updateBody,
    run: async (params, input, actor) => {
      const old = changeable(context, theKey(context, actor.whose, params['key']!));
      const value = { ...old, ...given(input) } as ApiKey;
      checkNames(context, value);
      return keyView(context, await put(context, actor, 'key.update', value, input));
    },
  }),
  route('POST /admin/keys/:key/rotate', {
    tag,
    summary: 'Give a key a new secret; the old one works until the overlap is over',
    body: z.strictObject({ overlap: duration(90 * DAY_MS).default(DAY_MS) }),
    run: async (params, { overlap }, actor) => {
      const old = changeable(context, theKey(context, actor.whose, params['key']!));
      if (old.revokedAt !== null) throw new HeadgateError('conflict', { message: 'The key is revoked.' });
      const raw = keyText(context.randomBytes(KEY_BYTES));
      const value = rotated(old, materialOf(raw), context.clock.now(), overlap);
      await put(context, actor, 'key.rotate', value, { overlapMs: overlap, hint: value.hint });
      return { key: raw, ...keyView(context, value) };
    },
  }),
  route('POST /admin/keys/:key/revoke', {
    tag,
    summary: 'Revoke a key at once, its older secrets too',
    run: async (params, _, actor) => {
      const old = changeable(context, theKey(context, actor.whose, params['key']!));
      const value: ApiKey = { ...old, revokedAt: old.revokedAt ?? context.clock.now() };
      return keyView(context, await put(context, actor, 'key.revoke', value, {}));
    },
  }),
];

interface KeysQuestion {
  readonly tenant?: string | undefined;
  readonly team?: string | undefined;
  readonly search?: string | undefined;
  readonly state?: 'live' | 'revoked' | 'expired' | undefined;
  readonly limit?: number | undefined;
  readonly before?: string | undefined;
}

/** Ids are in the order of time, so that a page is a place in them. `total` counts all that match. */
function keyPage(context: AdminContext, whose: Whose, question: KeysQuestion) {
  const now = context.clock.now();
  const keys = [...context.tenants.directory.keys(whose)];
  const view = (key: ApiKey) => keyView(context, key);
  const { team, search, state, limit: most, before } = question;
  const words = search?.trim().toLowerCase();
  const matching = keys.filter(
    (key) =>
      (!team || key.team === team) &&
      (!state || stateOf(key, now) === state) &&
      (!words || [key.name, key.id, key.hint, key.owner, key.team].some((text) => text?.toLowerCase().includes(words))),
  );
  if (most === undefined) return { keys: matching.map(view), total: matching.length };
  const ordered = matching.sort((a, b) => (a.id < b.id ? 1 : -1));
  const page = ordered.filter((key) => before === undefined || key.id < before).slice(0, most);
  return { keys: page.map(view), total: matching.length };
}

const stateOf = ({ revokedAt, expiresAt }: ApiKey, now: EpochMs): 'live' | 'revoked' | 'expired' =>
  revokedAt !== null ? 'revoked' : expiresAt !== null && expiresAt <= now ? 'expired' : 'live';

async function put(
  context: AdminContext,
  actor: Actor,
  action: string,
  value: ApiKey,
  detail: object,
): Promise<ApiKey> {
  await commit(context, actor, {
    changes: [{ put: 'key', value }],
    action,
    subject: value.id,
    tenant: value.tenant,
    detail,
  });
  return value;
}

async function create(
  context: AdminContext,
  input: z.output<typeof createBody>,
  material: KeyMaterial,
  { action, ...actor }: Actor & { readonly action: string },
): Promise<ApiKey> {
  const { id: tenant } = theTenant(context, input.tenant);
  const team = input.team === null ? null : theTeam(context, tenant, input.team);
  if (context.tenants.directory.hasHash(material.hash))
    throw new HeadgateError('conflict', { message: 'There is such a key already.' });
  const now = context.clock.now();
  const rest = { team: team?.id ?? null, previous: [], createdAt: now, revokedAt: null as EpochMs | null };
  const value = {
    ...input,
    id: timeOrderedId('key_', now, context.rng) as KeyId,
    tenant,
    ...material,
    ...rest,
  } as ApiKey;
  checkNames(context, value);
  return put(context, actor, action, value, { ...input, hint: material.hint });
}

/** Every feature and label that a key names must be one of the operator's file. */
const checkNames = (context: AdminContext, key: ApiKey): void =>
  requireNone(keyFaults(key, { features: context.features(), labels: context.labels() }));
